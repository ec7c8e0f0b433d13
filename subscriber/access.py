"""How a model server lets us in and why we trust it: headers, tokens and certificates, as types of the pipeline file.

What may be a secret is never in a message: an error of the kind UNSHOWN is told without the value.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNSHOWN: Final = "unshown"
# RFC 9110, 5.6.2 and 5.5; values without what HTTP clients and servers encode in different ways
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
# what a request with a JSON body says by itself
_OURS: Final = {"content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "expect"}


def refused(problem: str) -> PydanticCustomError:
    """An error that is told without the value."""
    return PydanticCustomError(UNSHOWN, "{problem}", {"problem": problem})


def _as_token(value: Any) -> SecretStr:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise refused("must be text of printable ASCII, not empty, without spaces or line breaks")
    return SecretStr(value)


def _as_headers(value: Any) -> dict[str, SecretStr]:
    if not isinstance(value, dict):
        raise refused('must be a table of strings, such as {X-Api-Key = "${API_KEY}"}')
    headers: dict[str, SecretStr] = {}
    for name, content in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise refused(f"{name!r} cannot be the name of a header")
        if name.lower() in _OURS:
            raise refused(f"{name} is set by the subscriber; leave it out")
        if name.lower() in map(str.lower, headers):
            raise refused(f"{name} is given twice")
        if isinstance(content, SecretStr):
            content = content.get_secret_value()  # noqa: PLW2901
        if not isinstance(content, str) or not _VALUE.fullmatch(content):
            raise refused(f"{name} must be text of printable ASCII, not empty, without line breaks or spaces around it")
        headers[name] = SecretStr(content)
    return headers


def _readable(path: Path, info: ValidationInfo) -> Path:
    """The file's path, from the folder in the context if it is relative."""
    folder = (info.context or {}).get("folder")
    path = folder / path if folder else path
    try:
        path.read_bytes()
    except OSError as error:
        raise PydanticCustomError(
            "no_file", "{path}: {reason}", {"path": str(path), "reason": error.strerror}
        ) from error
    return path


def _authorities(path: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise PydanticCustomError("no_pem", "{path}: holds no certificate in PEM", {"path": str(path)}) from error
    return path


Token = Annotated[SecretStr, BeforeValidator(_as_token)]
Headers = Annotated[dict[str, SecretStr], BeforeValidator(_as_headers)]
File = Annotated[Path, AfterValidator(_readable)]
Authorities = Annotated[File, AfterValidator(_authorities)]


def check_pair(certificate: Path, key: Path) -> None:
    """Look whether the key is the certificate's.

    Raises:
        PydanticCustomError: it is not, it has a passphrase, or one of the files is not PEM.
    """

    def asked() -> str:
        raise PydanticCustomError("passphrase", "{path}: has a passphrase; store it without", {"path": str(key)})

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=asked)
    except ssl.SSLError as error:
        raise PydanticCustomError(
            "no_pair",
            "{path}: not the private key, in PEM, of {certificate}",
            {"path": str(key), "certificate": str(certificate)},
        ) from error


def in_the_clear(url: str, token: SecretStr | None, headers: Mapping[str, SecretStr]) -> bool:
    """Whether a login goes over the network unencrypted."""
    parts = urlsplit(url)
    if parts.scheme != "http" or (token is None and "authorization" not in map(str.lower, headers)):
        return False
    host = parts.hostname or ""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")
