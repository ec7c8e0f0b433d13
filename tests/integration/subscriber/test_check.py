"""`check` compares a pipeline file with the servers, and says of each mistake where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.commands import Finished, finished
from tests.stream import PipelineFile, SubscriberProcess, Topic, flower

if TYPE_CHECKING:
    from pathlib import Path

    from stack.settings import Settings

Check = Callable[..., Finished]


@pytest.fixture
def check(settings: Settings, pipeline: PipelineFile) -> Check:
    """Runs `python -m subscriber check` on the test's pipeline file, with changes to the environment."""

    def run(*options: str, **changes: str) -> Finished:
        return finished("subscriber", "check", pipeline.path, *options, environment=settings.environment() | changes)

    return run


@pytest.fixture
def without_table(pipeline: PipelineFile) -> PipelineFile:
    """The pipeline, naming no SQL file for its table."""
    pipeline.replace('create = "iris.sql"\n', "")
    return pipeline


def lines(done: Finished, level: str) -> list[str]:
    """What was found of this level, without the level; each as one text with single spaces."""
    return [" ".join(line.split()[1:]) for line in done.stdout.splitlines() if line.startswith(f"{level} ")]


def test_a_pipeline_that_fits_is_all_ok_and_nothing_is_stored(
    check: Check, pipeline: PipelineFile, topic: Topic, target: psycopg.Connection
) -> None:
    topic.write(flower(i) for i in range(8))

    done = check()

    assert done.returncode == 0, done.stdout + done.stderr
    assert lines(done, "wrong") == lines(done, "warn") == []
    ok = lines(done, "ok")
    assert f"topic {topic.name}, 4 partitions, 8 offsets" in ok
    assert "source.timestamp timestamp (io.debezium.time.ZonedTimestamp)" in ok
    assert "features[0] sepal_length (double) -> sepal_length FP64" in ok
    assert "rows the newest 8 can be read" in ok
    assert "outputs iris_class INT64[-1]" in ok
    # one of the newest rows, and its class
    (trial,) = [line for line in ok if line.startswith("trial ")]
    assert trial.startswith('trial the newest row gets {"iris_class":')
    assert '      row: {"id":' in done.stdout
    assert f"target.table public.{pipeline.table} is made by iris.sql when the pipeline first runs" in ok
    assert pipeline.count(target) == 0
    assert pipeline.offsets(target) == {}


def test_a_missing_table_is_shown_and_made_and_the_pipeline_runs(
    check: Check,
    without_table: PipelineFile,
    topic: Topic,
    target: psycopg.Connection,
    subscribe: Callable[..., SubscriberProcess],
) -> None:
    # given no table, which is what the subscriber stops for
    topic.write(flower(i) for i in range(30))
    subscriber = subscribe()
    assert subscriber.wait() == 2
    assert "python -m subscriber check PIPELINE.toml --create" in subscriber.tail()[-1]

    # when it is looked at, then the statement is shown and nothing made
    done = check()
    assert done.returncode == 1
    assert lines(done, "wrong") == [f"target.table public.{without_table.table} is not there; --create makes it with:"]
    assert '"iris_class" bigint' in done.stdout
    assert target.execute("select to_regclass(%s)", [without_table.table]).fetchone() == (None,)

    # when it is made, then all is well, and again
    done = check("--create")
    assert done.returncode == 0, done.stdout
    assert "target iris_class bigint" in lines(done, "ok")
    assert check("--create").returncode == 0
    subscribe()
    without_table.wait_for(target, 30)
    without_table.assert_exactly_once(target, range(30))
    (offsets,) = [line for line in lines(check(), "ok") if line.startswith("offsets ")]
    assert offsets.startswith("offsets stored up to 0:")


def test_rows_that_do_not_fit_are_told(check: Check, pipeline: PipelineFile, topic: Topic) -> None:
    pipeline.replace('column = "sepal_width"', 'column = "sepal_widht"')
    topic.write([flower(1), flower(2, petal_width=None), flower(3)])

    done = check()

    assert done.returncode == 1
    wrong = lines(done, "wrong")
    assert "features[1] rows have no column sepal_widht; did you mean sepal_width?" in wrong
    assert any("petal_width is null in 1 of the newest 3 rows" in line for line in lines(done, "warn"))
    # what follows from it
    assert any(line.startswith("model ") and "the model's inputs are" in line for line in wrong)


def test_a_topic_that_is_not_there_is_told_with_one_like_it(check: Check, pipeline: PipelineFile, topic: Topic) -> None:
    pipeline.replace(f'topic = "{topic.name}"', f'topic = "{topic.name}x"')

    done = check()

    assert done.returncode == 1
    assert lines(done, "wrong") == [f"topic {topic.name}x does not exist; did you mean {topic.name}?"]
    # the rest is looked at all the same
    assert any(line.startswith("model iris at") for line in lines(done, "ok"))


def test_a_topic_without_rows_is_no_mistake(check: Check, pipeline: PipelineFile) -> None:
    done = check()

    assert done.returncode == 0, done.stdout
    assert lines(done, "warn") == ["rows the topic holds none yet, so their columns are not known"]


@pytest.mark.parametrize(
    ("columns", "level", "said"),
    [
        ("iris_class bigint, source_id bigint, model_version text", "wrong", "there is no column timestamp"),
        (
            "timestamp timestamptz, iris_class boolean, source_id bigint, model_version text",
            "wrong",
            "iris_class is boolean, but the model's output is bigint",
        ),
        (
            "timestamp timestamptz, iris_class int, source_id bigint, model_version text",
            "warn",
            "iris_class is integer; what of bigint does not fit becomes a dead letter",
        ),
        (
            "timestamp timestamptz, iris_class bigint, source_id bigint, model_version text, more int not null",
            "wrong",
            "more is not null and has no default, and the pipeline gives it no value",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_told(
    columns: str,
    level: str,
    said: str,
    check: Check,
    without_table: PipelineFile,
    topic: Topic,
    target: psycopg.Connection,
) -> None:
    target.execute(f"create table {without_table.table} ({columns})")
    target.execute(f"grant insert on {without_table.table} to subscriber")
    topic.write([flower(1)])

    done = check()

    assert done.returncode == (1 if level == "wrong" else 0), done.stdout
    assert any(said in line for line in lines(done, level)), done.stdout


def test_a_grant_that_is_missing_is_told_as_the_statement_that_gives_it(
    check: Check, without_table: PipelineFile, topic: Topic, target: psycopg.Connection
) -> None:
    without_table.replace("[source]\n", '[source]\ndeletes = "remove"\n')
    table = without_table.table
    target.execute(
        f"create table {table} (timestamp timestamptz, iris_class bigint, source_id bigint, model_version text)"
    )
    topic.write([flower(1)])

    done = check()

    (grant,) = lines(done, "wrong")
    statement = grant.partition("`")[2].partition("`")[0]
    assert statement == f'grant insert, delete, select on "public"."{table}" to subscriber'
    assert any(f'`create index on "public"."{table}" (source_id)`' in line for line in lines(done, "warn"))
    target.execute(statement)
    target.execute(f"create index on {table} (source_id)")
    done = check()
    assert done.returncode == 0
    assert lines(done, "warn") == []


def test_each_server_that_is_away_is_told(check: Check, pipeline: PipelineFile, topic: Topic) -> None:
    pipeline.use("http://127.0.0.1:1")

    done = check(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1", TARGET_PORT="1")

    assert done.returncode == 1
    assert [line.split()[0] for line in lines(done, "wrong")] == ["kafka", "model", "target"]
    assert "Traceback" not in done.stderr


def test_a_wrong_file_or_setting_is_exit_2(check: Check, pipeline: PipelineFile, tmp_path: Path) -> None:
    assert check(TARGET_PORT="").returncode == 2
    pipeline.replace("[source]", "[sourc]")
    done = check()
    assert done.returncode == 2
    assert "sourc: unknown key; did you mean source?" in done.stderr
