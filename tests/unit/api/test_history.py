"""Which version was served before, and that two who change it come one after the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.model import artifact, history

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("noted", "current", "expected"),
    [
        ([], "a", None),
        (["a"], "a", None),
        (["a", "b"], "b", "a"),
        # after a rollback what was rolled back is not gone back to
        (["a", "b", "a"], "a", None),
        (["a", "b", "c", "b"], "b", "a"),
        # unless somebody asked for it by name since
        (["a", "b", "a", "b"], "b", "a"),
        (["a", "b", "a", "c"], "c", "a"),
        # the pointer is what counts, whatever was noted last
        (["a", "b"], "a", None),
        (["a", "b"], "c", "b"),
    ],
)
def test_the_version_before(noted: list[str], current: str, expected: str | None) -> None:
    assert history.before(noted, current) == expected


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.sampled_from("abcd"))
def test_going_back_ends(noted: list[str], current: str) -> None:
    back = [current]
    while (version := history.before(noted, back[-1])) is not None:
        noted = [*noted, back[-1], version]
        back.append(version)

    assert len(back) == len(set(back)) <= 4


def test_a_change_is_noted_and_pointed_at(own_models_dir: Path) -> None:
    first = artifact.current_version(own_models_dir, "iris")
    assert first is not None

    with history.serving(own_models_dir, "iris"):
        history.serve(own_models_dir, "iris", "0123456789ab", "trained", chosen=False)

    assert artifact.current_version(own_models_dir, "iris") == "0123456789ab"
    noted = history.events(own_models_dir, "iris")
    assert [(one.version, one.reason) for one in noted] == [(first, "served before"), ("0123456789ab", "trained")]


def test_what_is_chosen_is_so_until_something_else_is_served(own_models_dir: Path) -> None:
    assert not history.chosen(own_models_dir, "iris")
    for version, chosen in (("a", True), ("b", False), ("a", True)):
        with history.serving(own_models_dir, "iris"):
            history.serve(own_models_dir, "iris", version, "", chosen=chosen)
        assert history.chosen(own_models_dir, "iris") is chosen

    artifact.serve_version(own_models_dir, "iris", "by-hand")
    assert not history.chosen(own_models_dir, "iris")


def test_a_line_that_was_torn_costs_no_other(own_models_dir: Path) -> None:
    log = own_models_dir / "iris" / history.LOG
    with history.serving(own_models_dir, "iris"):
        history.serve(own_models_dir, "iris", "a", "one", chosen=True)
    log.write_bytes(log.read_bytes() + b'{"version":"b","sin')

    with history.serving(own_models_dir, "iris"):
        history.serve(own_models_dir, "iris", "c", "three", chosen=True)

    assert [one.version for one in history.events(own_models_dir, "iris")][1:] == ["a", "c"]


def test_others_wait_until_a_change_is_whole(own_models_dir: Path) -> None:
    inside, changed = threading.Event(), threading.Event()

    def change() -> None:
        inside.set()
        with history.serving(own_models_dir, "iris"):
            history.serve(own_models_dir, "iris", "second", "", chosen=True)
            changed.set()

    with history.serving(own_models_dir, "iris"):
        other = threading.Thread(target=change)
        other.start()
        inside.wait(10)
        history.serve(own_models_dir, "iris", "first", "", chosen=True)
        assert not changed.wait(0.2)
    other.join(10)

    assert [one.version for one in history.events(own_models_dir, "iris")][1:] == ["first", "second"]
