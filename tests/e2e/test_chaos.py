"""The shortest run of `python -m tests.chaos`: every kind of fault once, and a few again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from stack.cli import folder_of
from stack.settings import ROOT
from tests.chaos.plan import plan
from tests.chaos.world import ports
from tests.ports import claimed
from tests.runs import OFFSETS, as_processes
from tests.runs import ports as stack_ports

SEED, FAULTS = 7, 22
SECONDS = 900


def offset() -> int:
    """A port offset at which nobody listens and no state is kept."""
    unused = (offset for offset in OFFSETS if not folder_of(offset).exists())
    return claimed(unused, lambda settings: [*stack_ports(settings).values(), *ports(settings)])


@as_processes
@pytest.mark.timeout(SECONDS + 60)
def test_faults_of_every_kind_lose_and_double_nothing() -> None:
    moved = offset()
    command = [sys.executable, "-m", "tests.chaos", "--seed", str(SEED), "--faults", str(FAULTS), "--rate", "200"]
    done = subprocess.run(  # noqa: S603 (our own program)
        [*command, "--port-offset", str(moved)], capture_output=True, text=True, check=False, cwd=ROOT, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "result: nothing is wrong" in done.stdout
    assert f"faults: planned={FAULTS} injected={FAULTS} effective=" in done.stdout
    folder = folder_of(moved)
    journal = folder / "chaos" / str(SEED) / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    injected = {line["number"]: line for line in lines if line["event"] == "fault"}
    assert sorted(injected) == list(range(FAULTS))
    for fault in plan(SEED, FAULTS):
        assert injected[fault.number].items() >= fault.as_dict().items()
    # a clock that is left ahead would be the next run's
    assert list((folder / "run").glob("clock-*")) == []
    shutil.rmtree(folder)
