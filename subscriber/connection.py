"""One kept HTTP connection to a model server; every failure leaves it as one of `subscriber.errors`."""

from __future__ import annotations

import email.utils
import socket
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
import requests
import structlog
from requests.adapters import HTTPAdapter
from urllib3.exceptions import IncompleteRead, LocationParseError

from subscriber.access import in_the_clear
from subscriber.errors import NOT_JSON, BatchRefused, ModelFailed, NotFound, TooSlow, Transient, WrongSetting
from subscriber.tls import failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subscriber.pipeline import Model

SECRET_LENGTH: Final = 8


class Connection:
    """Sends requests as `[model]` of the pipeline file says: its headers, token, certificates, time-out."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._session = _session(model)
        self._secrets = _secrets(model)
        self._prepared: tuple[str, str, requests.PreparedRequest] | None = None
        if in_the_clear(model.url, model.bearer_token, model.headers):
            structlog.get_logger().warning("the login goes to the model server unencrypted", model=model.url)

    def request(self, method: str, url: str, body: bytes | None = None, *, may_be_empty: bool = False) -> bytes:
        """The body of an answer with status 200: JSON, unless it `may_be_empty`.

        Raises:
            Transient: the server is away, busy, or the connection broke.
            TooSlow: it did not answer in time.
            BatchRefused, ModelFailed: it answers 400, 413, 422 or 500.
            NotFound: it answers 404.
            WrongSetting: nothing can be sent like this, or any other status.
        """
        try:
            response = self._send(method, url, body)
        except requests.ConnectTimeout as error:
            where = f"model API cannot be reached at {_origin(url)}"
            raise Transient(f"{where} within {self._model.timeout_seconds:g} s") from error
        except requests.Timeout as error:
            raise TooSlow(f"model API does not answer within {self._model.timeout_seconds:g} s") from error
        except requests.exceptions.SSLError as error:
            raise failure(str(error), url, self._model) from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise Transient(f"model API cannot be reached at {_origin(url)} ({reason(error)})") from error
        except requests.exceptions.ContentDecodingError as error:
            raise Transient("model API's answer broke off") from error
        except (requests.RequestException, LocationParseError) as error:
            # requests lets urllib3's own error pass for a host name that cannot be one
            raise WrongSetting(f"{url}: {error}") from error
        except OSError as error:
            # a certificate that was there when the pipeline file was read: requests looks for it at each connection
            raise Transient(str(error)) from error
        if response.status_code == requests.codes.internal_server_error:
            # some servers end the connection after a crash without saying so, and the next request would be lost
            self._session.close()
        _raise_for(response, url, self._secrets)
        if _broke_off(response) and not may_be_empty:
            raise Transient(f"model API cannot be reached at {_origin(url)} (its answer broke off)")
        return response.content

    def _send(self, method: str, url: str, body: bytes | None) -> requests.Response:
        """Send a request; one like the last but for its body is not prepared anew."""
        session = self._session
        # a server that hands out cookies gets back the newest
        last = self._prepared
        if last is None or last[:2] != (method, url) or session.cookies or "Cookie" in last[2].headers:
            request = requests.Request(method, url, headers={"Content-Type": "application/json"})
            last = self._prepared = method, url, session.prepare_request(request)
        prepared = last[2]
        prepared.prepare_body(body, None)
        return session.send(
            prepared, timeout=self._model.timeout_seconds, allow_redirects=False, proxies=session.proxies
        )


def reason(error: BaseException) -> str:
    """Why a server cannot be reached, in words that are the same each time."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "nobody listens there: is it started?"
        if isinstance(cause, socket.gaierror):
            return "the name of its host is not known"
        if isinstance(cause, IncompleteRead):
            return "its answer broke off"
        if isinstance(cause, ConnectionResetError | BrokenPipeError):
            return "the connection broke off"
        cause = _beneath(cause)
    return "the connection broke off" if "aborted" in str(error) else type(error).__name__


def _beneath(error: BaseException) -> BaseException | None:
    """What an error was made of; urllib3 keeps it in `reason`, requests as its argument."""
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    return inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def _broke_off(response: requests.Response) -> bool:
    """Whether an answer that says nowhere how long it is, because its headers were cut, ends before its JSON does.

    One that never was JSON is told from it: it does not get better by asking again.
    """
    told = {"content-length", "transfer-encoding"} & {name.lower() for name in response.headers}
    text = response.content.strip()
    return not told and (not text or (text.startswith(b"{") and not text.endswith(b"}")))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _raise_for(response: requests.Response, url: str, secrets: Sequence[str]) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    said = f"model API answers {status}: {_excerpt(response, secrets)}"
    if status in (408, 425, 429, 502, 503, 504):
        raise Transient(f"model API answers {status}", _retry_after(response.headers.get("Retry-After")))
    if status in (400, 413, 422):
        raise BatchRefused(said)
    if status == requests.codes.internal_server_error:
        raise ModelFailed(said)
    if status in (401, 403):
        raise WrongSetting(f"{said} ({url}): check model.bearer_token or model.headers in the pipeline file")
    wrong = NotFound if status == requests.codes.not_found else WrongSetting
    raise wrong(f"{said} ({url}): check model.url and model.version in the pipeline file")


def _excerpt(response: requests.Response, secrets: Sequence[str]) -> str:
    try:
        error = msgspec.json.decode(response.content, type=dict[str, Any]).get("error")
    except NOT_JSON:
        error = None
    text = error if isinstance(error, str) else response.text.strip()
    if text.startswith("Traceback (most recent call last)"):
        # of a server that shows where its model failed, the end says why
        text = text.splitlines()[-1]
    for secret in secrets:
        text = text.replace(secret, "…")
    return text[:500] or response.reason or "no explanation"


def _retry_after(header: str | None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date (RFC 9110, 10.2.3); None if it says neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _session(model: Model) -> requests.Session:
    """A session that looks at the environment (proxies, certificates) once, not at every request."""
    session = requests.Session()
    settings = session.merge_environment_settings(model.url, {}, None, None, None)
    session.proxies, session.verify, session.cert = settings["proxies"], settings["verify"], settings["cert"]
    session.trust_env = False
    if model.ca_file:
        session.verify = str(model.ca_file)
    if model.client_certificate and model.client_key:
        session.cert = str(model.client_certificate), str(model.client_key)
    session.headers.update({name: value.get_secret_value() for name, value in model.headers.items()})
    if model.bearer_token:
        session.headers["Authorization"] = f"Bearer {model.bearer_token.get_secret_value()}"
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _secrets(model: Model) -> list[str]:
    """What a server's words are cleared of; a short header is no secret, and would tear the words apart."""
    values = [*model.headers.values(), *([model.bearer_token] if model.bearer_token else [])]
    return [value for secret in values if len(value := secret.get_secret_value()) >= SECRET_LENGTH]
