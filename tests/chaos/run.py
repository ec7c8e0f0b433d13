"""One run: faults round after round while rows flow, then the proof."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from stack.errors import StackError
from tests.chaos import held, proof
from tests.chaos.errors import Stuck
from tests.chaos.injection import Injection
from tests.chaos.ledger import Wrong
from tests.chaos.plan import rounds
from tests.chaos.sharing import unshared
from tests.chaos.truth import Watch
from tests.chaos.world import PARTITIONS
from tests.chaos.written import Change
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.journal import Journal
    from tests.chaos.plan import Fault
    from tests.chaos.world import World

WARM_UP_ROWS: Final = 500
# after a round, so soon rows are predicted again; every so many rounds, so soon all that were written
PROGRESS_SECONDS: Final = 120.0
DRAIN_ROUNDS: Final = 10
DRAIN_SECONDS: Final = 240.0
# after a drain, so soon the subscribers share all partitions
SHARED_SECONDS: Final = 60.0


class Run:
    """Faults on a started world, and what they left behind."""

    def __init__(self, world: World, journal: Journal) -> None:
        self.world = world
        self.journal = journal
        self.watch = Watch(world.lasting)
        self.wrong: list[Wrong] = []
        self._injection = Injection(world)

    def faults(self, planned: list[Fault], until: float) -> None:
        """Inject the faults, or those of them whose round begins before `until` (monotonic), then let all settle.

        Raises:
            Stuck: rows are not predicted any more.
            StackError: a process ended by itself, or does not start again.
        """
        world = self.world
        world.writer.written.changes.append(Change(0, 1, 0, time.time()))
        self._wait_results(WARM_UP_ROWS, PROGRESS_SECONDS)
        wait_until("rows that each subscriber stored", self._all_stored, PROGRESS_SECONDS)
        self.before = held.look(world)
        self.watch.start()
        with ThreadPoolExecutor(8) as pool:
            for number, faults in enumerate(rounds(planned)):
                if time.monotonic() > until:
                    break
                for future in [pool.submit(self._inject, fault) for fault in faults]:
                    future.result()
                self._check_running()
                recovered = time.monotonic()
                with self._told(f"round {number}"):
                    if number % DRAIN_ROUNDS == DRAIN_ROUNDS - 1:
                        self._drain()
                    else:
                        self._advance(1)
                self.journal.write("going on", round=number, after_seconds=round(time.monotonic() - recovered, 1))
        self.settle()

    def settle(self) -> None:
        """Stop the load and wait until every row has its result and every subscriber says so."""
        world = self.world
        world.writer.stop()
        with self._told("the end"):
            self._drain()
            wait_until("every subscriber ready, its lag 0", self._at_rest, PROGRESS_SECONDS)
        self.watch.stop()

    def proof(self) -> proof.Proof:
        """What the run proves; it ends the subscribers."""
        proved = proof.prove(self.world, self.journal, self.watch, self.before)
        proved.wrong += self.wrong
        return proved

    def _inject(self, fault: Fault) -> None:
        time.sleep(fault.after)
        self.world.progress.say(str(fault))
        self.journal.finished(fault, *self._injection.inject(fault))

    def _check_running(self) -> None:
        world = self.world
        for server in (*world.lasting, world.api, world.watch, *world.stack.started):
            try:
                server.check_running()
            except StackError as error:
                tail = "\n".join(server.tail()[-5:])
                raise Stuck(f"{error}\n{tail}") from error
        self.watch.check()
        if world.writer.failure is not None:
            raise Stuck(f"the writer failed: {world.writer.failure}") from world.writer.failure

    def _advance(self, rows: int) -> None:
        """Wait until so many more rows have their result."""
        before: int = wait_until("the target's answer", self._results, PROGRESS_SECONDS)
        self._wait_results(before + rows, PROGRESS_SECONDS)

    def _drain(self) -> None:
        """Wait until what was committed up to now has its results, and the subscribers share all partitions."""
        self._wait_results(len(self.world.writer.written.changes), DRAIN_SECONDS)
        try:
            wait_until("shared", lambda: not self._unshared(), SHARED_SECONDS)
        except AssertionError:
            # the others may do its work: the run goes on, and has failed
            at = time.time()
            self.wrong += [Wrong(f"for {SHARED_SECONDS:g} s, {said}", at) for said in self._unshared()]

    def _unshared(self) -> list[str]:
        return unshared({member.name: member.partitions() for member in self.world.lasting}, PARTITIONS)

    def _wait_results(self, wanted: int, seconds: float) -> None:
        wait_until(f"{wanted} results", lambda: (self._results() or 0) >= wanted, seconds)

    def _results(self) -> int | None:
        """How many results there are, of which the warm-up left some; None while the target does not answer."""
        try:
            return self.world.results()
        except psycopg.OperationalError:
            return None

    def _all_stored(self) -> bool:
        return all(any(member.counted().values()) for member in self.world.lasting)

    def _at_rest(self) -> bool:
        return all(member.says().get("ready") and member.metric("subscriber_lag") == 0 for member in self.world.lasting)

    @contextmanager
    def _told(self, when: str) -> Iterator[None]:
        """Turn what was waited for in vain into what is wrong, with what the subscribers say of it."""
        try:
            yield
        except AssertionError as error:
            said = "\n".join(f"  {member.name}: {member.says() or 'no answer'}" for member in self.world.lasting)
            names = ", ".join(sorted(thread.name for thread in threading.enumerate() if thread.name == "writer"))
            raise Stuck(f"after {when}: {error} (writer: {names or 'ended'})\n{said}") from error
