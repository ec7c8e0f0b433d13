"""What a run waits for between faults, on a world that answers as it is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.chaos import run
from tests.chaos.journal import Journal
from tests.chaos.written import Written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class World:
    """Three subscribers and a target, whose answers are given; None stands for no answer."""

    def __init__(self, results: list[int | None], partitions: list[list[int]]) -> None:
        self.answers = results
        self.lasting = [
            SimpleNamespace(name=f"subscriber-{n}", partitions=lambda p=p: p) for n, p in enumerate(partitions)
        ]
        self.writer = SimpleNamespace(written=Written())

    def results(self) -> int:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise psycopg.OperationalError
        return answer


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.jsonl")
    yield journal
    journal.close()


def ran(world: Any, journal: Journal) -> run.Run:
    return run.Run(world, journal)


def test_a_target_that_does_not_answer_is_no_progress(journal: Journal) -> None:
    world = World([None, 5, None, 5, 6], [])
    ran(world, journal)._advance(1)
    assert world.answers == [6]


def test_a_subscriber_that_stays_out_of_its_group_is_named(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SHARED_SECONDS", 0.1)
    world = World([0], [[0, 1], [2, 3], []])
    drained = ran(world, journal)
    drained._drain()
    assert [wrong.what for wrong in drained.wrong] == ["for 0.1 s, subscriber-2 holds no partition"]


def test_subscribers_that_share_all_partitions_are_right(journal: Journal) -> None:
    drained = ran(World([0], [[0, 1], [2], [3]]), journal)
    drained._drain()
    assert drained.wrong == []
