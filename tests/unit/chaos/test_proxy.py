"""What the proxy does to the bytes between a client and an echoing server."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.chaos.proxy import Proxy
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 10


def echo(server: socket.socket) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    connection.sendall(data)
            except ConnectionError:
                pass

    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=[connection], daemon=True).start()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=echo, args=[server], daemon=True)
        accepting.start()
        with Proxy(free_port(), server.getsockname()[1]) as proxy:
            yield proxy
        # closing a socket does not wake who waits for a connection to it
        server.shutdown(socket.SHUT_RDWR)
        accepting.join(SECONDS)


@contextmanager
def connected(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client:
        yield client


def asked(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return client.recv(65_536)


def connect_and_ask(proxy: Proxy) -> None:
    """Ask twice: the first bytes of a connection that will break are still taken."""
    with connected(proxy) as client:
        asked(client, b"hello")
        asked(client, b"hello")


def test_what_passes_arrives_as_it_is(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert asked(client, b"hello") == b"hello"
        assert asked(client, b"again") == b"again"
    assert proxy.touched == 0


def test_a_stall_holds_everything_back_until_it_is_over(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert asked(client, b"hello") == b"hello"
        proxy.set("stall")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            asked(client, b"held")
        assert proxy.touched == 1
        proxy.set("pass")
        client.settimeout(SECONDS)
        assert client.recv(100) == b"held"


def test_a_reset_breaks_connections_that_are_there_and_new_ones(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert asked(client, b"hello") == b"hello"
        proxy.set("reset")
        assert proxy.touched == 1
        with pytest.raises(ConnectionError):
            client.recv(100)
    with pytest.raises(ConnectionError):
        connect_and_ask(proxy)
    assert proxy.touched == 2
    proxy.set("pass")
    with connected(proxy) as client:
        assert asked(client, b"hello") == b"hello"


def test_a_cut_sends_half_of_an_answer(proxy: Proxy) -> None:
    with connected(proxy) as client:
        assert asked(client, b"hello") == b"hello"
        proxy.set("cut")
        assert asked(client, b"12345678") == b"1234"
        assert client.recv(100) == b""
    assert proxy.touched == 1


def test_latency_delays_each_way(proxy: Proxy) -> None:
    with connected(proxy) as client:
        proxy.set("latency", 0.1)
        began = time.monotonic()
        assert asked(client, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.2
    assert proxy.touched == 2


def test_a_server_that_is_away_is_a_connection_that_breaks(proxy: Proxy) -> None:
    proxy.behind = free_port()
    with pytest.raises(ConnectionError):
        connect_and_ask(proxy)
