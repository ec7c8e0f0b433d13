"""Which tokens open a route."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from stack.settings import Settings
from tests.accounts import KEY, Runner, add_account, bearer, problem, signed_in_as, task_settings

Change = Callable[[dict[str, Any]], None]


async def refused(client: httpx.AsyncClient, token: str, words: str = "the token is not valid") -> None:
    """Fails if the token opens a route, or is refused for another reason."""
    answer = await client.get("/who/reads", headers=bearer(token))
    assert words in problem(answer, 401)["detail"]
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


async def opens(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get("/who/reads", headers=bearer(token))
    assert answer.status_code == 200, answer.text


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_without_a_token_the_routes_are_closed(run: Runner) -> None:
    async def scenario(client: httpx.AsyncClient) -> None:
        for head in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}):
            answer = await client.get("/who/reads", headers=head)
            assert "POST /auth/token" in problem(answer, 401)["detail"]
            assert answer.headers["www-authenticate"] == "Bearer"

    run(scenario)


def test_a_token_that_was_changed_anywhere_opens_nothing(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        token = await signed_in_as(client, name)
        await opens(client, token)
        head, body, signature = token.split(".")
        other = part(claims_of(token) | {"sub": "1", "scope": "tasks:read tasks:write"})
        for changed in (
            f"{head}.{other}.{signature}",
            f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': '1'})}.{body}.{signature}",
            f"{head}.{body}.{part(bytes(32))}",
            f"{head}.{body}.",
            f"{head}.{body}",
            f"{head}.{body}.{signature}.{signature}",
            f"{head}.{body}.{signature[:-4]}",
            f"{token}{'a' * 3000}",
            "..",
            "é.é.é",
            f"{part(b'[' * 1200)}.{body}.{signature}",
            f"{part(b'9' * 1200)}.{body}.{signature}",
        ):
            answer = await client.get("/who/reads", headers=[(b"authorization", f"Bearer {changed}".encode())])
            assert problem(answer, 401)["detail"].startswith("the token is not valid"), changed

    run(scenario)


def test_no_other_algorithm_is_taken(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        claims = claims_of(await signed_in_as(client, name))
        await opens(client, jwt.encode(claims, KEY, "HS256"))
        for algorithm in ("none", "None", "NONE", "nOnE"):
            await refused(client, f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}.")
        for algorithm in ("HS384", "HS512"):
            await refused(client, jwt.encode(claims, KEY, algorithm))
        # the key as if it were an RSA public one, and the other way about: what is signed is HMAC, what is said is not
        for algorithm in ("RS256", "ES256", "PS256", "EdDSA"):
            signing_input = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}"
            mac = hmac.digest(KEY.encode(), signing_input.encode(), hashlib.sha256)
            await refused(client, f"{signing_input}.{part(mac)}")
        await refused(client, jwt.encode(claims, KEY + "!", "HS256"))
        await refused(client, jwt.encode(claims, "k" * 32, "HS256", {"jwk": {"kty": "oct", "k": part(b"k" * 32)}}))

    run(scenario)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exp": -1}, "the token has expired"),
        ({"nbf": 60}, "the token is not valid"),
        ({"iat": 60}, "the token is not valid"),
    ],
)
def test_a_token_is_good_in_its_time_alone(
    changes: dict[str, int], words: str, settings: Settings, name: str, run: Runner
) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        claims = claims_of(await signed_in_as(client, name))
        at = {claim: int(time.time()) + seconds for claim, seconds in changes.items()}
        await refused(client, jwt.encode(claims | at, KEY, "HS256"), words)

    run(scenario)


def test_a_token_lasts_as_long_as_is_set(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        claims = claims_of(await signed_in_as(client, name))
        assert claims["exp"] - claims["iat"] == 120
        assert claims["nbf"] == claims["iat"]

    run(scenario, token_minutes=2)


def test_a_token_of_another_issuer_or_for_another_service_opens_nothing(
    settings: Settings, name: str, run: Runner
) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        claims = claims_of(await signed_in_as(client, name))
        for claim in ("iss", "aud"):
            for value in ("another", "", None, ["another"], 1):
                await refused(client, signed(claims | {claim: value}))

    run(scenario)


def test_every_claim_is_needed_and_of_its_type(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)

    async def scenario(client: httpx.AsyncClient) -> None:
        claims = claims_of(await signed_in_as(client, name))
        assert claims.keys() == {
            "iss", "aud", "sub", "name", "scope", "iat", "nbf", "exp", "jti", "generation",
        }  # fmt: skip
        for claim in claims:
            less = {name: value for name, value in claims.items() if name != claim}
            await refused(client, f"{signed(less)}")
        for changed in ({"sub": "0" * 20}, {"sub": "-1"}, {"sub": "²"}, {"sub": 1}, {"scope": ["tasks:read"]},
                        {"generation": True}, {"generation": "1"}, {"name": 1}):  # fmt: skip
            await refused(client, signed(claims | changed))
        await refused(client, signed([claims]))
        answer = await client.get("/who/reads", headers=bearer(signed(claims | {"scope": "everything"})))
        problem(answer, 403)

    run(scenario)


def signed(claims: object) -> str:
    """A token of ours, whatever it holds."""
    signing_input = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    return f"{signing_input}.{part(hmac.digest(KEY.encode(), signing_input.encode(), hashlib.sha256))}"


def test_an_account_that_is_removed_or_may_less_or_has_a_new_password_keeps_no_token(
    settings: Settings, name: str, run: Runner
) -> None:
    others = [f"{name}-{what}" for what in ("password", "scopes", "removed")]
    for other in others:
        add_account(settings, other)

    async def scenario(client: httpx.AsyncClient) -> None:
        changed, lessened, removed = [await signed_in_as(client, other) for other in others]
        with psycopg.connect(task_settings(settings).source_dsn(), autocommit=True) as connection:
            for what, other in zip(
                ("generation = generation + 1", "scopes = '{tasks:read}'", "removed_at = now()"), others, strict=True
            ):
                connection.execute(f"update tasks.account set {what} where name = %s", (other,))
            await refused(client, changed, "the account has changed since")
            await refused(client, removed, "the account has changed since")
            await opens(client, lessened)
            problem(await client.get("/who/writes", headers=bearer(lessened)), 403)
            connection.execute("delete from tasks.account where name = %s", (others[2],))
            await refused(client, removed, "the account has changed since")

    run(scenario)


def test_a_key_that_is_new_voids_the_tokens_of_the_old(settings: Settings, name: str, run: Runner) -> None:
    add_account(settings, name)
    tokens: list[str] = []

    async def before(client: httpx.AsyncClient) -> None:
        tokens.append(await signed_in_as(client, name))

    async def after(client: httpx.AsyncClient) -> None:
        await refused(client, tokens[0])

    run(before)
    run(after, token_signing_key="another key, of more than the 32 bytes it has to have")
