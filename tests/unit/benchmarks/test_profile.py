import threading
import time

import pytest

from benchmarks.profile import functions, sampler, thread_seconds
from stack.errors import StackError
from stack.settings import ROOT

STACKS = (
    "thread (store);run (a.py);commit (b.py) 6",
    "thread (store);run (a.py) 3",
    "thread (store);run (a.py);commit (b.py);commit (b.py) 1",
    "thread (poll);read (c.py) 20",
)


def test_functions_are_ordered_by_the_time_in_them_alone() -> None:
    found = functions(STACKS)

    assert list(found) == ["thread (poll)", "thread (store)"]
    commit, run = found["thread (store)"]
    assert (commit.name, commit.alone, commit.with_callees) == ("commit (b.py)", 0.7, 0.7)
    assert (run.name, run.alone, run.with_callees) == ("run (a.py)", 0.3, 1.0)


def test_a_thread_that_computes_is_seen_to() -> None:
    def work() -> None:
        end = time.thread_time() + 0.3
        while time.thread_time() < end:
            pass
        done.set()
        leave.wait(30)

    pid = threading.get_native_id()
    before = thread_seconds(pid)
    worker = threading.Thread(target=work)
    done, leave = threading.Event(), threading.Event()
    worker.start()
    assert done.wait(30)

    after = thread_seconds(pid)

    leave.set()
    worker.join()
    (used,) = (seconds for thread, seconds in after.items() if thread.startswith(f"{worker.native_id} "))
    assert used == pytest.approx(0.3, abs=0.05)
    assert not any(thread.startswith(f"{worker.native_id} ") for thread in before)


def test_a_missing_py_spy_is_told_with_what_to_do() -> None:
    with pytest.raises(StackError, match="install it into a venv, and name it with --py-spy"):
        sampler(ROOT / "no-such-py-spy")
