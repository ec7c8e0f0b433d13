"""One key a state folder, whoever asks first, and for its owner alone."""

from __future__ import annotations

import re
import shlex
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from stack.key import VARIABLE, signing_key
from stack.services import Services
from stack.settings import ROOT, Settings, write_environment

if TYPE_CHECKING:
    from pathlib import Path


def test_the_key_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "state"

    with ThreadPoolExecutor(8) as pool:
        files = set(pool.map(lambda _: signing_key(folder), range(32)))

    (file,) = files
    first = file.read_text()
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert signing_key(folder).read_text() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [file]
    assert signing_key(tmp_path / "other").read_text() != first


def test_services_and_terminals_are_told_where_it_is(tmp_path: Path) -> None:
    settings = Settings(_env_file=ROOT / ".env.example")

    services = Services(settings, tmp_path)
    written = dict(line.split("=", 1) for line in shlex.split(write_environment(settings, tmp_path).read_text()))

    assert written == settings.environment() | {VARIABLE: str(signing_key(tmp_path))}
    assert services.api.environment[VARIABLE] == written[VARIABLE]


def test_the_subscriber_of_tasks_listens_beside_the_streams(tmp_path: Path) -> None:
    services = Services(Settings(_env_file=ROOT / ".env.example"), tmp_path)

    found = {
        server.name: server.environment["SUBSCRIBER_PORT"] for server in (services.subscriber, services.task_subscriber)
    }

    assert found == {"subscriber": "8001", "task-subscriber": "8002"}
    assert all((ROOT / str(file)).is_file() for file in services.task_subscriber.command[-3:])
