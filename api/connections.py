"""What a connection may cost before its request is read: bytes of its head, and time in which nothing comes.

uvicorn bounds neither. The body's size is `api.body_limit`'s.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol


class _TooLarge(Exception):
    """Ends the parsing of a request; the parser makes an error of its own of it."""


class BoundedProtocol(HttpToolsProtocol):
    """Refuses heads that are too large with 431, and with 408 whoever takes too long to send a request.

    A body may take as long as it likes while it keeps coming; where it is the server that does not read on, nobody
    waits for the client. Whoever comes while too many connections are open is answered 503; the others stay.
    """

    max_connections: ClassVar[int] = 1_000
    max_head_bytes: ClassVar[int] = 64 * 1024
    """Of the request line and all headers; of what comes in or after a body beside it, as trailers do."""
    head_seconds: ClassVar[float] = 30.0
    """From the connection, or the request's first byte, to the end of its head."""
    body_seconds: ClassVar[float] = 90.0
    least_body_bytes: ClassVar[int] = 9_000
    """How much of a body must come in so many seconds."""
    beside_a_byte: ClassVar[int] = 16
    """How much may come beside each byte of a body: a chunk of one byte is sent as six."""

    _timer: asyncio.TimerHandle | None = None
    _refusal = HTTPStatus.BAD_REQUEST
    _begun = False
    """Whether a request began with the last piece that came."""
    _head_done = True
    _head_bytes = 0
    _beside_bytes = 0
    _body_bytes = 0
    _received_bytes = 0
    _was_paused = False
    """Whether the server did not read on when the body was looked at last."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._wait(self.head_seconds, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._begun, body_before = False, self._body_bytes
        self._received_bytes += len(data)
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._timer is None and self.timeout_keep_alive_task is None and self._idle:
            # no request follows from what came, and uvicorn waits for one no longer
            self._wait(self.head_seconds, self._too_slow)
        if self._begun:
            return
        # a header is told once it is whole: until then its pieces are counted here
        self._beside_bytes += len(data) - (self._body_bytes - body_before)
        if self._beside_bytes > self.max_head_bytes + self.beside_a_byte * self._body_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun, self._head_done = True, False
        self._head_bytes = self._beside_bytes = self._body_bytes = 0
        if self._timer is None:
            self._wait(self.head_seconds, self._too_slow)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        # trailers are of no use to anybody
        if not self._head_done:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._head_done = True
        self._begin_body()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._wait_no_more()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser does not take, or what was too large for it."""
        if self._refusal is HTTPStatus.BAD_REQUEST:
            super().send_400_response(msg)
        else:
            self._refuse(self._refusal)

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self.max_head_bytes:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _TooLarge

    def _begin_body(self) -> None:
        self._received_bytes = 0
        self._wait(self.body_seconds, self._look_at_body)

    def _look_at_body(self) -> None:
        # who waits to be asked for the body is not late
        waits = self.cycle is not None and self.cycle.waiting_for_100_continue
        if self.flow.read_paused or self._was_paused or waits or self._received_bytes >= self.least_body_bytes:
            self._was_paused = self.flow.read_paused
            self._begin_body()
        else:
            self._too_slow()

    def _too_slow(self) -> None:
        if self._head_done and self._idle and self.cycle is not None:
            # between two requests nobody waits for an answer
            self._wait_no_more()
            self.transport.close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    @property
    def _idle(self) -> bool:
        return not self.pipeline and (self.cycle is None or self.cycle.response_complete)

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why and hang up; where the answer to another request is due or on its way, only hang up."""
        self._wait_no_more()
        if self.transport.is_closing():
            return
        if self._idle or (self._head_done and not self.pipeline and not self.cycle.response_started):
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
        else:
            # who does not read would hold up a close for ever
            self.transport.abort()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._wait_no_more()
        self._timer = self.loop.call_later(seconds, then)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
