"""The one place that speaks to the model API: statuses and exceptions become ours here."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import requests

from data_generator.errors import ApiLostError, ImageRefusedError, SettingError
from data_generator.images.source import DigitImage
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
SHOWN_CHARACTERS = 200


@dataclass(frozen=True)
class Answer:
    """What the API says an image shows."""

    prediction_id: str
    predicted_class: int

    def object_key(self, image: DigitImage) -> str:
        """Where the archive keeps the image that was answered so."""
        return f"class_{self.predicted_class:02d}/{self.prediction_id}{image.format.extension}"


class ModelApi:
    """Keeps one connection.

    Every method raises ApiLostError while nobody answers, or only to say that it cannot now, ImageRefusedError for any
    other answer than those it tells of, and SettingError if nothing can be sent to this address.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._url = str(settings.api_url).rstrip("/")
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def classify(self, image: DigitImage) -> Answer:
        """Ask what an image shows.

        Raises:
            SettingError: this is no model API with images.
        """
        name = f"digit{image.format.extension}"
        response = self._ask("POST", "/images", files={"file": (name, image.data, image.format.content_type)})
        if response.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            raise SettingError(f"API_URL: {self._url} answers, but has no POST /images; it must be the model API")
        answer = _json(_accepted(response))
        try:
            return Answer(str(answer["prediction_id"]), int(str(answer["predicted_class"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ImageRefusedError(
                f"an answer without prediction_id and predicted_class: {_shown(response)}"
            ) from error

    def label(self, prediction_id: str, meant: int) -> bool:
        """Tell what an answered image shows in truth; False while the API does not know the answer yet."""
        response = self._ask("PUT", f"/images/{prediction_id}/label", json={"label": meant})
        return response.status_code != HTTPStatus.NOT_FOUND and bool(_accepted(response))

    def archived(self, prediction_id: str) -> bool:
        """Whether an answered image can be had from the archive."""
        response = self._ask("GET", f"/images/{prediction_id}")
        return response.status_code != HTTPStatus.NOT_FOUND and bool(_accepted(response))

    def _ask(
        self,
        method: str,
        path: str,
        *,
        files: dict[str, tuple[str, bytes, str]] | None = None,
        json: dict[str, int] | None = None,
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
            raise ApiLostError(f"{self._url} answers {_shown(response)}")
        return response


def _accepted(response: requests.Response) -> requests.Response:
    """A response that is an answer.

    Raises:
        ImageRefusedError: it is none.
    """
    if not HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        raise ImageRefusedError(_shown(response))
    return response


def _json(response: requests.Response) -> dict[str, object]:
    try:
        answer = response.json()
    except requests.JSONDecodeError as error:
        raise ImageRefusedError(f"an answer that is no JSON: {_shown(response)}") from error
    return answer if isinstance(answer, dict) else {}


def _shown(response: requests.Response) -> str:
    return f"{response.status_code}: {' '.join(response.text.split())[:SHOWN_CHARACTERS]}"
