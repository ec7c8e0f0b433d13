"""The console's server, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from subscriber.console.connections import BoundedProtocol
from subscriber.errors import WrongSetting

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from subscriber.settings import Settings


class _Server(uvicorn.Server):
    """Ends the streams of open pages before it waits for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.feed.close()  # type: ignore[union-attr]
        await super().shutdown(sockets)


class Console:
    """Serves an application until `close`."""

    def __init__(self, settings: Settings, app: Starlette) -> None:
        self._socket = socket.socket(socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        address = (settings.subscriber_host, settings.subscriber_port)
        try:
            self._socket.bind(address)
            # who comes before the server has started is served when it has
            self._socket.listen()
        except OSError as error:
            raise WrongSetting(
                f"the console cannot listen on {address[0]}:{address[1]} ({error.strerror}): SUBSCRIBER_HOST and "
                f"SUBSCRIBER_PORT say where"
            ) from error
        self.address = "http://{}:{}".format(*self._socket.getsockname())
        self._server = _Server(
            uvicorn.Config(
                app,
                http=BoundedProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="on",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="console", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(3)
        self._socket.close()
