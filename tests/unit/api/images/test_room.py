import threading

from api.images.room import Room
from tests.stream import wait_until


class Visitor(threading.Thread):
    """Takes room, and gives it back when told to."""

    def __init__(self, room: Room, pixels: int) -> None:
        super().__init__(daemon=True)
        self._room, self._pixels = room, pixels
        self.inside, self.leave = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with self._room.taken(self._pixels):
            self.inside.set()
            self.leave.wait(30)

    def waits(self) -> bool:
        return not self.inside.wait(0.1)


def test_no_more_than_fits_is_inside() -> None:
    room = Room(10)
    first, second = Visitor(room, 6), Visitor(room, 4)
    wait_until("both", lambda: first.inside.is_set() and second.inside.is_set())

    third = Visitor(room, 1)
    assert third.waits()

    second.leave.set()
    assert third.inside.wait(10)
    for visitor in (first, third):
        visitor.leave.set()


def test_small_ones_do_not_overtake_a_large_one() -> None:
    room = Room(10)
    small = Visitor(room, 1)
    assert small.inside.wait(10)
    large = Visitor(room, 10)
    assert large.waits()
    late = Visitor(room, 1)
    assert late.waits()

    small.leave.set()
    assert large.inside.wait(10)
    assert late.waits()

    large.leave.set()
    assert late.inside.wait(10)
    late.leave.set()


def test_what_is_larger_than_all_has_it_alone() -> None:
    room = Room(10)
    giant = Visitor(room, 1000)
    assert giant.inside.wait(10)
    other = Visitor(room, 1)
    assert other.waits()

    giant.leave.set()
    assert other.inside.wait(10)
    other.leave.set()


def test_a_failure_gives_its_room_back() -> None:
    room = Room(1)
    try:
        with room.taken(1):
            raise ValueError
    except ValueError:
        pass

    visitor = Visitor(room, 1)
    assert visitor.inside.wait(10)
    visitor.leave.set()
