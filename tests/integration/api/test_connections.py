"""What a connection costs is bounded before a request is read, at the model API and at the console."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from api import connections as of_api
from subscriber.console import connections as of_console
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.api.conftest import Api

HEAD = b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: x\r\n"
SECONDS = 20.0


class ImpatientApi(of_api.BoundedProtocol):
    head_seconds = body_seconds = 0.3
    least_body_bytes = 100


class CrowdedApi(of_api.BoundedProtocol):
    max_connections = 2


class CrowdedConsole(of_console.BoundedProtocol):
    max_connections = 2


class ImpatientConsole(of_console.BoundedProtocol):
    request_seconds = 0.3


async def reading(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Read the whole body, then answer with its size; or answer at once, by half, or read later, as the path says."""
    size, more = 0, scope["type"] == "http"
    if scope["path"] == "/half":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half.", "more_body": True})
        await asyncio.sleep(SECONDS)
    if scope["path"] == "/at-once":
        more = False
    if scope["path"] == "/later":
        await asyncio.sleep(1.0)
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(str(size)))]})
    await send({"type": "http.response.body", "body": str(size).encode()})


@contextmanager
def served(protocol: type) -> Iterator[tuple[str, int]]:
    """Serve `reading` on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(reading, http=protocol, lifespan="off", log_config=None, timeout_keep_alive=SECONDS)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        wait_until("the server", lambda: server.started)
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listener.close()


@pytest.fixture(scope="module", params=[ImpatientApi, ImpatientConsole])
def impatient(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """Give the address of a server that waits no longer than it must."""
    with served(request.param) as address:
        yield address


def connect(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, timeout=SECONDS)


def heard(connection: socket.socket) -> bytes:
    """All that comes until the server hangs up."""
    said = b""
    try:
        while piece := connection.recv(65536):
            said += piece
    except ConnectionResetError:
        pass
    return said


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GE",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-More: ",
        HEAD + b"Content-Length: 100\r\n\r\n",
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_who_does_not_send_a_whole_request_is_hung_up_on(begun: bytes, impatient: tuple[str, int]) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(begun)
        assert b" 200 " not in heard(connection)


@pytest.mark.parametrize("begun", [HEAD, HEAD + b"Content-Length: 5000\r\n\r\n"])
def test_a_byte_now_and_then_is_not_enough(begun: bytes, impatient: tuple[str, int]) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(begun)
        connection.settimeout(0.05)

        def hung_up() -> bool:
            try:
                connection.sendall(b"x")
                return connection.recv(1000) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until("the server hanging up", hung_up)


def test_a_second_request_is_waited_for_no_longer_than_the_first(impatient: tuple[str, int]) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in connection.recv(1000)

        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")

        assert b" 200 " not in heard(connection)


@pytest.mark.parametrize("after", [b"\r\n", b"\r\n\r\n"])
def test_an_empty_line_after_an_answer_keeps_no_connection_open(after: bytes, impatient: tuple[str, int]) -> None:
    with closing(connect(impatient)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in connection.recv(1000)

        connection.sendall(after)

        assert b" 200 " not in heard(connection)


def test_a_body_that_ends_after_its_answer_keeps_no_connection_open() -> None:
    with served(ImpatientApi) as address, closing(connect(address)) as connection:
        connection.sendall(b"POST /at-once HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf.")
        assert b" 200 " in connection.recv(1000)

        connection.sendall(b".half")

        assert heard(connection) == b""


def test_an_answer_on_its_way_is_not_written_into() -> None:
    with served(ImpatientApi) as address, closing(connect(address)) as connection:
        connection.sendall(b"GET /half HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD)

        said = heard(connection)

    assert said.count(b"HTTP/1.1") == 1
    assert b" 408 " not in said


def test_who_waits_to_be_asked_for_a_body_is_not_late() -> None:
    with served(ImpatientApi) as address, closing(connect(address)) as connection:
        connection.sendall(b"POST /later HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert b" 100 " in connection.recv(1000)
        connection.sendall(b"body")
        assert b" 200 " in connection.recv(1000)


@pytest.mark.parametrize("protocol", [CrowdedApi, CrowdedConsole])
def test_who_comes_while_too_many_are_there_is_sent_away_and_the_others_stay(protocol: type) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with served(protocol) as address, closing(connect(address)) as first, closing(connect(address)) as second:
        for connection in (first, second):
            connection.sendall(request)
            assert b" 200 " in connection.recv(1000)

        with closing(connect(address)) as third:
            assert b" 503 " in third.recv(1000)

        for connection in (first, second):
            connection.sendall(request)
            assert b" 200 " in connection.recv(1000)


def test_an_upload_takes_as_long_as_it_keeps_coming() -> None:
    with served(ImpatientApi) as address, closing(connect(address)) as connection:
        connection.sendall(HEAD + b"Content-Length: 4000\r\n\r\n")
        pause = threading.Event()
        for _ in range(20):
            # twenty pieces, each within the time, all together beyond it
            pause.wait(0.05)
            connection.sendall(b"x" * 200)
        connection.shutdown(socket.SHUT_WR)
        assert b"\r\n\r\n4000" in connection.recv(1000)


def address_of(api: Api) -> tuple[str, int]:
    parts = urlsplit(api.url)
    return str(parts.hostname), int(parts.port or 0)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-More: yes\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"x" * 3_000_000,
        b"GET /" + b"x" * 3_000_000,
    ],
)
def test_a_head_that_is_too_large_is_refused(request_: bytes, api: Api) -> None:
    with closing(connect(address_of(api))) as connection:
        try:
            connection.sendall(request_)
        except OSError:
            # it has hung up already, before the rest
            return
        said = heard(connection)
        assert not said or b" 431 " in said.partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "after", [b"X-Trailer: yes\r\n" * 200_000, b"X-Trailer: " + b"x" * 3_000_000, b"1;" + b"e" * 3_000_000]
)
def test_what_comes_beside_a_body_is_bounded_too(after: bytes, api: Api) -> None:
    begun = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"" if after.startswith(b"1;") else b"2\r\n{}\r\n0\r\n")
    with closing(connect(address_of(api))) as connection:
        try:
            connection.sendall(begun + after)
        except OSError:
            return
        assert b" 200 " not in heard(connection)


def test_chunks_of_one_byte_are_a_body_as_any_other(api: Api) -> None:
    body = b'{"inputs": []}' + b" " * 30_000
    with closing(connect(address_of(api))) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        assert b" 400 " in connection.recv(1000)


NUMBERS = b"1," * 100_000 + b"1"
MATRIX = b'{"inputs": [{"name": "m", "shape": [%s], "datatype": "FP64", "data": [%s]}]}'
HOSTILE = {
    "nested arrays": b"[" * 200_000,
    "nested objects": b'{"a":' * 60_000,
    "nested data": b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": ' + b"[" * 200_000,
    "a number of many digits": MATRIX.replace(b"FP64", b"INT64") % (b"1, 4", b"9" * 300_000),
    "a number beyond doubles": MATRIX % (b"1, 4", b"1e999, 1, 1, 1"),
    "an enormous shape": MATRIX % (b"999999999999, 4", b"1"),
    "a shape beyond integers": MATRIX % (b"9" * 4000 + b", 4", b"1"),
    "many dimensions": MATRIX % (NUMBERS, b"1"),
    "a negative shape": MATRIX % (b"-1, 4", b"1"),
    "nothing of much": MATRIX % (b"0, 4", b""),
    "features by the thousand": MATRIX % (b"1, 100001", NUMBERS),
    "tensors by the thousand": b'{"inputs": [%s]}'
    % b",".join(b'{"name": "%d", "shape": [1], "datatype": "FP64", "data": [1]}' % i for i in range(7_000)),
    "the same tensor again": b'{"inputs": [%s]}'
    % b",".join([b'{"name": "sepal_length", "shape": [1], "datatype": "FP64", "data": [1]}'] * 6_000),
    "a long name": b'{"inputs": [{"name": "%s", "shape": [1], "datatype": "FP64", "data": [1]}]}' % (b"x" * 400_000),
    "a lone surrogate": b'{"inputs": [{"name": "\\ud800", "shape": [1], "datatype": "FP64", "data": [1]}]}',
    "a NUL": b'{"inputs": [{"name": "\\u0000", "shape": [1], "datatype": "FP64", "data": [1]}]}',
    "no UTF-8": b'{"inputs": [{"name": "\xff", "shape": [1], "datatype": "FP64", "data": [1]}]}',
}


@pytest.mark.parametrize("path", ["/v2/models/iris/infer", "/predict"])
def test_who_hangs_up_in_the_middle_fills_no_log(path: str, api: Api) -> None:
    with closing(connect(address_of(api))) as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{" % path.encode())
    # the next answer comes after the server has seen the end of the last connection
    with closing(connect(address_of(api))) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 200 " in heard(connection)
    assert "Traceback" not in api.log()


@pytest.mark.parametrize("path", ["/v2/models/iris/infer", "/predict"])
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_body_is_refused_and_the_next_request_served(what: str, path: str, api: Api) -> None:
    body = HOSTILE[what]
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with closing(connect(address_of(api))) as connection:
        connection.sendall(head % (path.encode(), len(body)) + body)
        status = connection.recv(1000).split(b" ")[1]
        assert status in (b"400", b"413", b"422"), status
    with closing(connect(address_of(api))) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 200 " in heard(connection)
