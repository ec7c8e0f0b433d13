"""The one place that speaks to the model API: statuses and exceptions become ours here."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Self

import requests

from data_generator.errors import ApiLostError, RefusedError, SettingError
from data_generator.settings import ApiSettings

TIMEOUT_SECONDS = (5.0, 30.0)
"""To connect, and between two pieces of an answer."""
PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
SHOWN_CHARACTERS = 200


class ModelApi:
    """Keeps one connection; what is asked over it is in the classes that derive from it.

    Every method raises ApiLostError while nobody answers, or only to say that it cannot now, RefusedError for any other
    answer than those it tells of, and SettingError if nothing can be sent to this address.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._url = str(settings.api_url).rstrip("/")
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _post(
        self,
        path: str,
        *,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        json: Mapping[str, int | str] | None = None,
    ) -> requests.Response:
        """Ask for a prediction.

        Raises:
            SettingError: this is no model API with such a path.
        """
        response = self._ask("POST", path, files=files, json=json)
        if response.status_code in MISSING:
            raise SettingError(f"API_URL: {self._url} answers, but has no POST {path}; it must be the model API")
        return accepted(response)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        json: Mapping[str, int | str] | None = None,
    ) -> requests.Response:
        try:
            response = self._session.request(
                *(method, f"{self._url}{path}"), files=files, json=json, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.Timeout as error:
            raise ApiLostError(f"{self._url} does not answer within {TIMEOUT_SECONDS[1]:g} s") from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise ApiLostError(f"nobody answers at {self._url}, or the connection broke off") from error
        except requests.RequestException as error:
            raise SettingError(f"API_URL: {error}") from error
        if response.status_code in PASSING:
            raise ApiLostError(f"{self._url} answers {shown(response)}")
        return response


def accepted(response: requests.Response) -> requests.Response:
    """A response that is an answer.

    Raises:
        RefusedError: it is none.
    """
    if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        raise RefusedError(shown(response))
    return response


def fields(response: requests.Response) -> dict[str, object]:
    """The fields of an answer; none of one that is no JSON object.

    Raises:
        RefusedError: it is no JSON.
    """
    try:
        answer = response.json()
    except requests.JSONDecodeError as error:
        raise RefusedError(f"an answer that is no JSON: {shown(response)}") from error
    return answer if isinstance(answer, dict) else {}


def shown(response: requests.Response) -> str:
    """Status and text in one line, long texts cut off."""
    return f"{response.status_code}: {' '.join(response.text.split())[:SHOWN_CHARACTERS]}"
