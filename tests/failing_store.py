"""A door in front of an S3 store, behind which it fails at one object."""

from __future__ import annotations

import http.client
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stack.seaweedfs import Store

NOT_OURS = {"content-length", "transfer-encoding", "connection", "expect"}


class FailingStore:
    """Passes on what is asked, but answers whatever is asked of one key with 500; `store` is where it listens."""

    def __init__(self, behind: Store, key: str) -> None:
        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def passed(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if key in self.path:
                    self.send_response_only(500)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                onward = http.client.HTTPConnection("127.0.0.1", behind.port, timeout=10)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                content = answer.read()
                onward.close()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in NOT_OURS:
                        self.send_header(name, value)
                self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = passed  # noqa: N815 (names of the library)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.store = replace(behind, port=self._server.server_port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
