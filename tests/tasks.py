"""Tasks as somebody with an account has them done."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx

from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

ENDED = ("done", "failed", "cancelled")
FLOWER = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


class Person:
    """Somebody with an account, signed in."""

    def __init__(self, url: str, name: str, password: str, scope: str | None = None) -> None:
        self.name, self.password = name, password
        self.http = httpx.Client(base_url=url, timeout=60)
        form = {"username": name, "password": password, "grant_type": "password"} | ({"scope": scope} if scope else {})
        signed_in = self.http.post("/auth/token", data=form)
        assert signed_in.status_code == 200, signed_in.text
        self.token = signed_in.json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def send_rows(self, rows: list[Any], model: str = "iris", key: str | None = None, **fields: Any) -> httpx.Response:
        """Send rows as JSON."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post("/tasks", json={"model": model, "rows": rows, **fields}, headers=headers)

    def send_file(
        self, content: bytes, name: str = "rows.csv", model: str = "iris", key: str | None = None, **fields: str
    ) -> httpx.Response:
        """Send a file."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(
            "/tasks", data={"model": model, **fields}, files={"file": (name, content)}, headers=headers
        )

    def made(self, answer: httpx.Response) -> str:
        """The id of the task that was made."""
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def ended(self, task_id: str, seconds: float = 60) -> dict[str, Any]:
        """The task, once it has ended."""
        wait_until(f"the end of task {task_id}", lambda: self.task(task_id)["status"] in ENDED, seconds)
        return self.task(task_id)

    def result(self, task_id: str, accept: str = "application/json", **query: str) -> httpx.Response:
        return self.http.get(f"/tasks/{task_id}/result", headers={"Accept": accept}, params=query)

    def rows(self, task_id: str) -> list[dict[str, Any]]:
        """The whole result."""
        answer = self.result(task_id)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()
        return rows


def flowers(count: int) -> list[dict[str, float]]:
    """So many rows for the iris model, of all three classes."""
    return [
        {**FLOWER, "petal_length": 1.0 + (number % 60) / 10, "petal_width": 0.1 + (number % 25) / 10}
        for number in range(count)
    ]


def csv(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as a file of CSV."""
    lines: list[str] = []
    for row in rows:
        if not lines:
            lines.append(",".join(row))
        lines.append(",".join(map(str, row.values())))
    return ("\n".join(lines) + "\n").encode()


def ndjson(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def seconds_of(action: Any) -> float:
    """How long a call takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
