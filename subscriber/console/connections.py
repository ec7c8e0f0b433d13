"""How long a connection to the console may take to send its request. h11 bounds its size."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

_SENDS_ON: Final = (h11.IDLE, h11.SEND_BODY)


class BoundedProtocol(H11Protocol):
    """Hangs up on whoever does not send a whole request in time, and on whoever comes while too many are there."""

    max_connections: ClassVar[int] = 300
    request_seconds: ClassVar[float] = 30.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            head = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            transport.write(head.encode())
            transport.close()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.conn.their_state not in _SENDS_ON:
            self._wait_no_more()
        elif self._timer is None and (self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]):
            self._wait()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.request_seconds, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
