"""Why a model server cannot be reached is told with its address, and a crash costs no request but its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from subscriber.connection import Connection
from subscriber.errors import ModelFailed, Transient
from subscriber.pipeline import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

CRASH = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\ncrash"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"


@pytest.fixture
def crashing() -> Iterator[str]:
    """A server that ends the connection after a 500 without saying so, and answers on the next one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for answer in (CRASH, FINE):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v2/models/m"
        thread.join(5)


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
