"""`init` writes a file that `check` has nothing to say against, and that runs as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.commands import Finished, finished
from tests.stream import SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from stack.settings import Settings
    from tests.servers import Servers

Subscriber = Callable[..., Finished]


@pytest.fixture
def verb(settings: Settings) -> Subscriber:
    """Runs a verb of `python -m subscriber`, as the test's settings have it."""

    def run(*arguments: str | Path) -> Finished:
        return finished("subscriber", *arguments, environment=settings.environment())

    return run


def test_what_is_written_passes_the_check_and_predicts(
    verb: Subscriber,
    settings: Settings,
    stack: Servers,
    topic: Topic,
    api: str,
    name: str,
    tmp_path: Path,
    target: psycopg.Connection,
) -> None:
    topic.write(flower(i) for i in range(12))
    path = tmp_path / f"{name}.toml"

    # when a file is written, made sure of, and run
    done = verb("init", "--topic", name, "--model", f"{api}/v2/models/iris", "--out", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        f"next: python -m subscriber check {path} --create",
        f"then: SUBSCRIBER_PORT=8002 python -m subscriber run {path}",
    ]
    done = verb("check", path, "--create")
    assert done.returncode == 0, done.stdout
    assert "warn" not in done.stdout
    subscriber = SubscriberProcess(path, settings.environment(), stack.folder, 0)
    try:
        # then each row has its prediction, found by the key and the time that were guessed
        query = f"select source_id, iris_class from {name}_prediction where timestamp is not null order by 1"
        wait_until("predictions", lambda: len(target.execute(query).fetchall()) == 12)
        assert target.execute(query).fetchall() == [(i, i % 3) for i in range(12)]
    finally:
        subscriber.end()

    # and the file is not written over
    before = path.read_text()
    done = verb("init", "--topic", name, "--model", f"{api}/v2/models/iris", "--out", path)
    assert done.returncode == 2
    assert f"{path} is there already; --out names another file" in done.stderr
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"topic": "{name}x"}, "topic {name}x does not exist; did you mean {name}"),
        ({}, "topic {name} holds no rows to see columns of"),
        ({"model": "{api}/v2/models/other", "rows": "1"}, "model API answers 404"),
        ({"model": "iris", "rows": "1"}, "--model: String should match pattern"),
    ],
)
def test_what_cannot_be_seen_is_told_and_no_file_written(
    change: dict[str, str], said: str, verb: Subscriber, topic: Topic, api: str, name: str, tmp_path: Path
) -> None:
    if "rows" in change:
        topic.write([flower(1)])
    given = {"topic": name, "model": f"{api}/v2/models/iris"} | change
    known = {"name": name, "api": api}

    done = verb(
        *("init", "--topic", given["topic"].format(**known), "--model", given["model"].format(**known)),
        *("--out", tmp_path / "none.toml"),
    )

    assert done.returncode == 2, done.stderr
    assert said.format(**known) in done.stderr
    assert not (tmp_path / "none.toml").exists()


def test_a_second_file_for_a_topic_has_a_name_a_group_and_a_table_of_its_own(
    verb: Subscriber, topic: Topic, api: str, name: str, tmp_path: Path
) -> None:
    topic.write([flower(1)])
    path = tmp_path / "second-model.toml"

    done = verb("init", "--topic", name, "--model", f"{api}/v2/models/iris", "--out", path)

    assert done.returncode == 0, done.stderr
    said = path.read_text().splitlines()
    assert {'name = "second_model"', 'group = "second_model"', 'table = "second_model_prediction"'} <= set(said)
