"""Guessing is slowed down, for one name and for all."""

import asyncio
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from api.accounts.throttle import BY_NAME, OF_ALL
from stack.settings import Settings
from tests.accounts import PASSWORD, Runner, add_account, problem, signed_in_as, task_settings

WRONG = "wrong"


@pytest.fixture
def failures(settings: Settings, name: str) -> Iterator[psycopg.Connection]:
    """The database of the failures, with an account of the test's name, and none of what was wrong before."""
    add_account(settings, name)
    with psycopg.connect(task_settings(settings).source_dsn(), autocommit=True) as connection:
        connection.execute("delete from tasks.failed_sign_in")
        yield connection
        connection.execute("delete from tasks.failed_sign_in")


async def tried(client: httpx.AsyncClient, name: str, password: str = WRONG) -> httpx.Response:
    return await client.post("/auth/token", data={"username": name, "password": password})


def test_too_many_wrong_passwords_close_a_name_for_a_while_and_no_other(
    settings: Settings, failures: psycopg.Connection, name: str, run: Runner
) -> None:
    other = f"{name}-other"
    add_account(settings, other)

    async def scenario(client: httpx.AsyncClient) -> None:
        for _ in range(BY_NAME.tries):
            problem(await tried(client, name), 401)
        for password in ("wrong", PASSWORD):
            refused = await tried(client, name, password)
            assert "too many" in problem(refused, 429)["detail"]
            assert 0 < int(refused.headers["retry-after"]) <= BY_NAME.seconds
        await signed_in_as(client, other)

    run(scenario)

    # an API that has just begun knows of them too, until they are old
    async def elsewhere(client: httpx.AsyncClient) -> None:
        problem(await tried(client, name, PASSWORD), 429)
        failures.execute("update tasks.failed_sign_in set at = at - make_interval(secs => %s)", (BY_NAME.seconds,))
        await signed_in_as(client, name)

    run(elsewhere)


def test_guesses_side_by_side_are_no_more_than_one_after_the_other(
    failures: psycopg.Connection, name: str, run: Runner
) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(tried(client, name) for _ in range(BY_NAME.tries * 3)))
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(401), statuses.count(429)) == (BY_NAME.tries, BY_NAME.tries * 2)

    run(scenario)


def test_a_right_password_clears_the_name(failures: psycopg.Connection, name: str, run: Runner) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        for _ in range(3):
            for _ in range(BY_NAME.tries - 1):
                problem(await tried(client, name), 401)
            await signed_in_as(client, name)

    run(scenario)


def test_one_password_for_many_names_is_slowed_down_too(failures: psycopg.Connection, name: str, run: Runner) -> None:
    failures.execute(
        "insert into tasks.failed_sign_in (name) select sha256(n::text::bytea) from generate_series(1, %s) as n",
        (OF_ALL.tries,),
    )

    async def scenario(client: httpx.AsyncClient) -> None:
        refused = await tried(client, name, PASSWORD)
        problem(refused, 429)
        assert 0 < int(refused.headers["retry-after"]) <= OF_ALL.seconds
        failures.execute("update tasks.failed_sign_in set at = at - make_interval(secs => %s)", (OF_ALL.seconds,))
        await signed_in_as(client, name)

    run(scenario)


def test_what_is_old_is_forgotten_and_no_name_is_kept(failures: psycopg.Connection, name: str, run: Runner) -> None:
    failures.execute(
        "insert into tasks.failed_sign_in (name, at) select sha256(n::text::bytea), now() - interval '1 hour' "
        "from generate_series(1, 500) as n"
    )

    async def scenario(client: httpx.AsyncClient) -> None:
        problem(await tried(client, "a password in the wrong field"), 401)

    run(scenario)
    rows = failures.execute("select name from tasks.failed_sign_in").fetchall()
    assert [len(row[0]) for row in rows] == [32]
