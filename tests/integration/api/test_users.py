"""`python -m api.users`."""

import asyncio
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Callable

import httpx
import psycopg
import pytest

from stack.settings import ROOT, Settings
from tests.accounts import PASSWORD, Runner, add_account, bearer, problem, signed_in_as, task_environment, task_settings
from tests.commands import Finished, finished
from tests.servers import Servers
from tests.stream import wait_until

Users = Callable[..., Finished]


@pytest.fixture
def users(settings: Settings) -> Users:
    """Give what runs a verb to its end."""
    environment = os.environ | task_environment(settings)

    def run(*arguments: str, given: str = "", **changes: str) -> Finished:
        return finished("api.users", *arguments, environment=environment | changes, given=given)

    return run


def signs_in(run: Runner, name: str, password: str) -> bool:
    answers: list[int] = []

    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.post("/auth/token", data={"username": name, "password": password})
        answers.append(answer.status_code)

    run(scenario)
    return answers == [200]


def test_an_account_is_added_listed_and_removed(users: Users, name: str, run: Runner) -> None:
    added = users("add", name, "--password-stdin", given=f"{PASSWORD}\n")
    assert (added.returncode, added.stdout) == (0, ""), added.stderr
    assert PASSWORD not in added.stderr
    assert signs_in(run, name, PASSWORD)

    listed = users("list").stdout
    assert re.search(rf"^{name}\ttasks:read tasks:write\t\d{{4}}-\d\d-\d\d", listed, re.MULTILINE)
    assert "argon2" not in listed

    assert users("remove", name).returncode == 0
    assert not signs_in(run, name, PASSWORD)
    assert name not in users("list").stdout
    # and the name is free again
    assert users("add", name, "--password-stdin", given=PASSWORD).returncode == 0


def test_a_generated_password_is_all_that_is_printed(users: Users, name: str, run: Runner) -> None:
    added = users("add", name, "--generate", "--read-only")
    assert re.fullmatch(r"\S{24}\n", added.stdout)
    assert added.stdout.strip() not in added.stderr
    assert signs_in(run, name, added.stdout.strip())
    assert f"{name}\ttasks:read\t" in users("list").stdout

    taken = users("add", name, "--generate")
    assert (taken.returncode, taken.stdout) == (3, "")
    assert f"there is an account '{name}' already" in taken.stderr
    assert signs_in(run, name, added.stdout.strip())


def test_a_new_password_voids_the_old_one_and_its_tokens(
    settings: Settings, users: Users, name: str, run: Runner
) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        token = await signed_in_as(client, name)
        for _ in range(10):
            problem(await client.post("/auth/token", data={"username": name, "password": "wrong"}), 401)
        changed = await asyncio.to_thread(users, "password", name, "--generate")
        assert changed.returncode == 0, changed.stderr
        problem(await client.get("/who/reads", headers=bearer(token)), 401)
        # who has a new password need not wait for the wrong ones of others
        new = await signed_in_as(client, name, changed.stdout.strip())
        assert (await client.get("/who/reads", headers=bearer(new))).status_code == 200
        problem(await client.post("/auth/token", data={"username": name, "password": PASSWORD}), 401)

    run(scenario)


def test_the_secret_of_callbacks_is_the_one_that_the_api_tells(
    settings: Settings, users: Users, name: str, run: Runner
) -> None:
    add_account(settings, name)
    add_account(settings, f"{name}-other")
    printed = users("webhook-secret", name)
    assert printed.returncode == 0
    assert printed.stdout != users("webhook-secret", f"{name}-other").stdout

    async def scenario(client: httpx.AsyncClient) -> None:
        token = await signed_in_as(client, name, scope="tasks:read")
        answer = await client.get("/auth/webhook-secret", headers=bearer(token))
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {"secret": printed.stdout.strip()}

    run(scenario)


@pytest.mark.parametrize(
    ("arguments", "given", "status", "words"),
    [
        (("add", "{name}", "--password-stdin"), "short\n", 2, "12 to 1024 characters"),
        (("add", "{name}", "--password-stdin"), "a" * 1025, 2, "12 to 1024 characters"),
        (("add", "{name}", "--password-stdin"), "{name}\n", 2, "the first to be guessed"),
        (("add", "{name}"), f"{PASSWORD}\n", 2, "--generate or --password-stdin"),
        (("add", "{name}", "--generate", "--password-stdin"), "", 2, "exclude one another"),
        (("add", "two words", "--generate"), "", 2, "'two words' is no name"),
        (("add", "a" * 65, "--generate"), "", 2, "is no name"),
        (("password", "{name}", "--generate"), "", 1, "there is no account '{name}'"),
        (("remove", "{name}"), "", 1, "there is no account '{name}'"),
        (("webhook-secret", "{name}"), "", 1, "there is no account '{name}'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: tuple[str, ...], given: str, status: int, words: str, users: Users, name: str
) -> None:
    name = f"{name}-long-enough"
    ended = users(*(each.format(name=name) for each in arguments), given=given.format(name=name))
    assert (ended.returncode, ended.stdout) == (status, ""), ended.stderr
    assert words.format(name=name) in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("TASKS_USER", "", "TASKS_USER is not set"),
        ("TASKS_PASSWORD", "wrong", "the database of the accounts (SOURCE_*, TASKS_*)"),
        ("SOURCE_PORT", "1", "the database of the accounts (SOURCE_*, TASKS_*)"),
        ("SOURCE_PORT", "one", "SOURCE_PORT: "),
        ("TOKEN_SIGNING_KEY", "", "TOKEN_SIGNING_KEY is not set"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, value: str, words: str, users: Users) -> None:
    ended = users("list", **{setting: value})
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_on_a_terminal_the_password_is_asked_for_twice(settings: Settings, name: str, run: Runner) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-m", "api.users", "add", name],
        cwd=ROOT,
        env=os.environ | task_environment(settings),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    try:
        for prompt in (b"password", b"once more"):
            shown = b""
            while prompt not in shown:
                shown += os.read(ours, 1024)
            # what is typed before the echo is off is thrown away
            wait_until("the echo is off", lambda: not termios.tcgetattr(ours)[3] & termios.ECHO)
            os.write(ours, f"{PASSWORD}\n".encode())
        assert process.wait(30) == 0
        assert PASSWORD.encode() not in os.read(ours, 1024)
    finally:
        process.kill()
        process.wait()
        os.close(theirs)
        os.close(ours)
    assert signs_in(run, name, PASSWORD)


def test_a_removed_account_stays_until_its_tasks_have_gone(settings: Settings, users: Users, name: str) -> None:
    account = add_account(settings, name)
    with psycopg.connect(task_settings(settings).source_dsn(), autocommit=True) as connection:
        connection.execute(
            "insert into tasks.task (id, account, model, columns, rows_total) "
            "values (gen_random_uuid(), %s, 'iris', '{}', 1)",
            (account,),
        )
        assert users("remove", name).returncode == 0
        row = connection.execute(
            "select status, task.removed_at is not null, password_hash from tasks.task "
            "join tasks.account on account.id = task.account where account = %s",
            (account,),
        ).fetchone()
        assert row == ("cancelled", True, "")
        connection.execute("delete from tasks.task where account = %s", (account,))
        assert users("add", f"{name}-next", "--generate").returncode == 0
        assert users("remove", f"{name}-next").returncode == 0
        assert connection.execute("select count(*) from tasks.account where id = %s", (account,)).fetchone() == (0,)


def test_accounts_are_made_before_the_api_has_run(stack: Servers, settings: Settings, users: Users, name: str) -> None:
    with psycopg.connect(stack.source.superuser_dsn("postgres"), autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    try:
        with psycopg.connect(stack.source.superuser_dsn(name), autocommit=True) as connection:
            connection.execute(f"create schema tasks authorization {settings.tasks_user}")
        assert users("add", name, "--generate", SOURCE_DATABASE=name).returncode == 0
        assert users("list", SOURCE_DATABASE=name).stdout.startswith(f"{name}\t")
    finally:
        with psycopg.connect(stack.source.superuser_dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'drop database "{name}"')
