"""A server in front of the model API that answers as it is told, to see what the subscriber does then."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import requests

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    Answer = tuple[int, dict[str, str], bytes]
    Fault = Callable[[dict[str, Any]], Answer | None]


def status(code: int, **headers: str) -> Answer:
    """An answer with this status; header names are written with underscores."""
    body = json.dumps({"error": f"told to answer {code}"}).encode()
    return code, {name.replace("_", "-"): value for name, value in headers.items()}, body


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # a client that has gone is what is tried here
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class FaultyApi:
    """Passes requests on to the real API unless `fault`, asked with the request's JSON, gives an answer of its own.

    `requests_seen` counts inference requests; `broken` closes the connection in the middle of the answer;
    `gate` holds every inference request while it is cleared; a `token` is wanted of every request. With a context it
    speaks TLS, under the name localhost. While the real API is away, connections end without an answer.
    """

    def __init__(self, api: str, context: ssl.SSLContext | None = None) -> None:
        self.api = api
        self.fault: Fault = lambda _: None
        self.broken = False
        self.gate = threading.Event()
        self.gate.set()
        self.requests_seen = 0
        self.token: str | None = None
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # an answer's head and body are two packets: the second would wait for the client's delayed acknowledgement
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                if not self._let_in():
                    return
                try:
                    answer = requests.get(f"{proxy.api}{self.path}", timeout=10)
                except requests.RequestException:
                    self.close_connection = True
                    return
                self._send(answer.status_code, {}, answer.content)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not self._let_in():
                    return
                proxy.requests_seen += 1
                proxy.gate.wait(60)
                answer = proxy.fault(json.loads(body))
                if answer is None:
                    content = {"Content-Type": self.headers["Content-Type"]}
                    try:
                        real = requests.post(f"{proxy.api}{self.path}", data=body, headers=content, timeout=10)
                    except requests.RequestException:
                        self.close_connection = True
                        return
                    answer = real.status_code, {}, real.content
                self._send(*answer)

            def _let_in(self) -> bool:
                given = self.headers["Authorization"]
                if proxy.token is None or given == f"Bearer {proxy.token}":
                    return True
                self._send(401, {}, json.dumps({"error": f"not known: {given}"}).encode())
                return False

            def _send(self, code: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if proxy.broken:
                    self.wfile.write(body[: len(body) // 2])
                    self.close_connection = True
                else:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.address = f"https://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()


def values(request: dict[str, Any], tensor: str) -> list[float]:
    """The data of one tensor of an inference request."""
    return next(t["data"] for t in request["inputs"] if t["name"] == tensor)
