"""Signing in."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psycopg
import pytest
from argon2 import PasswordHasher
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.tasks.database import Databases
from stack.settings import Settings
from tests.accounts import (
    PASSWORD,
    Runner,
    add_account,
    bearer,
    problem,
    signed_in_as,
    task_environment,
    task_settings,
)
from tests.integration.api.conftest import Api
from tests.stream import wait_until


def test_a_right_password_gives_a_token_that_opens_the_routes(settings: Settings, name: str, run: Runner) -> None:
    account = add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.post(
            "/auth/token", data={"grant_type": "password", "username": name, "password": PASSWORD}
        )
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        body = answer.json()
        assert body.keys() == {"access_token", "token_type", "expires_in", "scope"}
        assert (body["token_type"], body["expires_in"], body["scope"]) == ("bearer", 3600, "tasks:read tasks:write")

        who = await client.get("/who/writes", headers=bearer(body["access_token"]))
        assert (who.status_code, who.json()) == (200, {"id": account})

    run(scenario)


def test_a_wrong_name_is_answered_as_a_wrong_password_is(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        wrong = await client.post("/auth/token", data={"username": name, "password": "not this one"})
        nobody = await client.post("/auth/token", data={"username": f"{name}-not", "password": PASSWORD})
        odd = await client.post("/auth/token", data={"username": "\0é漢\U0001f600'; --", "password": "\0"})
        for answer in (wrong, nobody, odd):
            body = problem(answer, 401)
            assert (body["error"], body["detail"]) == ("invalid_grant", "the name or the password is wrong")
            assert answer.headers["www-authenticate"] == "Bearer"

    run(scenario)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        async def fastest(who: str) -> float:
            took = []
            for _ in range(5):
                started = time.perf_counter()
                await client.post("/auth/token", data={"username": who, "password": "wrong"})
                took.append(time.perf_counter() - started)
            return min(took)

        known, unknown = await fastest(name), await fastest(f"{name}-not")
        assert 0.5 < unknown / known < 2, (known, unknown)

    run(scenario)


def test_a_token_is_good_for_what_is_asked_and_the_account_may(settings: Settings, name: str, run: Runner) -> None:
    reader = f"{name}-reader"
    add_account(settings, name)
    add_account(settings, reader, scopes=("tasks:read",))

    async def scenario(client: httpx.AsyncClient) -> None:
        for token in (await signed_in_as(client, name, scope="tasks:read"), await signed_in_as(client, reader)):
            assert (await client.get("/who/reads", headers=bearer(token))).json()["scopes"] == ["tasks:read"]
            refused = await client.get("/who/writes", headers=bearer(token))
            assert "tasks:write" in problem(refused, 403)["detail"]
            assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]

        for who, scope in ((reader, "tasks:write"), (name, "everything")):
            form = {"username": who, "password": PASSWORD, "scope": scope}
            body = problem(await client.post("/auth/token", data=form), 422)
            assert [each["field"] for each in body["errors"]] == ["scope"]

    run(scenario)


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("", {"username", "password"}),
        ("username=a&password=", {"password"}),
        ("username=a&password=b&password=c", {"password"}),
        ("username=a&password=b&grant_type=client_credentials", {"grant_type"}),
        ("username=" + "a" * 257 + "&password=b", {"username"}),
    ],
)
def test_a_form_with_wrong_fields_is_told_which(form: str, fields: set[str], settings: Settings, run: Runner) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        head = {"Content-Type": "application/x-www-form-urlencoded"}
        body = problem(await client.post("/auth/token", content=form, headers=head), 422)
        assert {each["field"] for each in body["errors"]} == fields
        assert all(each["problem"] for each in body["errors"])

    run(scenario)


def test_what_is_no_form_is_refused(settings: Settings, run: Runner) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for content in (b"\xff=\xff", b"username=%ff&password=%ff", b"&".join(b"f%d=1" % i for i in range(100))):
            problem(await client.post("/auth/token", content=content, headers=form), 400)
        problem(await client.post("/auth/token", content=b"password=" + b"a" * 20_000, headers=form), 413)
        problem(await client.post("/auth/token", json={"username": "a", "password": "b"}), 415)
        problem(await client.get("/auth/token"), 405)
        problem(await client.get("/auth/nothing"), 404)

    run(scenario)


def test_a_hash_of_other_parameters_is_made_anew(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)
    weaker = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with psycopg.connect(task_settings(settings).source_dsn(), autocommit=True) as connection:
        connection.execute("update tasks.account set password_hash = %s where name = %s", (weaker, name))

        async def scenario(client: httpx.AsyncClient) -> None:
            before = await signed_in_as(client, name)
            assert (await client.get("/who/reads", headers=bearer(before))).status_code == 200
            await signed_in_as(client, name)

        run(scenario)
        row = connection.execute("select password_hash from tasks.account where name = %s", (name,)).fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_many_sign_in_at_once(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        await asyncio.gather(*(signed_in_as(client, name) for _ in range(40)))

    run(scenario)


def test_without_the_database_one_is_told_to_come_back(settings: Settings, name: str, run: Runner) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        answer = await client.post("/auth/token", data={"username": name, "password": PASSWORD})
        problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0

    run(scenario, wait=False, source_port=1)


def test_log_lines_hold_neither_passwords_nor_tokens(
    settings: Settings, name: str, models_dir: Path, start_api: Callable[..., Api]
) -> None:
    add_account(settings, name)
    api = start_api(models_dir, **task_environment(settings), LOG_LEVEL="debug")
    wait_until("the API is ready", api.ready)
    wait_until("tasks are taken", lambda: "tasks are taken" in api.log())
    wrong = "a wrong pass phrase"
    token = ""
    for password in (PASSWORD, *[wrong] * 12):
        answer = httpx.post(f"{api.url}/auth/token", data={"username": name, "password": password})
        token = token or answer.json()["access_token"]
    httpx.post(f"{api.url}/auth/token", data={"username": wrong, "password": "b" * 20_000})
    secret = httpx.get(f"{api.url}/auth/webhook-secret", headers=bearer(token))
    assert base64.b64decode(secret.json()["secret"].removeprefix("whsec_"), validate=True)
    httpx.get(f"{api.url}/auth/webhook-secret", headers=bearer(token[:-4]))
    assert api.stop() == 0

    log = api.log()
    assert "too many wrong passwords" in log
    for hidden in (PASSWORD, wrong, token, token[:-4], token.split(".")[2], secret.json()["secret"]):
        assert hidden not in log


def test_an_error_of_the_database_shows_no_value(settings: Settings, run: Runner) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        databases: Databases = client._transport.app.state.databases  # type: ignore[attr-defined]
        with pytest.raises(DBAPIError) as error:
            async with databases.source() as source:
                await source.execute(text("select cast(:hash as text), 1 / 0"), {"hash": "$argon2id$"})
        assert "argon2id" not in str(error.value)

    run(scenario)


def test_the_document_shows_how_to_sign_in(settings: Settings, run: Runner) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        [scheme] = document["components"]["securitySchemes"].values()
        assert scheme["flows"]["password"]["tokenUrl"] == "auth/token"
        assert scheme["flows"]["password"]["scopes"].keys() == {"tasks:read", "tasks:write"}
        post = document["paths"]["/auth/token"]["post"]
        assert post["responses"].keys() == {"200", "400", "401", "413", "415", "422", "429", "503"}
        assert "Retry-After" in post["responses"]["429"]["headers"]
        assert post["requestBody"]["content"].keys() == {"application/x-www-form-urlencoded"}
        assert document["paths"]["/who/writes"]["get"]["security"] == [
            {"OAuth2PasswordBearer": ["tasks:read", "tasks:write"]}
        ]
        assert "FieldProblem" in json.dumps(document["components"]["schemas"]["Problem"])

    run(scenario)


def test_without_tasks_there_are_no_accounts(api: Api) -> None:
    assert httpx.post(f"{api.url}/auth/token", data={"username": "a", "password": "b"}).status_code == 404
