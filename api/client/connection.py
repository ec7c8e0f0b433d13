"""The one place that speaks HTTP: statuses and exceptions become ours here."""

import random
import time
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, Self

import httpx

from api.client.credentials import Asker
from api.client.errors import AwayError, RefusedError, SignInError, UnreachedError, UsageError
from api.client.patience import delay_seconds, retry_after_seconds
from api.client.problems import one_line, words
from api.client.settings import ClientSettings

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# before the API has answered once, its address may well be wrong
FIRST_PATIENCE_SECONDS = 5.0
# a shorter wait is not worth a word
TOLD_SECONDS = 1.0
PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}

Body = Callable[[], Mapping[str, Any]]
"""Makes the arguments of a request's body anew for each time that it is sent."""


class Connection:
    """Signs in when it must, and asks again while the API is away, for so many seconds in a row.

    Args:
        tell: hears a sentence whenever something is waited for.
    """

    def __init__(self, settings: ClientSettings, patience_seconds: float, tell: Callable[[str], None]) -> None:
        self._url = settings.api_url.rstrip("/")
        self._patience_seconds = patience_seconds
        self._tell = tell
        self._asker = Asker(settings)
        self._token = settings.task_client_token.get_secret_value() if settings.task_client_token else None
        self._answered = False
        try:
            self._http = httpx.Client(base_url=self._url, timeout=TIMEOUT, headers={"Accept": "application/json"})
        except httpx.InvalidURL as error:
            raise UsageError(f"API_URL (--url): {self._url}: {error}") from error
        if self._http.base_url.scheme not in {"http", "https"} or not self._http.base_url.host:
            raise UsageError(f"API_URL (--url): {self._url} is no http address, such as http://127.0.0.1:8000")
        # they would be sent in the token's place
        if self._http.base_url.userinfo:
            raise UsageError(
                "API_URL (--url): holds a user or a password: set TASK_CLIENT_USER and TASK_CLIENT_PASSWORD"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str | int | bool] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        read_seconds: float = 30.0,
        stream: bool = False,
        passing: Collection[int] = PASSING,
    ) -> httpx.Response:
        """The API's answer, of a status below 300.

        Args:
            path: below the API's address, or a whole URL.
            passing: the statuses that are worth asking again.
            stream: the answer's body is left to be read, and the answer to be closed.

        Raises:
            AwayError: nobody answered for as long as there was patience.
            RefusedError: the API refuses.
            UsageError: there is nobody to sign in as.
        """

        def once() -> httpx.Response:
            self.sign_in()
            response = self._send(method, path, parameters, headers, body, read_seconds)
            if response.status_code == HTTPStatus.UNAUTHORIZED and self._asker.can_tell:
                response.close()
                self._token = None
                self.sign_in()
                response = self._send(method, path, parameters, headers, body, read_seconds)
            return response

        response = self._insist(once, passing)
        if not stream:
            response.read()
        return response

    def sign_in(self) -> None:
        """Get a token, unless there is one.

        Raises:
            SignInError: the name or the password is wrong.
        """
        if self._token is not None:
            return
        credentials = self._asker.tell()
        form = {"grant_type": "password", "username": credentials.user, "password": credentials.password}
        try:
            response = self._insist(lambda: self._send("POST", "/auth/token", body=lambda: {"data": form}))
        except RefusedError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                message = f"user {one_line(credentials.user)} or the password is wrong (TASK_CLIENT_USER, …_PASSWORD)"
                raise SignInError(message, error.status) from error
            if error.status == HTTPStatus.NOT_FOUND:
                message = f"{self._url} answers, but knows no tasks: is it the API, and is TASKS_USER set there?"
                raise SignInError(message, error.status) from error
            raise
        response.read()
        self._token = str(response.json()["access_token"])

    def _insist(self, once: Callable[[], httpx.Response], passing: Collection[int] = PASSING) -> httpx.Response:
        failures, began = 0, time.monotonic()
        while True:
            try:
                return self._accepted(once(), passing)
            except UnreachedError:
                # a sign-in within was patient enough
                raise
            except AwayError as error:
                failures += 1
                delay = delay_seconds(failures, random.random(), error.retry_after_seconds)  # noqa: S311 (no secret)
                patience = self._patience_seconds if self._answered else FIRST_PATIENCE_SECONDS
                if time.monotonic() - began + delay > patience:
                    if self._answered:
                        raise
                    raise UnreachedError(
                        f"{error}: is it running, and is that its address (API_URL, --url)?"
                    ) from error
                if delay >= TOLD_SECONDS:
                    self._tell(f"{error}; trying again in {delay:.0f} s")
                time.sleep(delay)

    def _send(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str | int | bool] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        read_seconds: float = 30.0,
    ) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {self._token}"} if self._token is not None else {}
        timeout = httpx.Timeout(TIMEOUT.write, connect=TIMEOUT.connect, read=read_seconds)
        try:
            request = self._http.build_request(
                method,
                path,
                params=parameters,
                headers={**authorization, **(headers or {})},
                timeout=timeout,
                **(body() if body is not None else {}),
            )
            response = self._http.send(request, stream=True)
        except httpx.TimeoutException as error:
            raise AwayError(f"the API at {self._url} does not answer in time") from error
        except httpx.TransportError as error:
            reason = one_line(str(error)) or type(error).__name__
            raise AwayError(f"the API at {self._url} does not answer ({reason})") from error
        self._answered = True
        return response

    def _accepted(self, response: httpx.Response, passing: Collection[int]) -> httpx.Response:
        status = response.status_code
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return response
        if status < HTTPStatus.BAD_REQUEST:
            response.close()
            elsewhere = one_line(response.headers.get("Location", "another address"))
            raise RefusedError(f"the API is elsewhere: set API_URL (--url); {self._url} names {elsewhere}", status)
        try:
            response.read()
        except httpx.TransportError as error:
            raise AwayError(f"the API at {self._url} broke off while it answered {status}") from error
        finally:
            response.close()
        if status in passing:
            wait = retry_after_seconds(response.headers.get("Retry-After"))
            raise AwayError(f"the API cannot now: {words(response)}", wait)
        if status == HTTPStatus.UNAUTHORIZED and not self._asker.can_tell:
            raise SignInError(f"TASK_CLIENT_TOKEN is not good any more: {words(response)}", status)
        raise RefusedError(f"the API refuses: {words(response)}", status)
