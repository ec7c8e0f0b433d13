"""The line between a client and a server, which breaks where a test wants it to."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

PIECE_BYTES = 65536


class BreakingLine:
    """Passes bytes on, both ways.

    The next `answers_to_lose` answers to a request that begins with `of` are lost: the server has answered, and the
    connection is closed. The next answer is cut after `cut_after_bytes`, if that is set.
    """

    def __init__(self, url: str, of: bytes) -> None:
        server = urlsplit(url)
        self._server = (server.hostname or "", server.port or 80)
        self._of = of
        self.answers_to_lose = 0
        self.cut_after_bytes: int | None = None
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._server) as server:
            meant = threading.Event()
            up = threading.Thread(target=self._up, args=(client, server, meant), daemon=True)
            up.start()
            self._down(server, client, meant)
            # what is still being read or written ends now
            for side in (client, server):
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)
            up.join()

    def _up(self, client: socket.socket, server: socket.socket, meant: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while piece := client.recv(PIECE_BYTES):
                if piece.startswith(self._of):
                    meant.set()
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket, meant: threading.Event) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := server.recv(PIECE_BYTES):
                if meant.is_set() and self.answers_to_lose:
                    self.answers_to_lose -= 1
                    self.lost += 1
                    return
                if meant.is_set() and self.cut_after_bytes is not None:
                    client.sendall(piece[: max(0, self.cut_after_bytes - passed)])
                    passed += len(piece)
                    if passed >= self.cut_after_bytes:
                        self.cut_after_bytes = None
                        self.lost += 1
                        return
                else:
                    client.sendall(piece)
