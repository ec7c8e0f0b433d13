"""Kafka Connect's REST interface; what passes by itself is waited for here."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

import requests

from connectors.deadline import Deadline
from connectors.definition import Definition
from connectors.errors import ConnectError
from connectors.status import Status

# Checking a definition makes Kafka Connect log in to its database, which may take it a minute to give up.
TIMEOUT_SECONDS = (5, 90)


class Connect:
    """A worker at `url`. Each call waits, up to the deadline, while the worker boots or its group rebalances.

    Every method raises ConnectError when that takes too long, or when the worker refuses.
    """

    def __init__(self, url: str, deadline: Deadline, say: Callable[[str], None]) -> None:
        self._url = url.rstrip("/")
        self._deadline = deadline
        self._say = say
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def field_errors(self, definition: Definition) -> list[str]:
        """What the worker finds wrong with a definition, a line a field."""
        config = {"name": definition.name, **definition.config}
        path = f"/connector-plugins/{quote(definition.plugin, safe='')}/config/validate"
        fields = self._call("PUT", path, config)["configs"]
        return [
            f"{field['value']['name']}: {' '.join(error.split())}"
            for field in fields
            for error in field["value"]["errors"]
        ]

    def config(self, name: str) -> dict[str, str] | None:
        """What is registered under this name, or None."""
        config: dict[str, str] | None = self._call("GET", f"/connectors/{quote(name, safe='')}/config", missing=True)
        return config

    def put(self, definition: Definition) -> None:
        """Register a definition, or replace what is registered under its name."""
        self._call("PUT", f"/connectors/{quote(definition.name, safe='')}/config", dict(definition.config))

    def status(self, name: str) -> Status | None:
        """States of a connector and its tasks; None while the worker knows of none."""
        content = self._call("GET", f"/connectors/{quote(name, safe='')}/status", missing=True)
        return Status.from_json(content) if content is not None else None

    def offset(self, name: str) -> dict[str, Any] | None:
        """How far a source connector of one source has come, in its own words; None before it has stored that."""
        content = self._call("GET", f"/connectors/{quote(name, safe='')}/offsets", missing=True)
        offsets = content["offsets"] if content is not None else []
        return dict(offsets[0]["offset"]) if offsets else None

    def topics(self, name: str) -> set[str]:
        """The topics that a connector has written to since it was registered."""
        content = self._call("GET", f"/connectors/{quote(name, safe='')}/topics", missing=True)
        return set(content[name]["topics"]) if content is not None else set()

    def restart_failed(self, name: str) -> None:
        """Start the failed parts of a connector anew."""
        self._call("POST", f"/connectors/{quote(name, safe='')}/restart?includeTasks=true&onlyFailed=true")

    def put_stopped(self, definition: Definition) -> None:
        """Register a definition that is not registered, and run nothing."""
        content = {"name": definition.name, "config": dict(definition.config), "initial_state": "STOPPED"}
        self._call("POST", "/connectors", content)

    def stop(self, name: str) -> None:
        """End a connector's tasks and keep its definition."""
        self._call("PUT", f"/connectors/{quote(name, safe='')}/stop")

    def forget_offsets(self, name: str) -> None:
        """Delete how far a stopped connector has come."""
        self._call("DELETE", f"/connectors/{quote(name, safe='')}/offsets")

    def delete(self, name: str) -> None:
        self._call("DELETE", f"/connectors/{quote(name, safe='')}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, *, missing: bool = False) -> Any:
        said = False
        while True:
            try:
                answer = self._session.request(method, self._url + path, json=body, timeout=TIMEOUT_SECONDS)
                reason = passing_reason(answer.status_code, answer.text)
            except (requests.ConnectionError, requests.Timeout):
                answer, reason = None, "does not answer"
            except requests.RequestException as error:
                raise ConnectError(f"CONNECT_URL {self._url}: {error}") from error
            if reason is None and answer is not None:
                return _content(answer, missing=missing)
            if not said:
                self._say(f"waiting for Kafka Connect at {self._url}: it {reason}")
                said = True
            if not self._deadline.pause():
                raise ConnectError(
                    f"Kafka Connect at {self._url} {reason} after {self._deadline.seconds:g} s: is it up, and is "
                    f"CONNECT_URL right?"
                )


def passing_reason(status: int, text: str) -> str | None:
    """Why an answer is worth another try, or None when it is final."""
    if status == HTTPStatus.CONFLICT:
        return "rebalances its work"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "is still starting"
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and ("timed out" in text or "starting up" in text):
        return "is too busy to answer"
    return None


def _content(answer: requests.Response, *, missing: bool) -> Any:
    if answer.status_code == HTTPStatus.NOT_FOUND and missing:
        return None
    try:
        content = answer.json() if answer.content else None
    except requests.JSONDecodeError as error:
        raise ConnectError(f"{answer.url} does not speak as Kafka Connect does: is CONNECT_URL right?") from error
    if not answer.ok:
        message = content.get("message") if isinstance(content, dict) else None
        raise ConnectError(f"Kafka Connect refuses ({answer.status_code}): {' '.join(str(message).split())}")
    return content
