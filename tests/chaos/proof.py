"""Everything that a run is to prove, looked at once it is over."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.chaos import effects, held, topic, truth
from tests.chaos.counters import Commit, Doubt, doubt, miscounted
from tests.chaos.deletes import misplaced
from tests.chaos.injection import STATUSES
from tests.chaos.ledger import Found, Result, Wrong, compare
from tests.chaos.members import RESULTS
from tests.chaos.world import PARTITIONS, TOPIC
from tests.chaos.writer import SQL
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.held import Held
    from tests.chaos.journal import Journal
    from tests.chaos.truth import Watch
    from tests.chaos.world import World

LEAK_SECONDS: Final = 60.0
# of a result that names no row
NOBODY: Final = -1
FETCH_ROWS: Final = 20_000


@dataclass
class Proof:
    """What the run proved, and all that is wrong."""

    found: Found
    deletes: int = 0
    offsets: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Stored next offset of each partition, and its end."""
    judged: dict[str, int] = field(default_factory=dict)
    """How many outages of each kind could be judged by what the subscribers said."""
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    """What subscriber 0 counted of each result, and what the tables have of it."""
    doubts: dict[str, Doubt] = field(default_factory=dict)
    """By how much these may differ."""
    wrong: list[Wrong] = field(default_factory=list)


def prove(world: World, journal: Journal, watch: Watch, before: Held) -> Proof:
    """Compare source, topic and target, look at what is held and what was said, and end the subscribers."""
    stored = _offsets(world)
    carried = topic.read(world.settings.kafka_bootstrap_servers, TOPIC, PARTITIONS, stored)
    written = world.writer.written
    found = compare(written.changes, carried.messages, _results(world))
    proof = Proof(found, len(carried.deletes), wrong=found.wrong)
    proof.offsets = {partition: (stored.get(partition, 0), end) for partition, end in carried.ends.items()}
    end = journal.done[-1].ended if journal.done else 0.0
    proof.wrong += [Wrong(f"not stored: partition {p}, offset {offset}", end) for p, offset in carried.unread]
    proof.wrong += [
        Wrong(f"partition {p}: the stored offset {offset} is beyond the end {last}", end)
        for p, (offset, last) in proof.offsets.items()
        if offset > last
    ]
    proof.wrong += misplaced(written.deleted, carried.deletes, carried.messages, end)
    _leaks(world, before, proof, end)
    proof.judged, unheard = truth.silent(journal.done, watch.said)
    proof.wrong += [*unheard, *truth.unjudged(journal.done, proof.judged)]
    proof.wrong += effects.missed(journal.done)
    _counters(world, journal, watch, proof, end)
    _ends(world, proof, end)
    return proof


def _ends(world: World, proof: Proof, end: float) -> None:
    for member in world.lasting:
        status = member.stop()
        if status != STATUSES["subscriber"]:
            proof.wrong.append(Wrong(f"{member.name} ended with exit status {status} when it was told to stop", end))


def _leaks(world: World, before: Held, proof: Proof, end: float) -> None:
    leaks: list[str] = []

    def none() -> bool:
        leaks[:] = held.leaked(before, held.look(world))
        return not leaks

    try:
        wait_until("nothing leaked", none, LEAK_SECONDS)
    except AssertionError:
        proof.wrong += [Wrong(leak, end) for leak in leaks]


def _counters(world: World, journal: Journal, watch: Watch, proof: Proof, end: float) -> None:
    """Compare the counters of subscriber 0, which was never ended, with what it stored."""
    member = world.members[0]
    stored = Counter(dict.fromkeys(RESULTS, 0))
    commits: defaultdict[int, Counter[str]] = defaultdict(Counter)
    moments: dict[int, float] = {}
    for result in _results(world):
        if result.by == member.login:
            kind = "dead" if result.dead else "predicted"
            stored[kind] += 1
            commits[result.commit][kind] += 1
            moments[result.commit] = max(result.at, moments.get(result.commit, 0.0))
    counted = member.counted()
    proof.counted = {kind: (counted[kind], stored[kind]) for kind in RESULTS}
    left = [Commit(moments[number], rows) for number, rows in commits.items()]
    proof.doubts = {kind: doubt(kind, journal.done, left, watch.samples) for kind in RESULTS}
    proof.wrong += [Wrong(said, end) for said in miscounted(member.name, proof.counted, proof.doubts)]


def _offsets(world: World) -> dict[int, int]:
    with world.target() as target:
        query = "select partition, next_offset from stream_offset where pipeline = 'chaos'"
        return dict(target.execute(query).fetchall())


def _results(world: World) -> Iterator[Result]:
    with world.target() as target, target.transaction(), target.cursor(name="results") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute((SQL / "results.sql").read_bytes())
        for id_, version, iris_class, endless, cause, place, commit, at, by in cursor:
            named = (NOBODY if id_ is None else id_, NOBODY if version is None else version)
            yield Result(*named, iris_class, cause, place, commit, at.timestamp(), by, endless)
