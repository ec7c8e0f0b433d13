"""What cannot be run ends with status 2 and one clear line for each thing to change."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stack.settings import ROOT

ENVIRONMENT = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "TARGET_HOST": "127.0.0.1",
    "TARGET_PORT": "1",
    "TARGET_DATABASE": "d",
    "SUBSCRIBER_USER": "u",
    "SUBSCRIBER_PASSWORD": "hidden-word",
    "SUBSCRIBER_PORT": "0",
    "API_URL": "http://127.0.0.1:1",
}
IRIS = str(ROOT / "subscriber" / "pipelines" / "iris.toml")


def run(*paths: Path | str, **changes: str | None) -> list[str]:
    """Lines on standard error of a run that must end with status 2."""
    base = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    environment = {name: value for name, value in (base | ENVIRONMENT | changes).items() if value is not None}
    done = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "subscriber", "run", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"

    assert run(path) == [f"error: {path}: No such file or directory"]


def test_a_file_with_mistakes_is_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "x"\ntopik = "t"\n')

    lines = run(path)

    assert len(lines) > 1
    assert all(line.startswith((f"error: {path}: ", f"error: {path}:2: ")) for line in lines)
    assert f"error: {path}:2: topik: unknown key; did you mean topic?" in lines


def test_missing_variables_are_one_line() -> None:
    (line,) = run(IRIS, TARGET_HOST=None, SUBSCRIBER_PASSWORD=None)

    assert line.startswith("error: environment: TARGET_HOST: field required; SUBSCRIBER_PASSWORD: field required (")


def test_a_variable_of_the_file_that_is_missing_is_one_line() -> None:
    line_of_url = Path(IRIS).read_text().splitlines().index('url = "${API_URL}/v2/models/iris"') + 1

    (line,) = run(IRIS, API_URL=None)

    assert line.startswith(f"error: {IRIS}:{line_of_url}: model.url: environment variable API_URL is not set")


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "a..b"])
def test_a_console_that_cannot_listen_is_one_line(host: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        (line,) = run(IRIS, SUBSCRIBER_HOST=host, SUBSCRIBER_PORT=str(port))

    assert line.startswith(f"error: the console cannot listen on {host}:{port} (")


def test_every_file_with_a_mistake_is_named_and_nothing_starts(tmp_path: Path) -> None:
    none, bad = tmp_path / "none.toml", tmp_path / "bad.toml"
    bad.write_text("name =")

    lines = run(IRIS, bad, none)

    assert len(lines) == 2
    assert lines[0].startswith(f"error: {bad}: ")
    assert lines[1].startswith(f"error: {none}: ")
