"""Definitions are JSON with placeholders; every variable is needed, and passwords stay hidden."""

import json
import os
import re
from collections.abc import Mapping
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.definition import PLACEHOLDER, fill, parse, read
from connectors.errors import DefinitionError
from connectors.source import FIRST_TABLES, MAKERS, topic
from connectors.tables import Table, parse_list
from connectors.tables import parse as parse_table

FILES = ("source.json", "sink.json", "outbox.json")
names = st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True)
values = st.text(min_size=1).filter(lambda text: "\x00" not in text)


@given(variables=st.dictionaries(names, values, min_size=1, max_size=5))
def test_every_placeholder_becomes_its_variable(variables: dict[str, str]) -> None:
    template = "/".join(f"${{{name}}}" for name in variables)

    assert fill("x.json", template, variables) == "/".join(variables.values())


@given(text=st.text().filter(lambda text: not PLACEHOLDER.search(text)))
def test_text_without_placeholders_stays_as_it_is(text: str) -> None:
    assert fill("x.json", text, {}) == text


def test_what_is_filled_in_is_not_searched_again() -> None:
    assert fill("x.json", "${A}", {"A": "${B}", "B": "no"}) == "${B}"


@pytest.mark.parametrize("text", ["${topic}", "${file:/secrets:key}", "postgres-source-$1"])
def test_placeholders_of_kafka_connect_are_left_to_it(text: str) -> None:
    assert fill("x.json", text, {}) == text


@pytest.mark.parametrize("environment", [{}, {"SINK_PASSWORD": ""}])
def test_an_unset_variable_is_named_with_its_file(environment: dict[str, str]) -> None:
    with pytest.raises(
        DefinitionError, match=r"connectors/x\.json asks for \$\{SINK_PASSWORD\}, but SINK_PASSWORD is not"
    ):
        fill("x.json", "${SINK_PASSWORD}", environment)


@pytest.mark.parametrize(
    ("value", "environment", "filled"),
    [
        ("${SSLMODE:-prefer}", {}, "prefer"),
        ("${SSLMODE:-prefer}", {"SSLMODE": ""}, "prefer"),
        ("${SSLMODE:-prefer}", {"SSLMODE": "require"}, "require"),
        ("?a=${A:-}&b=${B:-1}&c=${C}", {"C": "2"}, "?a=&b=1&c=2"),
    ],
)
def test_a_default_stands_in_for_a_variable_that_is_not_set(
    value: str, environment: dict[str, str], filled: str
) -> None:
    assert fill("x.json", value, environment) == filled


def test_no_certificate_is_asked_for_unless_it_is_told() -> None:
    environment = dict(line.split("=", 1) for line in _example_lines())
    source, sink, outbox = (read(file, environment).config for file in FILES)

    for config in (source, outbox):
        assert (config["database.sslmode"], config["database.sslrootcert"]) == ("prefer", "")
    assert sink["connection.url"].endswith("&sslmode=prefer&sslrootcert=")


@given(password=values)
def test_any_password_survives_the_filling_and_stays_out_of_the_representation(password: str) -> None:
    text = json.dumps({"name": "n", "config": {"connector.class": "c", "password": "${P}"}})

    definition = parse("x.json", text, {"P": password})

    assert definition.config["password"] == password
    assert repr(definition) == "Definition(name='n')"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"name": "n"}',
        '{"name": "n", "config": {}}',
        '{"name": "n", "config": {"connector.class": "c", "tasks.max": 1}}',
    ],
)
def test_what_is_not_a_definition_is_refused_by_file_name(text: str) -> None:
    with pytest.raises(DefinitionError, match=r"^connectors/x\.json "):
        parse("x.json", text, {})


@pytest.mark.parametrize("file", FILES)
def test_our_definitions_need_only_documented_variables(file: str) -> None:
    text = (resources.files("connectors") / file).read_text(encoding="utf-8")
    example = {line.split("=")[0] for line in _example_lines()}

    needed = {found[1] for found in PLACEHOLDER.finditer(text) if found[2] is None}
    documented = (resources.files("connectors") / ".." / ".env.example").read_text(encoding="utf-8")

    assert needed <= example
    assert [found[1] for found in PLACEHOLDER.finditer(text) if f"{found[1]}=" not in documented] == []


@pytest.mark.parametrize("file", FILES)
def test_our_definitions_hold_no_password(file: str) -> None:
    text = (resources.files("connectors") / file).read_text(encoding="utf-8")

    for key, value in json.loads(text)["config"].items():
        if "password" in key:
            assert PLACEHOLDER.fullmatch(value), key


def test_source_and_sink_agree_on_the_topic() -> None:
    environment = {**os.environ, **dict(line.split("=", 1) for line in _example_lines())}
    source, sink, _ = (read(file, environment).config for file in FILES)

    (table,) = parse_list(source[FIRST_TABLES])

    assert topic_of(table, source) == table.topic == sink["topics"] == "postgres-source-iris_data"
    topic = table.topic
    assert re.sub(sink["transforms.table.regex"], sink["transforms.table.replacement"].replace("$", "\\"), topic) == (
        "iris_data"
    )


@pytest.mark.parametrize("name", ["public.iris_data", "shop.orders", "public.shop_orders"])
def test_the_source_names_topics_as_the_commands_say(name: str) -> None:
    environment = {**os.environ, **dict(line.split("=", 1) for line in _example_lines())}

    assert topic_of(parse_table(name), read("source.json", environment).config) == parse_table(name).topic


def test_the_rows_by_which_debezium_is_told_things_go_nowhere() -> None:
    environment = {**os.environ, **dict(line.split("=", 1) for line in _example_lines())}
    source = read("source.json", environment).config

    assert re.fullmatch(
        source["predicates.signal.pattern"], f"{source['topic.prefix']}.{source['signal.data.collection']}"
    )


def topic_of(table: Table, source: Mapping[str, str]) -> str:
    """What the transformations of the definition make of a table's name."""
    topic = f"{source['topic.prefix']}.{table}"
    for name in source["transforms"].split(","):
        if source[f"transforms.{name}.type"].endswith("RegexRouter"):
            replacement = source[f"transforms.{name}.replacement"].replace("$", "\\")
            if match := re.fullmatch(source[f"transforms.{name}.regex"], topic):
                topic = match.expand(replacement)
    return topic


def _example_lines() -> list[str]:
    root = resources.files("connectors") / ".." / ".env.example"
    lines = root.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_outbox_and_source_share_nothing_that_is_one_connectors_own() -> None:
    environment = {**os.environ, **dict(line.split("=", 1) for line in _example_lines())}
    source, _, outbox = (read(file, environment) for file in FILES)

    own = ("publication.name", "slot.name", "topic.prefix", FIRST_TABLES)
    assert MAKERS.keys() == {source.name, outbox.name}
    assert not [key for key in own if source.config[key] == outbox.config[key]]
    # what one of them writes to the log to show that it lives is nothing to the other
    for key in ("heartbeat.action.query", "message.prefix.exclude.list"):
        assert source.config[key] == outbox.config[key]
    # nothing of what a task hands over is to be read in the stream
    assert parse_list(outbox.config[FIRST_TABLES]) == [Table("tasks", "outbox")]
    assert topic(outbox, Table("tasks", "outbox")) == "tasks-{model}"
    assert topic(source, Table("shop", "orders")) == "postgres-source-shop-orders"
