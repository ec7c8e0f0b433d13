"""Dead letters are listed, shown, predicted once more, and dropped."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.faults import FaultyApi, status, values
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.services import Services
    from tests.commands import Commands

    Subscribe = Callable[..., SubscriberProcess]


def refuse(faulty_api: FaultyApi, width: float) -> None:
    """Have the model refuse rows of this width, and take all others."""
    faulty_api.fault = lambda request: status(422) if width in values(request, "petal_width") else None


def letters(command: Commands, pipeline: PipelineFile, *options: str) -> list[dict[str, Any]]:
    found = json.loads(command("dead-letters", "list", pipeline.path, "--json", *options).stdout)
    return [dict(letter) for letter in found]


@pytest.fixture
def refused(
    topic: Topic,
    pipeline: PipelineFile,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    target: psycopg.Connection,
) -> PipelineFile:
    """A pipeline that has stopped, and of which the model has refused 60 rows of 100."""
    pipeline.use(faulty_api.address)
    refuse(faulty_api, 9.2)
    rows = [flower(i) | ({"petal_width": 9.2} if i < 60 else {}) for i in range(100)]
    topic.write(rows)
    process = subscribe()
    pipeline.wait_for(target, 40)
    wait_until("the dead letters", lambda: len(pipeline.dead(target)) == 60)
    assert process.stop() == 0
    return pipeline


def test_letters_are_listed_and_shown(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, command: Commands, target: psycopg.Connection
) -> None:
    topic.write_raw(b"no json", key=b'{"payload":{"id":7}}')
    topic.write_raw(b"\xff\xfe\x00", key=b"\x00\x01")
    topic.write([flower(3, petal_width=None)], partition=0)
    subscribe()
    wait_until("the dead letters", lambda: len(pipeline.dead(target)) == 3)

    found = letters(command, pipeline)

    assert [(x["cause"], x["partition"], x["offset"]) for x in found] == [
        ("invalid_field", 0, 2),
        ("not_json", 0, 1),
        ("not_json", 0, 0),
    ]
    assert [x["key"] for x in found] == ['{"payload": {"id": 3}}', "\\x0001", '{"payload":{"id":7}}']
    assert [x["offset"] for x in letters(command, pipeline, "--cause", "not_json", "--limit", "1")] == [1]
    assert letters(command, pipeline, "--since", "2999-01-01") == []
    assert len(letters(command, pipeline, "--since", "1h")) == 3
    printed = command("dead-letters", "list", pipeline.path).stdout
    assert all(words in printed for words in ("invalid_field", "0:2", "petal_width"))
    # the time of the source's commit comes with the message
    committed = datetime.fromisoformat(found[0]["committed_at"])
    assert abs((datetime.now(UTC) - committed).total_seconds()) < 60
    ids = [x["id"] for x in found]
    shown = command("dead-letters", "show", pipeline.path, *ids).stdout
    assert "no json" in shown
    assert "\\xfffe00" in shown
    assert '"petal_width": null' in shown
    missing = command("dead-letters", "show", pipeline.path, 2**40, status=1)
    assert missing.stderr == f"error: no such dead letter of this pipeline: {2**40}\n"


def test_rows_that_the_model_takes_now_are_predicted_and_their_letters_gone(
    refused: PipelineFile, faulty_api: FaultyApi, command: Commands, target: psycopg.Connection
) -> None:
    faulty_api.fault = lambda _: None

    done = command("dead-letters", "redrive", refused.path, "--all")

    assert done.stdout == "60 predicted, 0 deletes, 0 failed again\n"
    assert [source_id for source_id, _ in refused.predictions(target)] == list(range(100))
    assert refused.dead(target) == []
    times = target.execute(f"select distinct timestamp from {refused.table}").fetchall()
    assert times == [(datetime(2026, 1, 1, 0, 0, 0, 1, UTC),)]


def test_rows_that_fail_again_keep_their_letter_with_what_is_wrong_now(
    refused: PipelineFile, faulty_api: FaultyApi, command: Commands, target: psycopg.Connection
) -> None:
    faulty_api.fault = lambda _: status(500)
    some = sorted(x["id"] for x in letters(command, refused, "--limit", "60"))[:2]

    done = command("dead-letters", "redrive", refused.path, *some, status=1)

    assert done.stdout == "0 predicted, 0 deletes, 2 failed again (model_failed 2)\n"
    assert sorted(cause for cause, *_ in refused.dead(target)) == ["model_failed"] * 2 + ["refused_by_model"] * 58
    again = "select id from dead_letter where redriven_at is not null and pipeline = %s order by id"
    assert target.execute(again, [refused.name]).fetchall() == [(x,) for x in some]
    faulty_api.fault = lambda _: None
    assert command("dead-letters", "redrive", refused.path, "--cause", "model_failed").stdout.startswith("2 predicted")
    assert len(refused.dead(target)) == 58
    missing = command("dead-letters", "redrive", refused.path, *some, status=1)
    assert "2 of the 2 letters are not there" in missing.stderr


def test_two_redrives_at_once_predict_each_letter_once_and_the_live_stream_goes_on(
    topic: Topic,
    refused: PipelineFile,
    api: str,
    faulty_api: FaultyApi,
    subscribe: Subscribe,
    command: Commands,
    target: psycopg.Connection,
) -> None:
    faulty_api.fault = lambda _: None
    refused.use(api)
    live = subscribe()
    wait_until("running", lambda: live.health().get("state") == "running")
    # given batches of ten, so that both have some in hand
    refused.use(faulty_api.address)
    refused.replace("[target]", "[batch]\nmax_rows = 10\n\n[target]")
    seen = faulty_api.requests_seen
    faulty_api.gate.clear()
    both = [command.start("dead-letters", "redrive", refused.path, "--all") for _ in range(2)]
    wait_until("a batch in the hands of each", lambda: faulty_api.requests_seen == seen + 2)
    # when rows arrive meanwhile
    topic.write(flower(i) for i in range(100, 150))
    refused.wait_for(target, 90)
    faulty_api.gate.set()
    told = [process.communicate(timeout=90)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(int(line.split()[0]) for line in told) == 60
    assert all(int(line.split()[0]) >= 10 for line in told)
    # the model was asked for ten rows at a time, and for none twice
    assert faulty_api.requests_seen == seen + 6
    assert [source_id for source_id, _ in refused.predictions(target)] == list(range(150))
    assert refused.dead(target) == []


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGINT])
def test_a_redrive_that_is_killed_leaves_its_letters(
    signal_: signal.Signals,
    refused: PipelineFile,
    faulty_api: FaultyApi,
    command: Commands,
    target: psycopg.Connection,
) -> None:
    faulty_api.fault = lambda _: None
    refused.replace("[target]", "[batch]\nmax_rows = 20\n\n[target]")
    seen = faulty_api.requests_seen
    # given a first batch that is stored, and a second in hand
    faulty_api.fault = lambda _: faulty_api.gate.clear()
    process = command.start("dead-letters", "redrive", refused.path, "--all")
    wait_until("the second batch", lambda: faulty_api.requests_seen == seen + 2)
    process.send_signal(signal_)
    out, _ = process.communicate(timeout=90)
    faulty_api.fault = lambda _: None
    faulty_api.gate.set()
    if signal_ == signal.SIGINT:
        assert (process.returncode, out) == (130, "20 predicted, 0 deletes, 0 failed again\n")
    assert len(refused.dead(target)) == 40
    free = "select id from dead_letter where pipeline = %s for update skip locked"
    wait_until("their locks are gone", lambda: len(target.execute(free, [refused.name]).fetchall()) == 40)

    done = command("dead-letters", "redrive", refused.path, "--all")

    assert done.stdout.startswith("40 predicted")
    assert [source_id for source_id, _ in refused.predictions(target)] == list(range(100))


def test_a_model_that_is_away_is_named_and_the_letters_stay(
    refused: PipelineFile, services: Services, api: str, command: Commands, target: psycopg.Connection
) -> None:
    refused.use("http://127.0.0.1:1")
    done = command("dead-letters", "redrive", refused.path, "--all", status=1)
    assert "error: model API cannot be reached" in done.stderr
    assert len(refused.dead(target)) == 60


def test_a_letter_that_is_a_delete_needs_no_prediction(
    refused: PipelineFile, faulty_api: FaultyApi, command: Commands, target: psycopg.Connection
) -> None:
    target.execute("update dead_letter set value = null where pipeline = %s and partition = 0", [refused.name])
    faulty_api.fault = lambda _: None

    done = command("dead-letters", "redrive", refused.path, "--all")

    assert done.stdout == "45 predicted, 15 deletes, 0 failed again\n"
    assert refused.dead(target) == []
    assert refused.count(target) == 85


def test_a_delete_is_followed_where_the_pipeline_follows_deletes(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, command: Commands, target: psycopg.Connection
) -> None:
    pipeline.replace("[source]", '[source]\ndeletes = "remove"')
    topic.write([flower(0), flower(4)], partition=0)
    topic.write_raw(b"no json", key=b'{"payload":{"id":4}}')
    process = subscribe()
    pipeline.wait_for(target, 2)
    wait_until("the dead letter", lambda: pipeline.dead(target))
    assert process.stop() == 0
    # given a letter that is a delete to the decoder of today
    target.execute("update dead_letter set value = null where pipeline = %s", [pipeline.name])

    done = command("dead-letters", "redrive", pipeline.path, "--all")

    assert done.stdout == "0 predicted, 1 deletes, 0 failed again\n"
    pipeline.assert_exactly_once(target, [0])
    assert pipeline.dead(target) == []


def test_letters_are_discarded(refused: PipelineFile, command: Commands, target: psycopg.Connection) -> None:
    first, *_ = sorted(x["id"] for x in letters(command, refused, "--limit", "60"))

    assert command("dead-letters", "discard", refused.path, first).stdout == "1 discarded\n"
    gone = command("dead-letters", "discard", refused.path, first, status=1)
    assert gone.stdout == "0 discarded\n"
    asked = command("dead-letters", "discard", refused.path, "--cause", "refused_by_model", status=2)
    assert asked.stderr == "error: 59 dead letters would be deleted for good; --yes does it without asking\n"
    assert command("dead-letters", "discard", refused.path, "--cause", "other", "--yes").stdout == "0 discarded\n"
    assert len(refused.dead(target)) == 59
    assert command("dead-letters", "discard", refused.path, "--all", "--yes").stdout == "59 discarded\n"
    assert refused.dead(target) == []
    assert refused.count(target) == 40


def test_which_letters_must_be_said(refused: PipelineFile, command: Commands) -> None:
    for verb in ("redrive", "discard"):
        done = command("dead-letters", verb, refused.path, status=2)
        assert done.stderr == "error: say which dead letters: their numbers, or --cause, or --all\n"
