"""The words of a refusal: a problem of RFC 9457, or whatever else was answered."""

from http import HTTPStatus
from typing import Any

import httpx

SHOWN_CHARACTERS = 300


def words(response: httpx.Response) -> str:
    """One line: the status, what is wrong, and each field that is."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return f"{response.status_code} {one_line(response.text) or phrase(response.status_code)}"
    fields = [_field(each) for each in body.get("errors") or () if isinstance(each, dict)]
    detail = body.get("detail") or body.get("title") or body.get("error") or phrase(response.status_code)
    said = one_line("; ".join(fields) or str(detail))
    return f"{response.status_code} {said}"


def one_line(text: str) -> str:
    """The text without line ends and without what a terminal would take for a command, long texts cut off."""
    line = " ".join(text.split())
    shown = "".join(character if character.isprintable() else "?" for character in line)
    return shown if len(shown) <= SHOWN_CHARACTERS else f"{shown[:SHOWN_CHARACTERS]}…"


def phrase(status: int) -> str:
    """What HTTP calls the status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an unknown status"


def _field(error: dict[str, Any]) -> str:
    return f"{error.get('field', '?')}: {error.get('problem', 'is wrong')}"
