"""Carries one fault out on the running world, and undoes it."""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, cast

from tests.chaos import schema, servers
from tests.chaos.effects import lasting, words
from tests.chaos.world import GUESTS, World
from tests.chaos.writer import BAD_SHARE
from tests.faults import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.plan import Fault
    from tests.chaos.proxy import Mode

RETRY_AFTER_SECONDS: Final = 1
PROCESS_FAULTS: Final = ("kill", "restart", "freeze")
# the exit status of who is asked to stop; a Java machine names the signal
STATUSES: Final = {"subscriber": 0, "api": 0, "source": 0, "target": 0, "broker": 143, "connect": 143}
# who joins a group of which another member is frozen waits for that one's session to end
JOIN_SECONDS: Final = 30.0
NETWORK_FAULTS: Final = ("stall", "reset", "cut", "latency")


class Injection:
    """Injects faults, those of one victim one after the other.

    What a fault ends is started again before it counts as over; a server that does not start raises.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def inject(self, fault: Fault) -> tuple[float, str]:
        """Begin and end it; returns when it began, in epoch seconds, and what was seen of it, if anything.

        It lasts longer than it is to where nothing has been seen of it yet, for `SEEN_SECONDS` at most.

        Raises:
            StackError: who is to be ended had ended by itself, ends with another status, or does not start again.
            psycopg.Error: the source does not take a change of its schema.
        """
        with self._locks[_victim(fault)]:
            began = time.time()
            return began, self._carry_out(fault)

    def _carry_out(self, fault: Fault) -> str:
        world, seconds = self._world, fault.seconds
        match fault.kind:
            case "kill":
                effect = servers.away(world.server(fault.target), seconds, servers.KILLED)
            case "restart":
                effect = servers.away(world.server(fault.target), seconds, STATUSES[fault.target.partition("-")[0]])
            case "freeze":
                effect = servers.freeze(world.server(fault.target), seconds)
            case "stall" | "reset" | "cut" | "latency":
                effect = self._hinder(fault)
            case "429" | "503":
                answer = status(int(fault.kind), Retry_After=str(RETRY_AFTER_SECONDS))
                effect = self._answer(lambda _: answer, seconds)
            case "slow-answers":
                effect = self._answer(lambda _: time.sleep(fault.amount), seconds)
            case "half-answers":
                effect = self._halve(seconds)
            case "disk-full":
                effect = servers.disk_full(world.server("target"), seconds)
            case "rebalance":
                effect = self._rebalance(seconds)
            case "bad-rows":
                effect = self._spoil(fault)
            case "clock":
                file, url = world.clocks[fault.target]
                effect = servers.shift_clock(file, seconds, fault.amount, url)
            case kind:
                written = world.writer.written
                effect = schema.change(world.source, kind, seconds, lambda: len(written.changes))
        return effect

    def _hinder(self, fault: Fault) -> str:
        proxy = self._world.proxies[fault.target]
        before = proxy.touched
        proxy.set(cast("Mode", fault.kind), fault.amount)
        try:
            touched = lasting(fault.seconds, lambda: proxy.touched - before)
        finally:
            proxy.set("pass")
        return words(touched, "connections or runs of bytes touched")

    def _answer(self, fault: Callable[[Any], Any], seconds: float) -> str:
        api = self._world.faulty_api
        given: list[float] = []

        def counted(request: Any) -> Any:
            given.append(time.time())
            return fault(request)

        api.fault = counted
        try:
            count = lasting(seconds, lambda: len(given))
        finally:
            api.fault = lambda _: None
        return words(count, "answers given")

    def _halve(self, seconds: float) -> str:
        api = self._world.faulty_api
        before = api.halved
        api.broken = True
        try:
            halved = lasting(seconds, lambda: api.halved - before)
        finally:
            api.broken = False
        return words(halved, "answers cut")

    def _spoil(self, fault: Fault) -> str:
        writer = self._world.writer
        before = writer.written.bad
        writer.bad_share = fault.amount
        try:
            written = lasting(fault.seconds, lambda: writer.written.bad - before)
        finally:
            writer.bad_share = BAD_SHARE
        return words(written, "bad rows written")

    def _rebalance(self, seconds: float) -> str:
        """Two subscribers join; one leaves in order, the other is killed."""
        guests = leaving, dying = [self._world.members[number] for number in GUESTS]
        try:
            for guest in guests:
                guest.start()
            for guest in guests:
                guest.wait_ready()
            joined = lasting(seconds, lambda: sum(bool(guest.partitions()) for guest in guests), JOIN_SECONDS)
            for guest in guests:
                guest.check_running()
            leaving.send(signal.SIGTERM)
            servers.end(dying, servers.KILLED)
            leaving.stop()
            servers.expect(leaving, STATUSES["subscriber"])
        finally:
            for guest in guests:
                if guest.running:
                    guest.kill()
        return words(joined, "guests were given partitions")


def _victim(fault: Fault) -> str:
    """Whose faults wait for one another: a server's of its process, a road's, the source table's."""
    if fault.kind in PROCESS_FAULTS or fault.kind == "disk-full":
        return f"server {fault.target}"
    if fault.kind in NETWORK_FAULTS:
        return f"road {fault.target}"
    if fault.kind in ("429", "503", "slow-answers", "half-answers"):
        return "answers"
    if fault.kind in schema.CHANGES:
        return "schema"
    return f"{fault.kind} {fault.target}"
