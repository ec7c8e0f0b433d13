import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from api.errors import OverloadedError

P = ParamSpec("P")
T = TypeVar("T")


class BoundedThreads:
    """A few threads, and a bound on how much may wait for them."""

    def __init__(self, threads: int, max_waiting: int, what: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=what)
        self._max_waiting = max_waiting
        self._what = what
        self._waiting = 0

    async def run(self, work: Callable[P, T], *given: P.args, **_: P.kwargs) -> T:
        """Do it in a thread, and return or raise what it does.

        Raises:
            OverloadedError: too much is in hand already.
        """
        if self._waiting >= self._max_waiting:
            raise OverloadedError(self._waiting, self._what)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads finish."""
        self._threads.shutdown()
