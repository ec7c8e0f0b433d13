import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """Bounds the memory of images in hand by their pixels, of which each takes up to 16 bytes while it is decoded.

    Shared by all threads of a process. Whoever comes first gets in first: small images do not keep a large one waiting.
    """

    def __init__(self, pixels: int) -> None:
        self._all = self._left = pixels
        self._turn = threading.Lock()
        self._change = threading.Condition()

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many; what is larger than all of it has it alone."""
        needed = min(pixels, self._all)
        with self._turn, self._change:
            self._change.wait_for(lambda: self._left >= needed)
            self._left -= needed
        try:
            yield
        finally:
            with self._change:
                self._left += needed
                self._change.notify_all()
