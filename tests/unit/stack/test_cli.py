"""Cleaning forgets our state, and only ours."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from stack.cli import app, folder_of
from stack.process import Server
from stack.servers import exclusive

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a state folder with two stacks, what they share, and something that is not ours."""
    monkeypatch.setenv("STACK_STATE", str(tmp_path / "state"))
    for name in ("ports-0", "ports-100", "software", "cds"):
        folder = tmp_path / "state" / name
        folder.mkdir(parents=True)
        (folder / "file").touch()
    return tmp_path / "state"


def clean(*options: str) -> Result:
    return CliRunner().invoke(app, ["clean", *options])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_all_state_is_forgotten(root: Path) -> None:
    assert clean().exit_code == 0

    assert not root.exists()


def test_what_is_not_ours_stays(root: Path) -> None:
    (root / "photographs").mkdir()

    assert clean().exit_code == 0

    assert names(root) == {"photographs"}


def test_one_stack_is_forgotten_alone(root: Path) -> None:
    assert clean("--port-offset", "100").exit_code == 0

    assert names(root) == {"ports-0", "software", "cds"}


def test_there_may_be_nothing_to_forget(root: Path) -> None:
    clean()

    assert clean().exit_code == 0
    assert clean("--port-offset", "5").exit_code == 0
    assert not root.exists()


def test_a_stack_that_runs_is_not_touched(root: Path) -> None:
    with exclusive(folder_of(100)):
        cleaned = clean("--port-offset", "100")

    assert cleaned.exit_code == 1
    assert cleaned.stderr.startswith(f"error: another run (pid {os.getpid()}) uses {root / 'ports-100'}: ")
    assert (root / "ports-100" / "file").exists()


def test_servers_of_a_run_that_was_killed_end_with_their_state(root: Path) -> None:
    # given a server that nobody watches any more
    # which hears SIGINT, whether or not whoever runs the tests ignores it
    code = "import signal; signal.signal(2, signal.SIG_DFL); print('up', flush=True); signal.pause()"
    left = Server("kafka", [sys.executable, "-c", code], folder_of(0), ready=lambda: "up" in left.tail())
    left.restart()

    try:
        # when its state is forgotten
        assert clean("--port-offset", "0").exit_code == 0

        # then it is gone, asked to stop and not killed
        assert not left.running
        assert names(root) == {"ports-100", "software", "cds"}
        assert left.process is not None
        assert left.process.wait() == -signal.SIGINT
    finally:
        if left.running:
            left.kill()
