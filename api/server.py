import gc
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from api.connections import BoundedProtocol
from api.settings import Settings

IDLE_CONNECTION_SECONDS = 75


def listen(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises:
        OSError: it is taken already, or the host is not an address of this machine.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def leave_on_signals() -> None:
    """Have SIGTERM and Ctrl-C end the process with status 0, before the server runs and after it has closed.

    While it runs, the server handles both itself: it stops listening, finishes the requests in hand, and then raises
    the signal again.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def serve(app: FastAPI, listener: socket.socket, settings: Settings) -> None:
    """Answer requests until told to stop."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        # Longer than clients and proxies keep an idle connection, so that it is they who close it.
        timeout_keep_alive=IDLE_CONNECTION_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_timeout_seconds,
    )
    # What is loaded stays: without this, each full garbage collection walks through all of it, for a tenth of a second.
    gc.collect()
    gc.freeze()
    # Batches run side by side in threads already: a pool of threads in each would only make them wait for one another.
    with threadpool_limits(limits=1):
        uvicorn.Server(config).run(sockets=[listener])


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
