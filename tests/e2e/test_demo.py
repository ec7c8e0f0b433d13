"""The demo as a person ends it: with Ctrl-C, and with more of them while it stops."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from stack.cli import folder_of
from stack.process import listening
from tests.runs import READY_SECONDS, Run, as_processes, finished, free_offset, ports

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = as_processes


def left_of(run: Run, seen: set[psutil.Process]) -> list[str]:
    """What still runs or listens of the run."""
    running = [p.name() for p in seen if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    ours = {"api": run.settings.api_port, "subscriber": run.settings.subscriber_port}
    all_ports = ports(run.settings) | ours | {"task subscriber": run.settings.task_subscriber_port}
    return running + [name for name, port in all_ports.items() if listening(port)]


@pytest.mark.parametrize(
    ("moment", "sign", "status"),
    [
        ("starting Postgres", "", 130),
        ("starting Kafka Connect", "", 130),
        # the first Ctrl-C ends the flow of rows, a second one the wait for the last prediction
        ("rows flow", "stopping", 0),
    ],
)
def test_ctrl_c_again_and_again_leaves_nothing_running(moment: str, sign: str, status: int, tmp_path: Path) -> None:
    run = Run(free_offset(), tmp_path / "demo", "demo", "--rate", "20")
    try:
        # given a demo that was told to stop
        run.wait_said(moment)
        run.process.send_signal(signal.SIGINT)
        run.wait_said(sign)
        # when it is told again, and again
        demo, seen = psutil.Process(run.process.pid), set[psutil.Process]()
        end = time.monotonic() + READY_SECONDS
        while run.process.poll() is None and time.monotonic() < end:
            seen.update(demo.children(recursive=True))
            run.process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        # then it goes on stopping, to the last process
        assert left_of(run, seen) == []
        assert run.process.wait(0) == status, run.said()
        assert "Traceback" not in run.said()
    finally:
        run.process.kill()
        run.process.wait()
        assert finished("clean", "--port-offset", str(run.offset)).returncode == 0


def test_images_and_applications_flow_beside_the_rows(tmp_path: Path) -> None:
    offset = free_offset()
    try:
        flows = ("--rate", "20", "--images", "5", "--applications", "4")
        done = finished("demo", "--for", "10", *flows, "--port-offset", str(offset))

        # then no row is missing, and every image and application was answered
        assert done.returncode == 0, done.stderr
        assert "lost=0 duplicated=0" in done.stdout
        assert "images flow too, 5 a second" in done.stderr
        assert "applications for a credit flow too, 4 a second" in done.stderr
        log = folder_of(offset) / "log"
        images = re.search(r"sent (\d+) images in .*; (\d+) answered", (log / "images.log").read_text())
        assert images
        assert int(images[1]) == int(images[2]) > 20
        said = re.search(r"sent (\d+) applications in .*; (\d+) requests", (log / "applications.log").read_text())
        assert said
        assert 3 * int(said[1]) == int(said[2]) > 45
    finally:
        assert finished("clean", "--port-offset", str(offset)).returncode == 0
