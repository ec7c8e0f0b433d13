"""Whether the subscribers said what was so: that they wait while a server is away or does not answer."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import requests

from tests.chaos.counters import Sample
from tests.chaos.errors import Stuck
from tests.chaos.kinds import JUDGED, KINDS
from tests.chaos.ledger import Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.chaos.journal import Done
    from tests.chaos.members import Member

LOOK_SECONDS: Final = 0.25
# every so many looks, what the first subscriber has counted
COUNT_LOOKS: Final = 2
# who has had a batch in hand for so long says so, and its console shows that it waits
BUSY_SECONDS: Final = 2.0
# an outage need not be noticed while no rows came, which these may be the reason of for so long
SETTLED_SECONDS: Final = 10.0
UPSTREAM: Final = ("source", "connect", "broker", "connect-source", "connect-broker")
_KINDS: Final = {kind.name: kind for kind in KINDS}


class Said(NamedTuple):
    """Whether a subscriber's /health/ready said at a moment (epoch seconds) that rows flow."""

    at: float
    member: int
    ready: bool


class Watch:
    """Asks every subscriber several times a second, in a thread of its own, whose failure `check` raises."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.said: list[Said] = []
        self.samples: list[Sample] = []
        self.failure: Exception | None = None
        self._members = members
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look no more.

        Raises:
            Stuck: as `check`.
        """
        self._stopping.set()
        self._thread.join(10)
        self.check()

    def check(self) -> None:
        """See that it has not failed.

        Raises:
            Stuck: it has, so nobody has looked since.
        """
        if self.failure is not None:
            raise Stuck(f"the watch failed: {self.failure!r}") from self.failure

    def _run(self) -> None:
        try:
            for look in itertools.count():
                if self._stopping.wait(LOOK_SECONDS):
                    return
                for member in self._members:
                    if member.running and (answer := member.says()):
                        self.said.append(Said(time.time(), member.number, flows(answer)))
                if look % COUNT_LOOKS == 0:
                    self._sample(self._members[0])
        except Exception as error:
            self.failure = error

    def _sample(self, member: Member) -> None:
        with contextlib.suppress(requests.RequestException):
            at = time.time()
            self.samples.append(Sample(at, member.counted()))


def flows(answer: Mapping[str, Any]) -> bool:
    """Whether an answer of /health/ready says that rows flow.

    Raises:
        KeyError: it is no such answer.
    """
    slow = any(
        busy["seconds"] >= BUSY_SECONDS for pipeline in answer["pipelines"].values() for busy in pipeline["busy"]
    )
    return answer["ready"] and not slow


def silent(done: Sequence[Done], said: Sequence[Said]) -> tuple[Counter[str], list[Wrong]]:
    """How many outages of each kind could be judged, and those during which every subscriber said that rows flow.

    An outage is judged by its longest part in which no other fault may have kept rows from coming, if that is long
    enough.
    """
    judged: Counter[str] = Counter()
    wrong: list[Wrong] = []
    for one in done:
        fault, kind = one.fault, _KINDS[one.fault.kind]
        if fault.target not in kind.told or not one.effect:
            continue
        began, ended = _clear(one, done)
        heard = [s for s in said if began <= s.at <= ended]
        if ended - began < kind.told_after or not heard:
            continue
        judged[fault.kind] += 1
        if all(s.ready for s in heard):
            away = f"fault {fault.number}, {fault.kind} {fault.target}: away for {one.ended - one.began:.1f} s"
            wrong.append(Wrong(f"{away}, and every subscriber said that it was ready ({len(heard)} times)", one.began))
    return judged, wrong


def unjudged(done: Sequence[Done], judged: Mapping[str, int]) -> list[Wrong]:
    """The kinds of JUDGED that were injected, and of which no outage could be judged."""
    first = {one.fault.kind: one.began for one in reversed(done)}
    return [
        Wrong(f"{kind}: no outage could be judged by what the subscribers said", first[kind])
        for kind in JUDGED
        if kind in first and not judged.get(kind)
    ]


def _clear(one: Done, done: Sequence[Done]) -> tuple[float, float]:
    """The longest part of an outage in which no other fault kept rows from the subscribers."""
    hidden = sorted(
        (other.began, other.ended + SETTLED_SECONDS)
        for other in done
        if other is not one and (other.fault.target in UPSTREAM or other.fault.target.startswith("subscriber"))
    )
    longest, start = (one.began, one.began), one.began
    for began, ended in [*hidden, (one.ended, one.ended)]:
        until = min(began, one.ended)
        if until - start > longest[1] - longest[0]:
            longest = start, until
        start = max(start, ended)
    return longest
