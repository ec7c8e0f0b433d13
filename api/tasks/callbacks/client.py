"""One POST, bounded in time and in what is read of its answer."""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus

import httpcore
import httpx

from api.tasks.callbacks.resolution import CheckedNetwork
from api.tasks.callbacks.target import target_of
from api.tasks.errors import FieldsError

MAX_ANSWER_BYTES = 4096
AT_A_TIME = 16
HEAD = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "stream-serving",
}


class NotTaken(Exception):
    """The other side did not take the callback; `for_good` if it says that it never will."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class CallbackClient:
    """Posts to where it may: no redirects, no proxies, nothing kept between two requests."""

    def __init__(self, *, timeout_seconds: float, allow_private: bool, tls: ssl.SSLContext | None = None) -> None:
        self._timeout_seconds = timeout_seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or httpx.create_ssl_context(),
            max_connections=AT_A_TIME,
            max_keepalive_connections=0,
            network_backend=CheckedNetwork(allow_private=allow_private),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Send a body and see that it is taken.

        Raises:
            NotTaken: it may not be sent there, or no answer that begins with 2 came in time.
        """
        try:
            target = target_of(url)
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._pool.stream(
                    "POST",
                    httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
                    headers=[("Host", target.authority), *HEAD.items(), *headers.items()],
                    content=body,
                ) as answer,
            ):
                size = 0
                async for part in answer.aiter_stream():
                    size += len(part)
                    if size > MAX_ANSWER_BYTES:
                        break
        except FieldsError as error:
            raise NotTaken(str(error)) from error
        except TimeoutError as error:
            raise NotTaken(f"no answer within {self._timeout_seconds:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise NotTaken(str(error) or type(error).__name__) from error
        if not HTTPStatus(200) <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            # as Standard Webhooks has it, 410 ends them
            raise NotTaken(f"answered with {answer.status}", for_good=answer.status == HTTPStatus.GONE)
