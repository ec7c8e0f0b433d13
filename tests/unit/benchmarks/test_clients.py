"""Clients that keep their connections, before a server that counts what they send."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.clients import Load, work
from stack.errors import StackError


class Handler(BaseHTTPRequestHandler):
    """Answers every body with itself; those of an `h` come from the cache, those of an `e` are refused."""

    protocol_version = "HTTP/1.1"
    bodies: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(body.decode())
        self.send_response(503 if body.startswith(b"e") else 200)
        if body.startswith(b"h"):
            self.send_header("X-Cache", "hit")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Listening(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients may leave before their answer."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server's URL, and the bodies that it was sent."""
    bodies: list[str] = []
    with Listening(("127.0.0.1", 0), type("Own", (Handler,), {"bodies": bodies})) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/predict", bodies
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("clients", [1, 3, 64])
def test_without_seconds_every_body_is_sent_once(server: tuple[str, list[str]], clients: int) -> None:
    url, sent = server
    bodies = [f"{'h' if number % 4 == 0 else 'm'}{number}" for number in range(40)]

    answered = work(Load([url], bodies, clients))

    assert sorted(sent) == sorted(bodies)
    assert len(answered.milliseconds) == 40
    assert answered.hits == 10
    assert 0 < answered.p50 <= answered.p99
    assert answered.rate == pytest.approx(40 / answered.seconds)


def test_with_seconds_bodies_are_sent_again_until_the_time_is_over(server: tuple[str, list[str]]) -> None:
    url, sent = server

    answered = work(Load([url], ["m1", "m2"], 2, seconds=0.3, warm_up_seconds=0.1))

    assert 0.3 <= answered.seconds < 5
    # those of the warm-up do not count
    assert 2 < len(answered.milliseconds) < len(sent)


def test_an_answer_of_another_status_ends_it(server: tuple[str, list[str]]) -> None:
    url, _ = server
    with pytest.raises(StackError, match=r"the server answered b'HTTP/1\.1 503"):
        work(Load([url], ["m", "e"], 1))
