import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from benchmarks.processes import measured

# works for as many seconds of CPU as each line says, and holds memory meanwhile
WORKER = """
import sys, time
for line in sys.stdin:
    held = bytearray(64 * 2**20)
    end = time.process_time() + float(line)
    while time.process_time() < end:
        pass
    print("done", flush=True)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, text=True)
for line in sys.stdin:
    child.communicate(line)
    print("done", flush=True)
    break
sys.stdin.read()
"""


def work(process: subprocess.Popen[str], seconds: float) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    with started(WORKER) as process:
        yield process
        process.kill()


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 (our own lines)
        [sys.executable, "-c", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_what_a_process_takes_in_the_block_counts_and_nothing_before_it(worker: subprocess.Popen[str]) -> None:
    work(worker, 0.3)

    with measured({"worker": worker.pid}) as used:
        work(worker, 0.5)

    assert used["worker"].cpu_seconds == pytest.approx(0.5, abs=0.15)
    assert used["worker"].seconds >= 0.3
    assert used["worker"].peak_mb > 64


def test_a_child_that_ended_counts_with_its_parent() -> None:
    with started(PARENT, WORKER) as parent:
        with measured({"parent": parent.pid}) as used:
            assert parent.stdin is not None
            assert parent.stdout is not None
            # long enough to be looked at on a busy machine as well
            parent.stdin.write("2\n")
            parent.stdin.flush()
            # the child's own, then the parent's
            assert parent.stdout.readline() == "done\n"
            assert parent.stdout.readline() == "done\n"
        parent.kill()

    assert used["parent"].cpu_seconds == pytest.approx(2, abs=0.5)
    assert used["parent"].peak_mb > 64


def test_of_this_process_its_children_do_not_count(worker: subprocess.Popen[str]) -> None:
    with measured({"ours": os.getpid()}) as used:
        work(worker, 0.5)

    assert used["ours"].cpu_seconds < 0.3


def test_of_a_process_that_ends_the_last_look_counts(worker: subprocess.Popen[str]) -> None:
    with measured({"worker": worker.pid}) as used:
        work(worker, 0.5)
        time.sleep(0.3)
        worker.kill()
        worker.wait()

    assert used["worker"].cpu_seconds == pytest.approx(0.5, abs=0.15)
