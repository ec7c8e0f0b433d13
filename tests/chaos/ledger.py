"""The proof: what was committed, what the topic carries and what was stored, compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.chaos.order import Order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.written import Change


class Message(NamedTuple):
    """A row's version in the topic; `at` is when the message was written, in epoch seconds."""

    id: int
    version: int
    partition: int
    offset: int
    at: float


class Result(NamedTuple):
    """What was stored of a row's version: a prediction with its class, or a dead letter with its cause.

    `commit` is the transaction's number, which orders those of one row; `place`, the id in the one table or the other,
    orders what a transaction stored in it. `endless` is the prediction's timestamp where that is an infinite one. Of a
    result that names no row, id and version are -1.
    """

    id: int
    version: int
    iris_class: int | None
    cause: str | None
    place: int
    commit: int
    at: float
    by: str
    endless: str | None = None

    @property
    def dead(self) -> bool:
        return self.cause is not None


class Wrong(NamedTuple):
    """One thing that is wrong, with the moment (epoch seconds) at which it went wrong."""

    what: str
    at: float


@dataclass
class Found:
    """What the comparison found; nothing is wrong where `wrong` is empty."""

    committed: int = 0
    messages: int = 0
    predicted: int = 0
    dead: int = 0
    wrong: list[Wrong] = field(default_factory=list)


def compare(changes: Iterable[Change], messages: Iterable[Message], results: Iterable[Result]) -> Found:
    """See that each change has one message and one result, and that a key's versions come in order in both."""
    found = Found()
    committed = {(change.id, change.version): change for change in changes}
    found.committed = len(committed)
    carried: Counter[tuple[int, int]] = Counter()
    newest: dict[int, int] = {}
    for message in messages:
        found.messages += 1
        key = message.id, message.version
        carried[key] += 1
        where = f"row {message.id} version {message.version} (partition {message.partition}, offset {message.offset})"
        if key not in committed:
            found.wrong.append(Wrong(f"in the topic, but never committed: {where}", message.at))
        elif carried[key] > 1:
            found.wrong.append(Wrong(f"in the topic {carried[key]} times: {where}", message.at))
        elif message.version < newest.get(message.id, 0):
            found.wrong.append(Wrong(f"in the topic after version {newest[message.id]}: {where}", message.at))
        newest[message.id] = max(message.version, newest.get(message.id, 0))
    found.wrong += [
        Wrong(f"committed, but not in the topic: row {change.id} version {change.version}", change.at)
        for key, change in committed.items()
        if not carried[key]
    ]
    _compare_results(committed, carried, results, found)
    return found


def _compare_results(
    committed: dict[tuple[int, int], Change],
    carried: Counter[tuple[int, int]],
    results: Iterable[Result],
    found: Found,
) -> None:
    stored: Counter[tuple[int, int]] = Counter()
    order = Order()
    for result in results:
        found.dead += result.dead
        found.predicted += not result.dead
        key = result.id, result.version
        stored[key] += 1
        what = "dead letter" if result.dead else "prediction"
        where = f"{what} of row {result.id} version {result.version} (by {result.by}, place {result.place})"
        change = committed.get(key)
        if change is None:
            # where the topic carries it, that has been said of the topic
            if not carried[key]:
                found.wrong.append(Wrong(f"{where}, which was never committed", result.at))
            continue
        if stored[key] > 1:
            found.wrong.append(Wrong(f"result number {stored[key]}: {where}", result.at))
        if fate := _other_fate(change, result):
            found.wrong.append(Wrong(f"{fate}: {where}", result.at))
        if (version := order.ahead(result)) is not None:
            found.wrong.append(Wrong(f"stored after version {version}: {where}", result.at))
    found.wrong += [
        Wrong(f"neither prediction nor dead letter: row {change.id} version {change.version}", change.at)
        for key, change in committed.items()
        if carried[key] and not stored[key]
    ]


def _other_fate(change: Change, result: Result) -> str:
    """How a result differs from what was to become of its change; empty if it does not."""
    if change.cause is None and result.dead:
        return f"nothing is wrong with the row, and its cause is {result.cause}"
    if result.cause != change.cause:
        return f"{result.cause or f'class {result.iris_class}'} in place of a dead letter for {change.cause}"
    if result.iris_class != change.expected:
        return f"class {result.iris_class} in place of {change.expected}"
    if result.endless != change.endless:
        return f"the time {result.endless or 'that it has'} in place of {change.endless or 'a finite one'}"
    return ""
