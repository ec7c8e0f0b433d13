"""Names looked up, and connections to nothing but the addresses that were checked."""

import asyncio
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore

from api.tasks.callbacks.target import check_addresses, target_of

RESOLVE_SECONDS = 3.0


async def addresses_of(host: str, port: int) -> list[str]:
    """The addresses that a name stands for now; an address stands for itself, however it is written.

    Raises:
        OSError: there is no such name, or nobody to ask.
    """
    found = await _look_up(host, port)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _look_up(host: str, port: int) -> asyncio.Future[list[Any]]:
    """Look a name up in a thread of its own, which is left to itself if nobody waits any longer.

    The loop's own threads are few: names whose servers do not answer would hold up everybody else's.
    """
    loop = asyncio.get_running_loop()
    looked_up: asyncio.Future[list[Any]] = loop.create_future()

    def tell(found: list[Any], error: Exception | None) -> None:
        if looked_up.cancelled():
            return
        if error is not None:
            looked_up.set_exception(error)
        else:
            looked_up.set_result(found)

    def look_up() -> None:
        found: list[Any] = []
        failure: Exception | None = None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failure = error
        # the loop may have ended meanwhile
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, found, failure)

    threading.Thread(target=look_up, name="look-up", daemon=True).start()
    return looked_up


async def check_url(url: str, *, allow_private: bool) -> None:
    """Check a callback's URL when its task is made. A name that nobody can tell of now is checked at the delivery.

    Raises:
        FieldsError: a callback may not be sent there.
    """
    target = target_of(url)
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            addresses = await addresses_of(target.host, target.port)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            return
        addresses = []
    except UnicodeError:
        # a part of the name that is longer than names' parts may be
        addresses = []
    except TimeoutError:
        return
    check_addresses(target.host, addresses, allow_private=allow_private)


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to the very addresses that were checked: a name may stand for another one a moment later."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of a name's addresses that answers.

        Raises:
            FieldsError: the name stands for an address that must not be reached.
            httpcore.ConnectError: none answers, or there is no such name.
        """
        try:
            addresses = await addresses_of(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be looked up") from error
        check_addresses(host, addresses, allow_private=self._allow_private)
        last: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise httpcore.ConnectError(f"{host} does not let connect") from last

    async def sleep(self, seconds: float) -> None:
        """Wait, as a pool does before it connects anew."""
        await asyncio.sleep(seconds)
