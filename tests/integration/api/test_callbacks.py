"""Whoever wants to hear it is told when a task has ended, and nobody else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import trustme
from prometheus_client import CollectorRegistry

from api.tasks import store
from api.tasks.callbacks import resolution
from api.tasks.callbacks.client import CallbackClient, NotTaken
from api.tasks.callbacks.delivery import Delivery
from api.tasks.callbacks.resolution import check_url
from api.tasks.callbacks.signature import secret_of
from api.tasks.database import Databases
from api.tasks.errors import FieldsError
from api.uuid7 import uuid7
from tests.accounts import KEY, Runner, add_account_in, bearer, problem, signed_in_as, task_settings
from tests.callbacks import Receiver, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from http.server import BaseHTTPRequestHandler
    from uuid import UUID

    import httpx

    from api.tasks.settings import TaskSettings
    from stack.settings import Settings
    from tests.callbacks import Got
    from tests.servers import Servers

HEADERS = {"webhook-id": "task_1", "webhook-timestamp": "1", "webhook-signature": "v1,none"}


@dataclass
class Ended:
    """A database of the test's own, with an account whose tasks have ended."""

    settings: TaskSettings
    connection: psycopg.Connection
    account: int

    def task(self, url: str, status: str = "done", account: int | None = None) -> UUID:
        """Make a task that has just ended."""
        made = uuid7()
        self.connection.execute(
            "insert into tasks.task (id, account, model, status, columns, rows_total, rows_done, finished_at, "
            "callback_url, callback) values (%s, %s, 'iris', %s, '{}', 3, 3, clock_timestamp(), %s, 'waiting')",
            (made, account or self.account, status, url),
        )
        return made

    def state(self, task: UUID) -> tuple[str, int]:
        """What has become of a task's callback, and after how many tries."""
        row = self.connection.execute("select callback, callback_tries from tasks.task where id = %s", (task,))
        found = row.fetchone()
        assert found is not None
        return found[0], found[1]

    def wait_over(self) -> None:
        """Have every wait be over."""
        self.connection.execute("update tasks.task set callback_at = clock_timestamp() where callback_at is not null")

    @asynccontextmanager
    async def delivery(self, registry: CollectorRegistry | None = None, **changes: float) -> AsyncIterator[Delivery]:
        """A process's part that delivers."""
        settings = self.settings.model_copy(update={"callback_allow_private": True, **changes})
        databases = Databases(settings)
        databases.start()
        await databases.wait_ready()
        delivery = Delivery(databases, settings, store.describe, registry or CollectorRegistry())
        try:
            yield delivery
        finally:
            await delivery.close()
            await databases.close()

    def deliver(self, registry: CollectorRegistry | None = None, **changes: float) -> float | None:
        """Try what is due once."""

        async def once() -> float | None:
            async with self.delivery(registry, **changes) as delivery:
                return await delivery.deliver_due()

        return asyncio.run(once())


@pytest.fixture
def ended(stack: Servers, settings: Settings, name: str) -> Iterator[Ended]:
    """Give a database that no other process delivers from."""
    with psycopg.connect(stack.source.superuser_dsn("postgres"), autocommit=True) as server:
        server.execute(f'create database "{name}"')
        with psycopg.connect(stack.source.superuser_dsn(name), autocommit=True) as connection:
            connection.execute(f"create schema tasks authorization {settings.tasks_user}")
        own = task_settings(settings, source_database=name)
        account = add_account_in(own, name)
        with psycopg.connect(own.source_dsn(), autocommit=True) as connection:
            yield Ended(own, connection, account)
        server.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def verify(secret: str, got: Got) -> dict[str, Any]:
    """The event, checked as Standard Webhooks has receivers do it."""
    id_, timestamp = got.headers["webhook-id"], got.headers["webhook-timestamp"]
    assert abs(time.time() - int(timestamp)) < 60
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = hmac.new(key, f"{id_}.{timestamp}.".encode() + got.body, hashlib.sha256).digest()
    version, _, signature = got.headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert hmac.compare_digest(base64.b64decode(signature), wanted)
    event: dict[str, Any] = json.loads(got.body)
    return event


@pytest.mark.parametrize("status", ["done", "failed", "cancelled"])
def test_a_tasks_end_is_told_once_and_signed(ended: Ended, receiver: Receiver, status: str) -> None:
    task = ended.task(receiver.url("/hook?a=1"), status)
    registry = CollectorRegistry()
    assert ended.deliver(registry=registry) is None
    assert ended.deliver() is None

    [got] = receiver.got
    assert got.path == "/hook?a=1"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    event = verify(secret_of(KEY.encode(), ended.account), got)
    assert event.keys() == {"type", "timestamp", "data"}
    assert event["type"] == f"task.{status}"
    assert event["timestamp"] == event["data"]["finished_at"]
    assert (event["data"]["id"], event["data"]["status"], event["data"]["rows_done"]) == (str(task), status, 3)
    assert ended.state(task) == ("delivered", 1)
    assert registry.get_sample_value("api_task_callbacks_total", {"result": "delivered"}) == 1


def test_what_is_not_taken_is_sent_again_at_growing_intervals_until_it_is(ended: Ended, receiver: Receiver) -> None:
    receiver.answers = [says(500), says(404), says(302, Location="/elsewhere"), says(200)]
    task = ended.task(receiver.url())
    waits = []
    for tries in range(1, 4):
        wait = ended.deliver(callback_timeout_seconds=1)
        assert ended.state(task) == ("waiting", tries)
        assert wait is not None
        waits.append(wait)
        # and not before
        ended.deliver()
        assert len(receiver.got) == tries
        ended.wait_over()
    assert waits == [pytest.approx(seconds, abs=5) for seconds in (6, 21, 81)]
    ended.deliver()
    assert ended.state(task) == ("delivered", 4)

    secret = secret_of(KEY.encode(), ended.account)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert [verify(secret, got)["data"]["id"] for got in receiver.got] == [str(task)] * 4
    assert {got.path for got in receiver.got} == {"/hook"}


def test_what_is_never_taken_is_given_up(ended: Ended, receiver: Receiver) -> None:
    receiver.answers = [says(500)]
    refused, gone = ended.task(receiver.url()), ended.task(receiver.url())
    nobody = ended.task("http://127.0.0.1:1/")
    registry = CollectorRegistry()
    ended.deliver(registry=registry, callback_tries=2)
    receiver.answers = [says(410)]
    ended.connection.execute("update tasks.task set callback_at = clock_timestamp() where id = %s", (gone,))
    ended.deliver(callback_tries=3)
    assert ended.state(gone) == ("given_up", 2)
    receiver.answers = [says(500)]
    ended.wait_over()
    assert ended.deliver(callback_tries=2) is None
    assert ended.state(refused) == ended.state(nobody) == ("given_up", 2)
    assert registry.get_sample_value("api_task_callbacks_total", {"result": "failed"}) == 3
    ended.wait_over()
    ended.deliver()
    assert len(receiver.got) == 4


def test_a_try_that_was_cut_short_is_made_again(ended: Ended, receiver: Receiver) -> None:
    task = ended.task(receiver.url())
    receiver.answers = [lambda _: time.sleep(5), says(200)]

    async def killed() -> None:
        async with ended.delivery() as delivery:
            trying = asyncio.create_task(delivery.deliver_due())
            while not receiver.got:
                await asyncio.sleep(0.01)
            trying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await trying

    asyncio.run(killed())
    assert ended.state(task) == ("waiting", 1)
    ended.wait_over()
    ended.deliver()
    first, second = receiver.got
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert ended.state(task) == ("delivered", 2)


def test_processes_side_by_side_tell_each_end_once(ended: Ended, receiver: Receiver) -> None:
    tasks = [ended.task(receiver.url()) for _ in range(60)]

    async def side_by_side() -> None:
        async with ended.delivery() as one, ended.delivery() as other, ended.delivery() as third:
            for _ in range(4):
                await asyncio.gather(*(each.deliver_due() for each in (one, other, third)))

    asyncio.run(side_by_side())
    assert [ended.state(task) for task in tasks] == [("delivered", 1)] * 60
    told = [json.loads(got.body)["data"]["id"] for got in receiver.got]
    assert sorted(told) == sorted(map(str, tasks))


def test_an_account_with_many_callbacks_does_not_hold_up_another(ended: Ended, receiver: Receiver) -> None:
    for _ in range(100):
        ended.task(receiver.url("/busy"))
    other = ended.task(receiver.url("/other"), account=add_account_in(ended.settings, "other"))
    ended.deliver()
    assert ended.state(other) == ("delivered", 1)


def test_of_a_task_that_was_removed_nobody_is_told(ended: Ended, receiver: Receiver) -> None:
    task = ended.task(receiver.url())
    ended.connection.execute("update tasks.task set removed_at = now() where id = %s", (task,))
    assert ended.deliver() is None
    assert receiver.got == []


def test_no_redirect_is_followed_and_no_proxy_asked(
    ended: Ended, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as elsewhere:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, elsewhere.url(""))
        receiver.answers = [says(307, Location=elsewhere.url()), says(308, Location=elsewhere.url())]
        task = ended.task(receiver.url())
        ended.deliver()
        ended.wait_over()
        ended.deliver()
        assert elsewhere.got == []
    assert len(receiver.got) == 2
    assert ended.state(task) == ("waiting", 2)


def test_a_slow_answer_is_not_waited_for(receiver: Receiver) -> None:
    hung_up = []

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b".")
                time.sleep(0.05)
        except OSError:
            hung_up.append(True)

    receiver.answers = [drip]

    async def scenario() -> None:
        client = CallbackClient(timeout_seconds=0.5, allow_private=True)
        started = time.monotonic()
        with pytest.raises(NotTaken, match=r"no answer within 0\.5 s"):
            await client.post(receiver.url(), HEADERS, b"{}")
        assert time.monotonic() - started < 3
        while not hung_up:
            await asyncio.sleep(0.01)
        await client.close()

    asyncio.run(scenario())


def test_of_a_huge_answer_the_beginning_is_read(receiver: Receiver) -> None:
    written = []

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1024):
                handler.wfile.write(bytes(1024 * 1024))
                written.append(1)
        except OSError:
            written.append(0)

    receiver.answers = [pour]

    async def scenario() -> None:
        client = CallbackClient(timeout_seconds=20, allow_private=True)
        await client.post(receiver.url(), HEADERS, b"{}")
        while 0 not in written:
            await asyncio.sleep(0.01)
        await client.close()

    asyncio.run(scenario())
    # what the system's buffers hold, and no more
    assert sum(written) < 64


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000])
def test_what_is_no_answer_is_none(answer: bytes, receiver: Receiver) -> None:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)

    receiver.answers = [write]

    async def scenario() -> None:
        client = CallbackClient(timeout_seconds=10, allow_private=True)
        with pytest.raises(NotTaken):
            await client.post(receiver.url(), HEADERS, b"{}")
        await client.close()

    asyncio.run(scenario())


def test_by_tls_the_host_has_to_be_the_one_that_was_named(receiver: Receiver) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(ours)
    authority.issue_cert("localhost").configure_cert(theirs)
    receiver.speak_tls(theirs)

    async def scenario() -> None:
        client = CallbackClient(timeout_seconds=10, allow_private=True, tls=ours)
        await client.post(receiver.url(host="localhost", scheme="https"), HEADERS, b"{}")
        with pytest.raises(NotTaken, match=r"(?i)certificate"):
            await client.post(receiver.url(scheme="https"), HEADERS, b"{}")
        await client.close()
        untrusting = CallbackClient(timeout_seconds=10, allow_private=True)
        with pytest.raises(NotTaken, match=r"(?i)certificate"):
            await untrusting.post(receiver.url(host="localhost", scheme="https"), HEADERS, b"{}")
        await untrusting.close()

    asyncio.run(scenario())
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "[::1]"),  # noqa: S104
        *("[::ffff:127.0.0.1]", "[::]", "169.254.169.254", "10.0.0.1", "[fe80::1]", "[64:ff9b::7f00:1]"),
    ],
)
def test_this_machine_and_private_networks_are_out_of_reach(host: str, ended: Ended, receiver: Receiver) -> None:
    url = receiver.url(host=host)
    with pytest.raises(FieldsError, match="callback_url: names a host"):
        asyncio.run(check_url(url, allow_private=False))
    task = ended.task(url)
    ended.deliver(callback_allow_private=False)
    assert ended.state(task) == ("waiting", 1)
    assert receiver.got == []


def test_a_name_that_comes_to_stand_for_another_address_is_refused_at_the_delivery(
    ended: Ended, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]]
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers.pop(0)

    monkeypatch.setattr(resolution, "addresses_of", rebinding)
    url = receiver.url(host="hooks.example")
    asyncio.run(check_url(url, allow_private=False))
    task = ended.task(url)
    for _ in range(2):
        ended.deliver(callback_allow_private=False)
        ended.wait_over()
    assert ended.state(task) == ("waiting", 2)
    assert (asked, receiver.got) == (["hooks.example"] * 3, [])


def test_a_name_is_looked_up_once_a_try_and_its_address_connected_to(
    ended: Ended, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    monkeypatch.setattr(resolution, "addresses_of", once)
    task = ended.task(receiver.url(host="hooks.example"))
    ended.deliver()
    assert ended.state(task) == ("delivered", 1)
    assert asked == ["hooks.example"]
    assert receiver.got[0].headers["host"] == f"hooks.example:{receiver.port}"


@pytest.mark.parametrize(
    ("failure", "taken"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), False),
        (socket.gaierror(socket.EAI_AGAIN, "not now"), True),
    ],
)
def test_a_name_that_nobody_knows_is_refused_and_one_that_nobody_can_tell_of_now_is_not(
    failure: OSError, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise failure

    monkeypatch.setattr(resolution, "addresses_of", unknown)
    if taken:
        asyncio.run(check_url("https://hooks.example", allow_private=False))
    else:
        with pytest.raises(FieldsError, match="has no address"):
            asyncio.run(check_url("https://hooks.example", allow_private=False))


def test_a_task_whose_callback_may_not_be_sent_is_not_made(settings: Settings, name: str, run: Runner) -> None:
    add_account_in(task_settings(settings), name)

    async def scenario(client: httpx.AsyncClient) -> None:
        head = bearer(await signed_in_as(client, name))
        for url in ("http://127.0.0.1/hook", "http://localhost/hook", "ftp://hooks.example/", "no url"):
            body = {"model": "iris", "rows": [{}], "callback_url": url}
            answer = problem(await client.post("/tasks", json=body, headers=head), 422)
            assert [each["field"] for each in answer["errors"]] == ["callback_url"]
        assert (await client.get("/tasks", headers=head)).json()["tasks"] == []

    run(scenario)
