"""What became of every message, compared with what must have become of it."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.integration.subscriber.offsets.books import offsets
from tests.integration.subscriber.offsets.messages import EPOCH_MS, Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.subscriber.offsets.books import Snapshot
    from tests.integration.subscriber.offsets.log import Log
    from tests.integration.subscriber.offsets.messages import Message, Outcome

    Outcomes = dict[str, list[Outcome]]


def check(log: Log, policy: Policy, begins: Mapping[int, int], snapshot: Snapshot) -> None:
    """See that each message below the stored offset has its outcome once, and none at or above it has any."""
    stored = offsets(snapshot)
    found = _found(snapshot)
    receipts = {row["key"]: (row["rows"], row["failed"]) for row in snapshot["offsets_receipt"]}
    marks = {row["ref"]: row["deleted_at"] for row in snapshot["offsets_prediction"]}
    _check_order(snapshot)
    covered: list[Message] = []
    for number, partition in enumerate(log.partitions):
        begin, end = begins.get(number, 0), stored.get(number, 0)
        covered += [message for message in partition.messages if begin <= message.offset() < end]
    if policy is Policy.RECEIPTS:
        covered = _with_receipts(covered, found, receipts)
    expected = set()
    for message in covered:
        later = [
            other for other in covered if other.partition() == message.partition() and other.offset() > message.offset()
        ]
        for ref, outcome in message.outcomes(policy).items():
            expected.add(ref)
            deletes = _deletes(message, ref, later, policy)
            _check_one(ref, outcome, found.get(ref, []), message, deletes, policy)
            if policy is Policy.MARK and ref in marks:
                _check_mark(ref, marks[ref], deletes)
    strange = found.keys() - expected
    assert not strange, f"nobody asked for {sorted(strange)}"


def _found(snapshot: Snapshot) -> Outcomes:
    found: Outcomes = defaultdict(list)
    for row in snapshot["offsets_prediction"]:
        outcome: Outcome = (
            ("prediction", (row["doubled"], row["model_version"])) if row["error"] is None else ("error", None)
        )
        found[row["ref"]].append(outcome)
    for row in snapshot["dead_letter"]:
        ref = f"{row['partition']}:{row['offset']}"
        if row["cause"] != "no_key" and (row["value"] or b"").startswith(b"{"):
            ref = json.loads(row["value"]).get("ref", ref)
        found[ref].append(("dead", row["cause"]))
    return found


def _check_order(snapshot: Snapshot) -> None:
    """Predictions of a partition are written in the order of its messages."""
    last: dict[str, tuple[int, int]] = {}
    for row in snapshot["offsets_prediction"]:
        if row["error"] is None:
            partition, offset, place = row["ref"].split(":")
            here = int(offset), int(place)
            assert last.get(partition, (-1, -1)) < here, f"{row['ref']} is out of order"
            last[partition] = here


def _deletes(message: Message, ref: str, later: list[Message], policy: Policy) -> list[Message]:
    """The messages that delete the row at `ref`, which come after it."""
    if policy not in (Policy.REMOVE, Policy.MARK):
        return []
    ids = {row.id for row in message.rows if row.ref == ref}
    return [other for other in later if other.deleted in ids]


def _check_one(
    ref: str, outcome: Outcome, found: list[Outcome], message: Message, deletes: list[Message], policy: Policy
) -> None:
    # what was compacted may have been stored before
    allowed = [[outcome], []] if message.gone else [[outcome]]
    if policy is Policy.REMOVE and deletes:
        certain = not all(delete.gone for delete in deletes)
        if outcome[0] == "prediction":
            allowed = [[]] if certain else [[outcome], []]
        elif outcome[1] != "invalid_field" and outcome[1] != "not_json":
            # a row that is gone when it is read is not asked about
            allowed = [[outcome], []]
    assert found in allowed, f"{ref}: {found}, not one of {allowed}"


def _check_mark(ref: str, mark: Any, deletes: list[Message]) -> None:
    """The time of the first delete, unless that was compacted before anybody read it."""
    moments = []
    for delete in deletes:
        moments.append((EPOCH_MS + 1000 * delete.offset()) / 1000)
        if not delete.gone:
            break
    else:
        if mark is None:
            return
    assert mark is not None, f"{ref}: its delete was not followed"
    assert mark.timestamp() in moments, f"{ref}: marked with {mark}"


def _with_receipts(covered: list[Message], found: Outcomes, receipts: dict[str, tuple[int, int]]) -> list[Message]:
    """The messages that must have outcomes: of those with one key, the one that has the receipt."""
    keys: dict[str, list[Message]] = defaultdict(list)
    winners = [message for message in covered if message.key() is None]
    for message in covered:
        if message.key() is not None:
            keys[(message.key() or b"").decode()].append(message)
    for key, messages in keys.items():
        claimants = [message for message in messages if _may_be_first(message, messages)]
        stored = [message for message in claimants if _is_stored(message, found, receipts.get(key))]
        if not stored:
            assert all(message.gone for message in messages), f"{key}: {receipts.get(key)} is no message's receipt"
            continue
        # a delete leaves nothing by which it could be told from a row that has the same receipt
        winners.append(max(stored, key=lambda message: len(message.outcomes(Policy.RECEIPTS))))
    assert receipts.keys() <= keys.keys(), f"{receipts.keys() - keys.keys()}: receipts of nothing"
    return winners


def _may_be_first(message: Message, messages: list[Message]) -> bool:
    """Whether all with its key that precede it in its partition may have been compacted unread."""
    return all(
        other.gone
        for other in messages
        if other.partition() == message.partition() and other.offset() < message.offset()
    )


def _is_stored(message: Message, found: Outcomes, receipt: tuple[int, int] | None) -> bool:
    outcomes = message.outcomes(Policy.RECEIPTS)
    return receipt == message.receipt(Policy.RECEIPTS) and all(found.get(ref) == [o] for ref, o in outcomes.items())
