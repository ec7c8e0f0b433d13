"""Messages of many rows, with copies, versions, errors and receipts, on the real servers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
import pytest
import requests
from sklearn.dummy import DummyClassifier

from api.model import artifact
from api.settings import MODELS_DIR
from stack.settings import ROOT
from tests.faults import FaultyApi, status, values
from tests.stream import FIELDS, FLOWERS, ChunksFile, SubscriberProcess, Topic, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stack.services import Services
    from stack.settings import Settings
    from tests.servers import Servers

    Subscribe = Callable[..., SubscriberProcess]

SHIPPED = ROOT / "subscriber" / "pipelines"


@pytest.fixture
def pipeline(tmp_path: Path, topic: Topic, api: str) -> ChunksFile:
    return ChunksFile(tmp_path, topic.name, api)


@pytest.fixture
def task() -> str:
    return str(uuid.uuid4())


def rows_of(task: str, numbers: Iterable[int], **more: object) -> list[dict[str, object]]:
    """Rows of a task as they stand in its chunks; the class of each is its number's remainder by 3."""
    return [{"__task": task, "__row": n, **dict(zip(FIELDS, FLOWERS[n % 3][0], strict=True)), **more} for n in numbers]


def write(topic: Topic, key: str, rows: Any, partition: int = 0) -> None:
    topic.write_raw(json.dumps(rows, separators=(",", ":")).encode(), key.encode(), partition)


def right(numbers: Iterable[int]) -> list[tuple[int, int | None, str | None]]:
    return [(n, n % 3, None) for n in numbers]


def test_each_row_of_an_array_is_predicted_and_the_message_gets_a_receipt(
    topic: Topic, pipeline: ChunksFile, subscribe: Subscribe, target: psycopg.Connection, task: str
) -> None:
    for chunk in range(8):
        write(topic, f"{task}/{chunk + 1}", rows_of(task, range(chunk * 500 + 1, chunk * 500 + 501)), chunk % 4)
    write(topic, f"{task}/empty", [])
    process = subscribe()

    pipeline.wait_for_receipts(target, [f"{task}/{n}" for n in (*range(1, 9), "empty")])

    assert pipeline.stored(target, task) == right(range(1, 4001))
    assert pipeline.receipts(target) == {f"{task}/{n}": (500, 0) for n in range(1, 9)} | {f"{task}/empty": (0, 0)}
    assert pipeline.dead(target) == []
    assert process.metric("subscriber_rows_total", result="predicted") == 4000
    versions = target.execute(f"select distinct model_version is null from {pipeline.table}").fetchall()
    assert versions == [(False,)]


def test_a_bad_row_amid_an_array_is_stored_with_its_error(
    topic: Topic, pipeline: ChunksFile, subscribe: Subscribe, target: psycopg.Connection, task: str
) -> None:
    rows = rows_of(task, range(1, 11))
    rows[2]["petal_width"] = "wide"
    del rows[4]["sepal_length"]
    # not even a row that could be stored
    del rows[6]["__row"]
    rows[8] |= {"petal_width": [1]}
    write(topic, "a", rows)
    process = subscribe()

    pipeline.wait_for_receipts(target, ["a"])

    stored = pipeline.stored(target, task)
    assert [row for row in stored if row[2] is None] == right(n for n in range(1, 11) if n not in (3, 5, 7, 9))
    assert {n: error for n, kind, error in stored if error is not None and kind is None} == {
        3: "column petal_width: 'wide' is not a number",
        5: "the row has no column sepal_length",
        9: "column petal_width: [1] is not a number",
    }
    ((cause, detail, _, offset, value),) = pipeline.dead(target)
    assert (cause, detail, offset) == ("invalid_field", "the row has no column __row", 0)
    assert json.loads(value or b"") == rows[6]
    assert pipeline.receipts(target) == {"a": (10, 4)}
    assert process.metric("subscriber_rows_total", result="failed") == 3
    assert process.metric("subscriber_failed_rows_total", cause="invalid_field") == 3
    assert process.metric("subscriber_dead_letters_total") == 1


def test_without_an_error_column_each_bad_row_is_a_dead_letter_of_its_own(
    topic: Topic, pipeline: ChunksFile, subscribe: Subscribe, target: psycopg.Connection, task: str
) -> None:
    pipeline.replace('error = "error"\n', "")
    rows = rows_of(task, range(1, 7))
    rows[1]["petal_width"] = None
    rows[3] = 4  # type: ignore[call-overload]
    write(topic, "a", rows)
    topic.write_raw(b'[{"__row": 1}, {', b"torn")
    subscribe()

    pipeline.wait_for_receipts(target, ["a", "torn"])

    assert pipeline.stored(target, task) == right([1, 3, 5, 6])
    dead = pipeline.dead(target)
    assert [(cause, offset) for cause, _, _, offset, _ in dead] == [
        ("invalid_field", 0),
        ("no_payload", 0),
        ("not_json", 1),
    ]
    assert [json.loads(value or b"") for *_, value in dead[:2]] == [rows[1], 4]
    assert dead[2][4] == b'[{"__row": 1}, {'
    assert pipeline.receipts(target) == {"a": (6, 2), "torn": (0, 0)}


def test_a_dead_letter_of_an_array_is_redriven_alone(
    topic: Topic,
    pipeline: ChunksFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    command: Any,
    target: psycopg.Connection,
    task: str,
) -> None:
    pipeline.replace('error = "error"\n', "")
    pipeline.use(faulty_api.address)
    faulty_api.fault = lambda request: status(422) if 99.0 in values(request, "petal_width") else None
    rows = rows_of(task, range(1, 7))
    rows[2]["petal_width"] = 99.0
    write(topic, "a", rows)
    process = subscribe()
    pipeline.wait_for_receipts(target, ["a"])
    assert process.stop() == 0
    faulty_api.fault = lambda _: None

    assert command("dead-letters", "redrive", pipeline.path, "--all").stdout.startswith("1 predicted, 0 deletes")

    assert [n for n, _, _ in pipeline.stored(target, task)] == [1, 2, 3, 4, 5, 6]
    assert pipeline.dead(target) == []


def test_rows_that_the_model_refuses_keep_its_words(
    topic: Topic,
    pipeline: ChunksFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
    task: str,
) -> None:
    # given that no good row was ever seen
    pipeline.use(faulty_api.address)
    faulty_api.fault = lambda request: status(422) if 99.0 in values(request, "petal_width") else None
    write(topic, "bad", rows_of(task, range(1, 31), petal_width=99.0))
    process = subscribe()
    pipeline.wait_for_receipts(target, ["bad"])

    # when good ones come
    write(topic, "good", rows_of(task, range(31, 61)))
    pipeline.wait_for_receipts(target, ["good"])

    stored = pipeline.stored(target, task)
    assert stored[:30] == [(n, None, "model API answers 422: told to answer 422") for n in range(1, 31)]
    assert stored[30:] == right(range(31, 61))
    assert pipeline.receipts(target) == {"bad": (30, 30), "good": (30, 0)}
    assert process.health()["state"] == "running"
    assert process.metric("subscriber_failed_rows_total", cause="refused_by_model") == 30


# ---- versions


@pytest.fixture
def versions(services: Services, api: str) -> Iterator[tuple[str, str]]:
    """The version of the iris model that is served, and one beside it whose answer is always 2."""
    models = Path(services.environment.get("MODELS_DIR", MODELS_DIR))
    served = str(requests.get(f"{api}/v2/models/iris", timeout=10).json()["parameters"]["version"])
    description = artifact.load(models, "iris", served).description
    constant = DummyClassifier(strategy="constant", constant=2).fit([[0.0] * 4] * 3, [0, 1, 2])
    artifact.save(models, msgspec.structs.replace(description, version="constant"), constant)
    yield served, "constant"
    shutil.rmtree(models / "iris" / "constant")


def test_a_row_may_name_the_version_that_answers_it(
    topic: Topic,
    pipeline: ChunksFile,
    versions: tuple[str, str],
    subscribe: Subscribe,
    target: psycopg.Connection,
    task: str,
) -> None:
    served, constant = versions

    # when rows of one message name versions, or one that is not there, or none
    rows = [
        *rows_of(task, range(1, 11), __version=constant),
        *rows_of(task, range(11, 21), __version="no/such"),
        *rows_of(task, range(21, 31), __version=served),
        *rows_of(task, range(31, 41), __version=None),
        *rows_of(task, range(41, 51)),
        *rows_of(task, range(51, 53), __version=".."),
    ]
    rows.sort(key=lambda row: int(str(row["__row"])) % 7)
    write(topic, "a", rows)
    process = subscribe()
    pipeline.wait_for_receipts(target, ["a"])

    # then each is answered by its own
    found = target.execute(f"select row_number, iris_class, model_version, error from {pipeline.table}").fetchall()
    by_row = {n: (kind, version, error) for n, kind, version, error in found}
    assert {n: by_row[n] for n in range(1, 11)} == dict.fromkeys(range(1, 11), (2, constant, None))
    assert {n: by_row[n] for n in range(21, 51)} == {n: (n % 3, served, None) for n in range(21, 51)}
    no_such = f"the model has no version 'no/such' (it has: {', '.join(sorted(versions))})"
    assert {n: by_row[n] for n in range(11, 21)} == dict.fromkeys(range(11, 21), (None, None, no_such))
    assert by_row[51] == by_row[52] == (None, None, "column __version: '..' is no version of a model")
    assert pipeline.receipts(target) == {"a": (52, 12)}
    assert process.metric("subscriber_failed_rows_total", cause="refused_by_model") == 10


# ---- receipts


def test_a_message_that_comes_again_is_skipped(
    topic: Topic, pipeline: ChunksFile, subscribe: Subscribe, target: psycopg.Connection, task: str
) -> None:
    # given one that comes twice in a batch, in the same and in another partition
    write(topic, "a", rows_of(task, range(1, 101)), 0)
    write(topic, "a", rows_of(task, range(1, 101)), 0)
    write(topic, "b", rows_of(task, range(101, 201)), 1)
    write(topic, "a", rows_of(task, range(1, 101)), 2)
    process = subscribe()
    pipeline.wait_for_receipts(target, ["a", "b"])

    # and again later
    write(topic, "a", rows_of(task, range(1, 101)), 3)
    write(topic, "c", rows_of(task, range(201, 211)), 3)
    pipeline.wait_for_receipts(target, ["c"])

    wait_until("the duplicates", lambda: process.metric("subscriber_skipped_messages_total") == 3)
    assert pipeline.stored(target, task) == right(range(1, 211))
    assert pipeline.dead(target) == []
    assert process.metric("subscriber_rows_total", result="predicted") == 210
    assert sum(pipeline.offsets(target).values()) == 6


def test_rows_that_the_table_refuses_are_told_in_the_receipt(
    topic: Topic, pipeline: ChunksFile, subscribe: Subscribe, target: psycopg.Connection, task: str
) -> None:
    rows = rows_of(task, range(1, 101))
    rows[7]["__task"] = "no uuid"
    rows[8] |= {"__task": "none either", "petal_width": "wide"}
    write(topic, "a", rows)
    subscribe()

    pipeline.wait_for_receipts(target, ["a"])

    assert pipeline.stored(target, task) == right(n for n in range(1, 101) if n not in (8, 9))
    assert [(cause, json.loads(value or b"")) for cause, *_, value in pipeline.dead(target)] == [
        ("refused_by_target", rows[7]),
        ("refused_by_target", rows[8]),
    ]
    assert pipeline.receipts(target) == {"a": (100, 2)}


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"a\0b"])
def test_a_message_without_a_key_is_a_dead_letter(
    key: bytes | None,
    topic: Topic,
    pipeline: ChunksFile,
    subscribe: Subscribe,
    target: psycopg.Connection,
    task: str,
) -> None:
    value = json.dumps(rows_of(task, range(1, 3))).encode()
    topic.write_raw(value, key)
    write(topic, "b", rows_of(task, range(3, 5)))
    subscribe()

    pipeline.wait_for_receipts(target, ["b"])

    assert pipeline.stored(target, task) == right([3, 4])
    assert [(cause, raw) for cause, *_, raw in pipeline.dead(target)] == [("no_key", value)]


def test_a_kill_in_mid_batch_stores_each_message_once(
    topic: Topic,
    pipeline: ChunksFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
    task: str,
) -> None:
    pipeline.use(faulty_api.address)
    pipeline.replace("max_bytes = 1_048_576", "max_bytes = 40_000")
    keys = [f"{task}/{n}" for n in range(60)]
    for n, key in enumerate(keys):
        write(topic, key, rows_of(task, range(n * 100 + 1, n * 100 + 101)), n % 4)
        if n % 5 == 0:
            write(topic, key, rows_of(task, range(n * 100 + 1, n * 100 + 101)), (n + 1) % 4)

    # when it is killed again and again
    for after in (5, 20, 40):
        process = subscribe()
        wait_until(f"{after} receipts", lambda: len(pipeline.receipts(target)) >= after)  # noqa: B023 (called at once)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subscribe()

    pipeline.wait_for_receipts(target, keys)
    assert pipeline.stored(target, task) == right(range(1, 6001))
    assert pipeline.receipts(target) == dict.fromkeys(keys, (100, 0))
    assert pipeline.dead(target) == []


# ---- sizes


def test_batches_and_requests_are_no_larger_than_the_file_says(
    topic: Topic,
    pipeline: ChunksFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
    task: str,
) -> None:
    asked: list[int] = []
    faulty_api.fault = lambda request: asked.append(len(values(request, "petal_width")))
    pipeline.use(faulty_api.address)
    pipeline.replace("max_rows = 5000", "max_rows = 70")
    # a message has about 14 kB
    pipeline.replace("max_bytes = 1_048_576", "max_bytes = 30_000")
    for n in range(20):
        write(topic, str(n), rows_of(task, range(n * 100 + 1, n * 100 + 101)), n % 4)
    write(topic, "large", rows_of(task, range(2001, 3001)), 0)
    process = subscribe()

    pipeline.wait_for_receipts(target, [*map(str, range(20)), "large"])

    assert pipeline.stored(target, task) == right(range(1, 3001))
    assert max(asked) == 70
    assert process.metric("subscriber_batches_total") >= 11


# ---- the files as they are


def test_the_shipped_files_run_together_before_their_topics_are_there(
    settings: Settings, services: Services, api: str, stack: Servers, target: psycopg.Connection, task: str
) -> None:
    rows = {
        "iris": rows_of(task, [1])[0],
        "credit": {
            **{"__task": task, "__row": 1, "installment_rate_in_percentage_of_disposable_income": 2},
            **{"age_in_years": 40, "foreign_worker": "yes", "present_employment_since": "unemployed"},
            **{"personal_status_and_sex": "female : single", "more": None},
        },
        "digits": {"__task": task, "__row": 1, **{f"pixel_{i}": i % 17 for i in range(64)}},
    }
    paths = [SHIPPED / f"tasks-{model}.toml" for model in rows]
    process = SubscriberProcess(paths[0], services.environment, stack.folder, 0, paths[1:])
    try:
        for model in rows:
            _wait_for_topic(process, f"tasks-{model}")
        for model, row in rows.items():
            # a topic is found, joined and read in about a second
            began = time.monotonic()
            write(Topic(settings.kafka_bootstrap_servers, f"tasks-{model}", 1), f"{task}/{model}", [row])
            assert _stored(target, model, task) == [(True, None)]
            assert time.monotonic() - began < 5
        receipts = target.execute("select key, rows, failed from tasks.receipt").fetchall()
        assert sorted(receipts) == [(f"{task}/{model}", 1, 0) for model in sorted(rows)]
    finally:
        process.end()


def _wait_for_topic(process: SubscriberProcess, name: str) -> None:
    wait_until(f"waiting for topic {name}", lambda: "does not exist yet" in str(process.health(name).get("waiting")))


def _stored(target: psycopg.Connection, model: str, task: str) -> list[tuple[bool, str | None]]:
    query = f"select model_version is not null, error from tasks.{model} where task = %s"
    return list(wait_until("the row", lambda: target.execute(query, [task]).fetchall()))


# ---- check


def test_check_looks_at_what_the_file_names(
    topic: Topic, pipeline: ChunksFile, command: Any, target: psycopg.Connection, task: str
) -> None:
    write(topic, "a", rows_of(task, range(1, 11)))
    command("check", pipeline.path, "--create")

    said = command("check", pipeline.path).stdout

    for words in (
        *("rows the newest 10 can be read", "target error text", "target row_number bigint", "target.copies __task"),
        f"target.receipts {pipeline.receipts_table} takes them",
    ):
        assert words in " ".join(said.split()), said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("drop table {receipts}", "does not exist"),
        ("alter table {receipts} drop constraint {name}_receipt_pkey", "no unique or exclusion constraint"),
        ("alter table {receipts} drop column failed", 'column "failed"'),
        ("revoke insert on {receipts} from subscriber", "permission denied"),
        ("alter table {table} drop column error", "there is no column error"),
        ("alter table {table} drop column task", "there is no column task"),
    ],
)
def test_a_table_that_does_not_fit_is_told(
    change: str,
    said: str,
    settings: Settings,
    topic: Topic,
    pipeline: ChunksFile,
    command: Any,
    target: psycopg.Connection,
    task: str,
) -> None:
    write(topic, "a", rows_of(task, range(1, 11)))
    command("check", pipeline.path, "--create")
    pipeline.replace('create = "tasks-iris.sql"\n', "")
    change = change.replace("subscriber", settings.subscriber_user)
    target.execute(change.format(table=pipeline.table, receipts=pipeline.receipts_table, name=pipeline.name))

    checked = command("check", pipeline.path, status=1)
    ran = command("run", pipeline.path, status=2)

    assert said in " ".join(checked.stdout.split())
    assert said.removeprefix("there is no ").split()[-1] in ran.stderr
