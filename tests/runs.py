"""Runs of the stack as a person starts them, beside the servers of the other tests."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from stack import seaweedfs
from stack.cli import folder_of
from stack.settings import ROOT, Settings
from tests.ports import claimed
from tests.stream import wait_until

if TYPE_CHECKING:
    from pathlib import Path

as_processes = pytest.mark.skipif(os.environ.get("STACK") == "docker", reason="about the servers as processes")
# beyond those of the other tests, with every port below 32768
OFFSETS = range(22_000, 23_600, 50)
READY_SECONDS = 120.0


def ports(settings: Settings) -> dict[str, int]:
    """The server that listens on each port, and the port; Kafka's controller is one higher."""
    return {
        "source": settings.source_port,
        "target": settings.target_port,
        "kafka": settings.kafka_port,
        "kafka controller": settings.kafka_port + 1,
        "connect": settings.connect_port,
        "cache": settings.cache_port,
        "archive": settings.archive_port,
        **{f"archive {name}": settings.archive_port + above for name, above in seaweedfs.INNER_PORTS.items()},
    }


def free_offset() -> int:
    """A port offset at which nobody listens and no state is kept."""
    unused = (offset for offset in OFFSETS if not folder_of(offset).exists())
    return claimed(unused, lambda settings: ports(settings).values())


def verb(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "stack", *arguments]


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A verb that ends by itself."""
    return subprocess.run(  # noqa: S603 (our own program)
        verb(*arguments), capture_output=True, text=True, check=False, cwd=ROOT, timeout=READY_SECONDS
    )


class Run:
    """`python -m stack` with a verb at an offset, its output in files."""

    def __init__(self, offset: int, log: Path, *arguments: str) -> None:
        self.offset = offset
        self.settings = Settings().moved(offset)
        self.folder = folder_of(offset)
        self.log = log
        with log.with_suffix(".out").open("w") as out, log.with_suffix(".err").open("w") as err:
            self.process = subprocess.Popen(  # noqa: S603 (our own program)
                verb(*arguments, "--port-offset", str(offset)), stdout=out, stderr=err, cwd=ROOT
            )

    def wait_said(self, words: str) -> None:
        """Wait until it says so."""

        def heard() -> bool:
            assert self.process.poll() is None, self.said()
            return words in self.said()

        wait_until(words, heard, READY_SECONDS)

    def said(self) -> str:
        return self.log.with_suffix(".err").read_text()

    def printed(self) -> str:
        return self.log.with_suffix(".out").read_text()

    def servers(self) -> dict[str, psutil.Process]:
        """Its servers' processes by name."""
        return {
            file.stem: psutil.Process(int(file.read_text().split()[0])) for file in (self.folder / "run").glob("*.pid")
        }
