"""Why a model server cannot be reached is told with its address, and a crash costs no request but its own."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from subscriber.connection import Connection, reason
from subscriber.errors import ModelFailed, Transient
from subscriber.pipeline import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

CRASH = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\ncrash"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"


def whole(connection: socket.socket) -> None:
    """Read a request to its end: who hangs up before resets the connection, and the answer may be lost."""
    request = b""
    while not request.endswith(b"\r\n\r\n{}") and (piece := connection.recv(65536)):
        request += piece


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """The address of a server that gives each of these answers on a connection of its own, and ends that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    whole(connection)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2/models/m"
        thread.join(5)


@pytest.fixture
def crashing() -> Iterator[str]:
    """A server that ends the connection after a 500 without saying so, and answers on the next one."""
    with answering(CRASH, FINE) as url:
        yield url


def test_after_a_crash_the_next_request_has_a_connection_of_its_own(crashing: str) -> None:
    connection = Connection(Model(url=crashing))

    with pytest.raises(ModelFailed):
        connection.request("POST", crashing, b"{}")

    assert connection.request("POST", crashing, b"{}") == b"fine"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/v2/models/m", r"at http://127\.0\.0\.1:1 \(nobody listens there: is it started\?\)"),
        ("http://no-such-host.invalid/v2/models/m", r"at http://no-such-host\.invalid \(the name of its host is not"),
    ],
)
def test_who_cannot_be_reached_and_why_is_told(url: str, said: str) -> None:
    with pytest.raises(Transient, match=said):
        Connection(Model(url=url)).request("GET", url)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (FINE[:-2], "its answer broke off"),
        (FINE[:20], "its answer broke off"),
        (FINE[:17], "its answer broke off"),
        (b"", "the connection broke off"),
    ],
    ids=["half a body", "half a header", "a status alone", "none"],
)
def test_an_answer_that_breaks_off_is_told_in_words(answer: bytes, said: str) -> None:
    with answering(answer) as url, pytest.raises(Transient, match=rf"cannot be reached at .* \({said}\)"):
        Connection(Model(url=url)).request("POST", url, b"{}")


def test_an_answer_that_is_no_json_did_not_break_off() -> None:
    page = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>welcome</html>"
    with answering(page) as url:
        assert Connection(Model(url=url)).request("POST", url, b"{}") == b"<html>welcome</html>"


def test_a_connection_that_is_reset_is_told_in_words() -> None:
    assert reason(requests.ConnectionError(ConnectionResetError(104, "Connection reset by peer"))) == (
        "the connection broke off"
    )


@pytest.fixture
def remembering() -> Iterator[tuple[str, list[bytes]]]:
    """A server that hands out a new cookie with each answer, and keeps the requests that came."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as requests:
                while line := requests.readline():
                    head = line
                    while (line := requests.readline()) != b"\r\n":
                        head += line
                    requests.read(int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]))
                    came.append(head)
                    # the third answer takes the cookie back
                    lives = "; Max-Age=0" if len(came) == 3 else ""
                    cookie = f"Set-Cookie: server={len(came)}{lives}\r\n".encode()
                    connection.sendall(FINE.replace(b"\r\n\r\n", b"\r\n" + cookie + b"\r\n"))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2/models/m", came


def test_each_request_has_its_own_length_and_the_newest_cookie(remembering: tuple[str, list[bytes]]) -> None:
    url, came = remembering
    connection = Connection(Model(url=url))

    for body in (b"{}", b'{"longer": 1}', b"{}", b"{}"):
        assert connection.request("POST", url, body) == b"fine"

    first, second, third, fourth = came
    assert b"Cookie" not in first
    assert b"Content-Length: 2\r\n" in first
    assert b"Content-Length: 13\r\n" in second
    assert b"Cookie: server=1\r\n" in second
    assert b"Content-Length: 2\r\n" in third
    assert b"Cookie: server=2\r\n" in third
    assert b"Cookie" not in fourth
    assert all(b"Content-Type: application/json\r\n" in request for request in came)
