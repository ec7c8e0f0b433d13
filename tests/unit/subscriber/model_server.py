"""A model server of a few lines that answers as a test tells it to."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl

# statuses that come without a body
BODILESS = {204, 304}


@dataclass
class Answer:
    """What to answer; `cut` closes the connection after so many bytes of the body, None answers not even a status."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = -1


class ModelServer:
    """Gives `answer` to every request and keeps the requests: method, path, body. `hold` makes it wait before.

    Whether a model is ready is told by `ready`, and not kept.

    With a context it speaks TLS, under the name localhost.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answer = Answer()
        self.ready = Answer(b"")
        self.seen: list[tuple[str, str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.hold = threading.Event()
        self.hold.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/json"
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, body: Any) -> None:
                if self.path.endswith("/ready"):
                    self._send(server.ready)
                    return
                server.seen.append((self.command, self.path, body))
                server.headers_seen.append(dict(self.headers))
                server.hold.wait(30)
                self._send(server.answer_to(body))

            def _send(self, answer: Answer) -> None:
                if answer.cut is None:
                    self.close_connection = True
                    return
                content = b"" if answer.status in BODILESS else answer.body
                self.send_response(answer.status)
                if answer.status not in BODILESS:
                    self.send_header("Content-Length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.cut >= 0:
                    content = content[: answer.cut]
                    self.close_connection = True
                # the client may have left meanwhile
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.address = f"http://127.0.0.1:{self.port}"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.address = f"https://localhost:{self.port}"

    def answers(self, body: Any, status: int = 200, **headers: str) -> None:
        """Answer with this as JSON from now on; header names are written with underscores."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answer = Answer(content, status, {name.replace("_", "-"): value for name, value in headers.items()})

    def answer_to(self, body: Any) -> Answer:
        """What to answer to a request; here, always the same."""
        del body
        return self.answer

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
