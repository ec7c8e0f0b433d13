"""What passes by itself is waited for; what does not is told. Against a real HTTP server with canned answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connectors.connect import Connect, passing_reason
from connectors.deadline import Deadline
from connectors.definition import Definition
from connectors.errors import ConnectError

DEFINITION = Definition("c", {"connector.class": "x.Y"})


class Tries(Deadline):
    """Allows five tries, at once."""

    left = 5

    def pause(self, seconds: float = 0.0) -> bool:
        self.left -= 1
        return self.left > 0 and seconds >= 0


class Worker(ThreadingHTTPServer):
    """Gives one answer after the other, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Worker

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, body))
        status, content = self.server.answers.pop(0)
        payload = b"" if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - names that the base class looks for

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def worker() -> Iterator[Worker]:
    server = Worker()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def connect(worker: Worker, lines: list[str]) -> Iterator[Connect]:
    with Connect(worker.url, Tries(9), lines.append) as client:
        yield client


def test_a_rebalance_and_a_slow_start_are_waited_out(worker: Worker, connect: Connect, lines: list[str]) -> None:
    worker.answers = [(503, {}), (500, {"message": "Request timed out"}), (409, {}), (201, {"name": "c"})]

    connect.put(DEFINITION)

    assert worker.asked == [("PUT", "/connectors/c/config", {"connector.class": "x.Y"})] * 4
    assert lines == [f"waiting for Kafka Connect at {worker.url}: it is still starting"]


def test_a_worker_that_stays_away_is_told_at_the_deadline(lines: list[str]) -> None:
    with (
        Connect("http://127.0.0.1:1", Tries(9), lines.append) as connect,
        pytest.raises(ConnectError, match=r"does not answer after 9 s: is it up, and is CONNECT_URL right\?"),
    ):
        connect.status("c")


def test_a_refusal_is_final_and_told_on_one_line(worker: Worker, connect: Connect) -> None:
    worker.answers = [(400, {"error_code": 400, "message": "bad\nthing"})]

    with pytest.raises(ConnectError, match=r"Kafka Connect refuses \(400\): bad thing"):
        connect.put(DEFINITION)


def test_a_stranger_on_that_port_is_told(worker: Worker, connect: Connect) -> None:
    worker.answers = [(200, b"<html>")]

    with pytest.raises(ConnectError, match="is CONNECT_URL right"):
        connect.status("c")


def test_what_is_not_registered_is_none(worker: Worker, connect: Connect) -> None:
    worker.answers = [(404, {"message": "no such"}), (404, {"message": "no such"})]

    assert connect.config("c") is None
    assert connect.status("c") is None


def test_field_errors_are_a_line_each(worker: Worker, connect: Connect) -> None:
    worker.answers = [
        (
            200,
            {
                "configs": [
                    {"value": {"name": "good", "errors": []}},
                    {"value": {"name": "bad", "errors": ["first\nline", "second"]}},
                ]
            },
        )
    ]

    assert connect.field_errors(DEFINITION) == ["bad: first line", "bad: second"]
    assert worker.asked == [("PUT", "/connector-plugins/x.Y/config/validate", {"name": "c", "connector.class": "x.Y"})]


def test_offsets_are_forgotten_by_what_is_stopped(worker: Worker, connect: Connect) -> None:
    worker.answers = [(201, {}), (202, None), (200, {"message": "ok"}), (204, None)]

    connect.put_stopped(DEFINITION)
    connect.stop("c")
    connect.forget_offsets("c")
    connect.delete("c")

    assert [(method, path) for method, path, _ in worker.asked] == [
        ("POST", "/connectors"),
        ("PUT", "/connectors/c/stop"),
        ("DELETE", "/connectors/c/offsets"),
        ("DELETE", "/connectors/c"),
    ]


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 422])
def test_final_answers_are_not_tried_again(status: int) -> None:
    assert passing_reason(status, "timed out") is None


def test_an_error_of_the_worker_itself_is_final() -> None:
    assert passing_reason(500, "NullPointerException") is None
