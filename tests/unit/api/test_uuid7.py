import time
import uuid

from api.uuid7 import uuid7


def test_ids_are_of_version_7_and_sort_by_when_they_were_made() -> None:
    before = time.time_ns() // 1_000_000
    ids = []
    for _ in range(5):
        ids.append(uuid7())
        time.sleep(0.002)
    after = time.time_ns() // 1_000_000

    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert ids == sorted(ids)
    assert [str(one) for one in ids] == sorted(str(one) for one in ids)
    assert all(before <= one.int >> 80 <= after for one in ids)


def test_ids_of_one_moment_differ() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000
