"""`python -m tests.chaos --seed 1 --faults 500`."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from stack.errors import StackError
from stack.progress import Progress
from stack.servers import report
from tests.chaos.errors import Stuck
from tests.chaos.journal import Journal
from tests.chaos.plan import plan
from tests.chaos.run import Run
from tests.chaos.world import World

if TYPE_CHECKING:
    from tests.chaos.proof import Proof

PORT_OFFSET = 12_000
SHOWN = 50


def main(
    seed: Annotated[int, typer.Option(help="The faults are a function of it: the same seed, the same faults.")] = 1,
    faults: Annotated[int, typer.Option(min=1, help="How many faults.")] = 500,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Begin no more faults after so many minutes; by default all are.")
    ] = None,
    rate: Annotated[float, typer.Option(min=20, max=5000, help="Changed source rows a second.")] = 400.0,
    port_offset: Annotated[int, typer.Option(help="Move every port by this much.")] = PORT_OFFSET,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the faults and inject none.")] = False,
) -> None:
    """Inject faults into the real stack under load, and prove that no row was lost, doubled or out of order.

    Exits with 1 and a list if something is wrong. The journal of the run is in STACK_STATE/ports-OFFSET/chaos/SEED.
    """
    planned = plan(seed, faults)
    for fault in planned:
        print(fault)
    if plan_only:
        return
    # whoever ends the run with SIGTERM leaves no server behind either
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Progress(Console(stderr=True))
    world = World(port_offset, progress, rate, seed)
    journal = Journal(world.folder / "chaos" / str(seed) / "journal.jsonl")
    journal.write("run", seed=seed, faults=faults, rate=rate, plan=[fault.as_dict() for fault in planned])
    began = time.monotonic()
    try:
        with world.started():
            ready = time.monotonic()
            progress.say(f"rows flow; the journal is {journal.path}")
            run = Run(world, journal)
            try:
                run.faults(planned, float("inf") if minutes is None else ready + minutes * 60)
            except Stuck as stuck:
                journal.write("stuck", reason=str(stuck))
                print(f"error: {stuck}", file=sys.stderr)
                sys.exit(1)
            settled = time.monotonic()
            progress.say("all rows have their results; comparing source, topic and target")
            right = tell(run, run.proof(), len(planned), settled - ready)
            journal.write("end", right=right, seconds=round(time.monotonic() - began, 1))
    except StackError as error:
        journal.write("failed", reason=str(error))
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        journal.close()
    sys.exit(0 if right else 1)


def tell(run: Run, proof: Proof, planned: int, seconds: float) -> bool:
    """Print what was done and proved, and what is wrong; whether nothing is."""
    written, found, done = run.world.writer.written, proof.found, run.journal.done
    kinds = {f"{one.fault.kind} {one.fault.target}" for one in done if one.effect}
    effective = sum(bool(one.effect) for one in done)
    print(
        f"faults: planned={planned} injected={len(done)} effective={effective} kinds_and_targets={len(kinds)} "
        f"seconds={seconds:.0f}"
    )
    for one in done:
        if not one.effect:
            print(f"no effect was seen of {one.fault}")
    print(
        f"source: changes={found.committed} bad={written.bad} deletes={len(written.deleted)} undone={written.undone} "
        f"commits_in_doubt={written.in_doubt}"
    )
    print(f"topic: rows={found.messages} deletes={proof.deletes}")
    print(f"target: predicted={found.predicted} dead={found.dead}")
    print("offsets: " + " ".join(f"{p}={stored}/{end}" for p, (stored, end) in sorted(proof.offsets.items())))
    judged = " ".join(f"{kind}={count}" for kind, count in sorted(proof.judged.items()))
    print(f"told: outages judged: {judged}")
    for result, (told, there) in proof.counted.items():
        most, taken = max(proof.doubts[result].uncounted), proof.doubts[result].taken
        print(f"told: subscriber-0 {result}: counted={told} stored={there} uncounted<={most} taken<={taken}")
    for wrong in proof.wrong[:SHOWN]:
        about = ", ".join(run.journal.about(wrong.at)) or "no fault"
        print(f"wrong: {wrong.what} [{time.strftime('%H:%M:%S', time.localtime(wrong.at))}, faults: {about}]")
    if len(proof.wrong) > SHOWN:
        print(f"wrong: and {len(proof.wrong) - SHOWN} more, which are in the journal")
    for wrong in proof.wrong:
        run.journal.write("wrong", what=wrong.what, when=wrong.at)
    print("result: " + ("nothing is wrong" if not proof.wrong else f"{len(proof.wrong)} things are wrong"))
    return not proof.wrong


if __name__ == "__main__":
    typer.run(main)
