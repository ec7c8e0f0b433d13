"""Which version a result says that it is of."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from benchmarks.results import this_version

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=Nobody", "-c", "user.email=nobody@localhost"]
    done = subprocess.run(  # noqa: S603 (arguments of ours)
        ["git", *named, *arguments],  # noqa: S607 (wherever git is)
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "a commit")
    return tmp_path


def test_a_clean_clone_is_its_commit(repository: Path) -> None:
    assert this_version(repository) == git(repository, "rev-parse", "--short", "HEAD").strip()


def test_what_was_measured_before_does_not_make_it_another_version(repository: Path) -> None:
    for file in ("benchmarks/results/peers.json", "docs/benchmarks.md", "docs/benchmarks/peers.svg"):
        (repository / file).parent.mkdir(parents=True, exist_ok=True)
        (repository / file).write_text("measured\n")
    assert not this_version(repository).endswith("+")


@pytest.mark.parametrize("file", ["code.py", "new.py"])
def test_files_that_differ_make_it_another_version(repository: Path, file: str) -> None:
    (repository / file).write_text("2\n")
    assert this_version(repository).endswith("+")


def test_outside_of_a_repository_it_is_unknown(tmp_path: Path) -> None:
    assert this_version(tmp_path) == "unknown"
