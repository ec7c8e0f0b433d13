"""A pipeline file is what it says, and a mistake in it is told with the file and the key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.settings import ROOT
from subscriber.errors import WrongSetting
from subscriber.pipeline import Feature, Pipeline
from subscriber.pipeline_file import load_pipeline
from tests.unit.subscriber.material import pipeline

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = ROOT / "subscriber" / "pipelines"
TEXT = """
name = "flowers"
topic = "source-flowers"
group = "flowers-group"

[model]
url = "http://127.0.0.1:8000/v2/models/flowers"

[[features]]
column = "width"

[[features]]
column = "height"
datatype = "FP64"

[target]
table = "prediction"

[target.outputs]
class = "class"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "flowers.toml"
    path.write_text(text)
    return path


def mistakes(path: Path) -> list[str]:
    """What loading the file complains of, each line without the file's name and the line, which it must begin with."""
    with pytest.raises(WrongSetting) as raised:
        load_pipeline(path)
    lines = str(raised.value).splitlines()
    where = re.compile(rf"{re.escape(str(path))}(:\d+)?: ")
    assert all(where.match(line) for line in lines)
    return [where.sub("", line, count=1) for line in lines]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.name)
def test_every_shipped_file_loads(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r"\$\{(\w+)\}", path.read_text()):
        monkeypatch.setenv(name, "http://model:8000")

    described = load_pipeline(path)

    assert described.model.url.startswith("http://model:8000/v2/models/")
    assert described.create_sql == (path.parent / str(described.target.create)).read_text()


def test_the_iris_file_says_what_the_other_services_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "http://model:8000")

    iris = load_pipeline(SHIPPED / "iris.toml")

    assert iris.topic == "postgres-source-iris_data"
    assert iris.group == "iris-data-consumer-group"
    assert iris.model.versioned_url == "http://model:8000/v2/models/iris"
    assert [feature.input_name for feature in iris.features] == [
        "sepal_length",
        "sepal_width",
        "petal_length",
        "petal_width",
    ]
    assert (iris.target.table, iris.target.outputs) == ("iris_prediction", {"iris_class": "iris_class"})


def test_what_a_file_leaves_out_has_defaults(tmp_path: Path) -> None:
    described = load_pipeline(written(tmp_path, TEXT))

    assert described.features[0] == Feature(column="width", datatype="FP64", tensor=None)
    assert (described.source.key, described.source.timestamp, described.source.deletes) == (None, None, "ignore")
    assert (described.target.source_key, described.target.model_version) == ("source_id", "model_version")
    assert (described.start, described.model.layout, described.target.schema_) == ("earliest", "columns", "public")
    assert described.create_sql is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # keys that are not there, or should not be
        ('topic = "source-flowers"', "", "topic: missing"),
        ('table = "prediction"', "", "target.table: missing"),
        ('column = "width"', "", "features[0].column: missing"),
        ("[model]", "[modell]", "model: missing"),
        ("[target.outputs]\nclass =", "[target.output]\nclass =", "target.outputs: missing"),
        ('topic = "source-flowers"', 'topic = "t"\ntopik = "t"', "topik: unknown key"),
        ("[model]", '[model]\nuri = "x"', "model.uri: unknown key"),
        ('column = "width"', 'column = "width"\ntype = "FP64"', "features[0].type: unknown key"),
        ("[target]", "[target]\ntimestmap = 'x'", "target.timestmap: unknown key"),
        ('topic = "source-flowers"', 'topic = "t"\ncreate_sql = "drop table x"', "create_sql: unknown key"),
        # values of a wrong kind
        ('topic = "source-flowers"', "topic = 1", "topic: input should be a valid string (got 1)"),
        ('topic = "source-flowers"', 'topic = ""', "topic: string should match pattern"),
        ('topic = "source-flowers"', 'topic = "^source.*"', "topic: string should match pattern"),
        ('group = "flowers-group"', 'group = ""', "group: string should match pattern"),
        ('group = "flowers-group"', 'group = " "', "group: string should match pattern"),
        ('name = "flowers"', 'name = "all flowers"', "name: string should match pattern"),
        ('name = "flowers"', 'name = "flowers"\nstart = "now"', "start: input should be 'earliest' or 'latest'"),
        ('column = "width"', "column = 1", "features[0].column: input should be a valid string"),
        ('column = "width"', 'column = ""', "features[0].column: string should match pattern"),
        ('column = "width"', "column = 'wi\"dth'", "features[0].column: string should match pattern"),
        ('datatype = "FP64"', 'datatype = "FP16"', "features[1].datatype: input should be 'FP64'"),
        ("[model]", "[model]\nversion = 1", "model.version: input should be a valid string (got 1)"),
        ("[model]", "[model]\ntimeout_seconds = 0", "model.timeout_seconds: input should be greater than 0"),
        ("[model]", "[model]\ntimeout_seconds = inf", "model.timeout_seconds: input should be less than"),
        ("[model]", "[model]\ntimeout_seconds = nan", "model.timeout_seconds: input should be"),
        ("[target]", "[batch]\nmax_rows = 0\n[target]", "batch.max_rows: input should be greater than or equal to 1"),
        (
            "[target]",
            "[retention]\npredictions_days = 0\n[target]",
            "retention.predictions_days: input should be greater",
        ),
        (
            "[target]",
            "[retention]\npredictions_days = inf\n[target]",
            "retention.predictions_days: input should be less",
        ),
        ("[target]", "[retention]\npredictions_days = nan\n[target]", "retention.predictions_days: input should be"),
        ("[target]", "[retention]\npredictions_days = true\n[target]", "retention.predictions_days: input should be a"),
        ("[target]", "[retention]\ndead_letters_days = -1\n[target]", "retention.dead_letters_days: input should be"),
        ("[target]", "[retention]\ndead_letters_days = 1e9\n[target]", "retention.dead_letters_days: input should be"),
        ("[target]", "[retention]\ndead_letter_days = 1\n[target]", "retention.dead_letter_days: unknown key"),
        ('table = "prediction"', "table = 'a\"; drop table b'", "target.table: string should match pattern"),
        ('class = "class"', "class = 'a b'", "target.outputs.class: string should match pattern"),
        ('class = "class"', "", "target.outputs: dictionary should have at least 1 item"),
        # addresses that are none
        ("http://127.0.0.1:8000/v2/models/flowers", "127.0.0.1:8000", "model.url: string should match pattern"),
        ("http://127.0.0.1:8000/v2/models/flowers", "http://127.0.0.1:8000", "model.url: string should match"),
        ("http://127.0.0.1:8000/v2", "ftp://127.0.0.1:8000/v2", "model.url: string should match pattern"),
        ("http://127.0.0.1:8000/v2", "http://[::1/v2", "model.url: invalid IPv6 URL"),
        ("http://127.0.0.1:8000/v2", "http://127.0.0.1:80000/v2", "model.url: port out of range"),
        ("http://127.0.0.1:8000/v2", "http://127.0.0.1:http/v2", "model.url: port could not be"),
        ("http://127.0.0.1:8000/v2", "${UNSET_URL}/v2", "model.url: environment variable UNSET_URL is not set"),
        ('column = "width"', 'column = "${UNSET_COLUMN}"', "features[0].column: environment variable UNSET_COLUMN"),
        # things that do not go together
        (
            'column = "width"',
            'column = "width"\ntensor = "height"',
            "features: two of them have one tensor name (height, height)",
        ),
        (
            'class = "class"',
            'class = "model_version"',
            "target: two values go to one column (model_version, model_version, timestamp)",
        ),
        ('column = "width"', 'column = "width"\ndefault = "a"', "features[0].default: FP64 takes a number"),
        (
            'column = "width"',
            'column = "width"\ndatatype = "INT64"\ndefault = true',
            "features[0].default: INT64 takes a whole number",
        ),
        (
            'column = "width"',
            'column = "width"\nsize = 2\ndefault = 1',
            "features[0].default: an array (size) has none",
        ),
        (
            'column = "width"',
            'column = "width"\nsize = 0',
            "features[0].size: input should be greater than or equal to 1",
        ),
        ("[target]", '[source]\ndeletes = "remove"\n[target]', "source.deletes: 'remove' needs source.key"),
        (
            "[target]",
            '[source]\nkey = "id"\ndeletes = "remove"\n[target]\nsource_key = false',
            "source.deletes: 'remove' needs source.key and target.source_key",
        ),
        (
            "[target]",
            '[source]\nkey = "id"\ndeletes = "mark"\n[target]',
            'source.deletes: "mark" and target.deleted_at',
        ),
        ("[target]", '[target]\ndeleted_at = "gone"', 'source.deletes: "mark" and target.deleted_at'),
        (
            "[target]",
            '[truth]\ncolumn = "kind"\noutput = "x"\n[target]',
            "truth.output: 'x' is not in target.outputs (class)",
        ),
        (
            'url = "http://127.0.0.1:8000/v2/models/flowers"\n\n[[features]]',
            'url = "http://127.0.0.1:8000/v2/models/flowers"\nlayout = "matrix"\n\n[[features]]\ndatatype = "INT32"',
            "features: a matrix has one datatype, so all features need the same",
        ),
        ("[target]", "[target]\nerror = 'class'", "target: two values go to one column (class, class"),
        ("[target.outputs]", "[target.copies]\na = 'class'\n[target.outputs]", "target: two values go to one column"),
        ("[target.outputs]", "[target.copies]\na = 'a b'\n[target.outputs]", "target.copies.a: string should match"),
        ("[target]", "[target]\nerror = false", "target.error: input should be a valid string (got False)"),
        ("[target]", "[target]\nreceipts = 'a.b'", "target.receipts: string should match pattern"),
        ("[target]", "[target]\nreceipts = 'prediction'", "target.receipts: 'prediction' is the table of the"),
        ("[target]", "[source]\nversion = ''\n[target]", "source.version: string should match pattern"),
        ("[target]", "[batch]\nmax_bytes = 0\n[target]", "batch.max_bytes: input should be greater than or equal to 1"),
        # not TOML
        ("[model]", "[model", "not TOML: "),
        ('topic = "source-flowers"', "topic = source-flowers", "not TOML: "),
        ('topic = "source-flowers"', 'name = "again"', "not TOML: "),
        # the table's SQL
        ("[target]", '[target]\ncreate = "none.sql"', "target.create: none.sql: No such file or directory"),
        ("[target]", '[target]\ncreate = "."', "target.create: .: Is a directory"),
        ("[target]", '[target]\ncreate = "latin.sql"', "target.create: latin.sql: not a text file"),
        ("[target]", "[target]\ncreate = 1", "target.create: input should be a valid string (got 1)"),
    ],
)
def test_a_mistake_is_told_with_its_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "latin.sql").write_bytes("-- Größe".encode("latin-1"))
    assert old in TEXT

    wrong = mistakes(written(tmp_path, TEXT.replace(old, new, 1)))

    assert any(line.startswith(said) for line in wrong), wrong


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT.replace("topic", "topik").replace('column = "width"', "column = 1"))

    assert mistakes(path) == [
        "topic: missing; it is: Kafka topic whose rows are predicted.",
        "features[0].column: input should be a valid string (got 1)",
        "topik: unknown key; did you mean topic?",
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "none.toml") == ["No such file or directory"]


@given(content=st.binary(max_size=60))
def test_any_other_bytes_are_told(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)

    assert mistakes(path)


def test_variables_are_filled_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "model")
    monkeypatch.setenv("SIDE", "width")
    text = TEXT.replace("127.0.0.1:8000", "${HOST}:80").replace('"width"', '"${SIDE}_of_${SIDE}"')

    described = load_pipeline(written(tmp_path, text))

    assert described.model.url == "http://model:80/v2/models/flowers"
    assert described.features[0].column == "width_of_width"


def test_a_variable_is_filled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "${B}")
    text = TEXT.replace("[model]", '[model]\nparameters = {note = "${A}"}')

    assert load_pipeline(written(tmp_path, text)).model.parameters == {"note": "${B}"}


def test_a_version_goes_into_the_address() -> None:
    described = pipeline(url="http://model:8000/v2/models/m/", version="3")

    assert described.model.versioned_url == "http://model:8000/v2/models/m/versions/3"


def test_a_version_that_holds_a_slash_stays_one_step_of_the_address() -> None:
    described = pipeline(url="http://model:8000/v2/models/m")

    assert described.model.url_of("a/b") == "http://model:8000/v2/models/m/versions/a%2Fb"


def test_the_columns_that_are_written_are_named_in_the_order_of_their_values() -> None:
    described = pipeline(target={"timestamp": False, "error": "error", "copies": {"a": "x", "b": "y"}})

    assert described.written_columns == ["class", "source_id", "model_version", "error", "x", "y"]


def test_a_pipeline_cannot_be_changed() -> None:
    described: Pipeline = pipeline()

    with pytest.raises(ValueError, match="frozen"):
        described.topic = "other"  # type: ignore[misc]
