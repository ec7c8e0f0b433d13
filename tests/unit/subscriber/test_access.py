"""How a pipeline file says that we are let in: what it may say, what is sent, and what is never shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from subscriber.access import in_the_clear
from subscriber.errors import WrongSetting
from subscriber.inference import InferenceClient
from subscriber.pipeline_file import load_pipeline
from tests.unit.subscriber.material import pipeline
from tests.unit.subscriber.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a-token-nobody-may-see"
TEXT = """
name = "flowers"
topic = "source-flowers"
group = "flowers-group"

[model]
url = "https://model:8000/v2/models/flowers"
# more

[[features]]
column = "width"

[target]
table = "prediction"

[target.outputs]
class = "class"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The pipeline file's folder: an authority, a certificate of it with its key, and files that are neither."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name in ("client", "other"):
        issued = authority.issue_cert(f"{name}.example")
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    key = serialization.load_pem_private_key((tmp_path / "client.key").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    )
    (tmp_path / "locked.key").write_bytes(locked)
    (tmp_path / "words.pem").write_text("no certificate")
    return tmp_path


def written(folder: Path, more: str) -> Path:
    path = folder / "flowers.toml"
    path.write_text(TEXT.replace("# more", more))
    return path


def mistakes(path: Path) -> list[str]:
    with pytest.raises(WrongSetting) as raised:
        load_pipeline(path)
    assert TOKEN not in str(raised.value)
    assert TOKEN not in repr(raised.value.__cause__)
    assert TOKEN not in str(raised.value.__cause__)
    where = re.compile(rf"{re.escape(str(path))}(:\d+)?: ")
    return [where.sub("", line, count=1) for line in str(raised.value).splitlines()]


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def server(lasting_server: ModelServer) -> ModelServer:
    lasting_server.answers({"name": "m"})
    lasting_server.headers_seen.clear()
    return lasting_server


def client(server: ModelServer, **model: Any) -> InferenceClient:
    return InferenceClient(pipeline(url=f"{server.address}/v2/models/m", **model))


# ---- the file


def test_files_are_found_beside_the_pipeline_file(folder: Path) -> None:
    more = 'ca_file = "ca.pem"\nclient_certificate = "client.pem"\nclient_key = "client.key"'

    model = load_pipeline(written(folder, more)).model

    assert model.ca_file == folder / "ca.pem"
    assert (model.client_certificate, model.client_key) == (folder / "client.pem", folder / "client.key")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('ca_file = "none.pem"', "model.ca_file: {folder}/none.pem: No such file or directory"),
        ('ca_file = "."', "model.ca_file: {folder}: Is a directory"),
        ('ca_file = "words.pem"', "model.ca_file: {folder}/words.pem: holds no certificate in PEM"),
        ('ca_file = "client.key"', "model.ca_file: {folder}/client.key: holds no certificate in PEM"),
        ("ca_file = 1", "model.ca_file: input is not a valid path"),
        (
            'client_certificate = "client.pem"',
            "model.client_key: model.client_certificate and model.client_key are set",
        ),
        (
            'client_key = "client.key"',
            "model.client_key: model.client_certificate and model.client_key are set together",
        ),
        (
            'client_certificate = "none.pem"\nclient_key = "client.key"',
            "model.client_certificate: {folder}/none.pem: No such file or directory",
        ),
        (
            'client_certificate = "client.pem"\nclient_key = "other.key"',
            "model.client_key: {folder}/other.key: not the private key, in PEM, of {folder}/client.pem",
        ),
        (
            'client_certificate = "words.pem"\nclient_key = "client.key"',
            "model.client_key: {folder}/client.key: not the private key, in PEM, of {folder}/words.pem",
        ),
        (
            'client_certificate = "client.pem"\nclient_key = "locked.key"',
            "model.client_key: {folder}/locked.key: has a passphrase; store it without",
        ),
        (f'bearer_token = "{TOKEN}\\n"', "model.bearer_token: must be text of printable ASCII"),
        ('bearer_token = ""', "model.bearer_token: must be text"),
        ("bearer_token = 4711", "model.bearer_token: must be text"),
        (f'headers = "{TOKEN}"', "model.headers: must be a table of strings"),
        (f'headers = {{X-Key = ["{TOKEN}"]}}', "model.headers: X-Key must be text"),
        (f'headers = {{X-Key = "{TOKEN}\\r\\nX-Other: 1"}}', "model.headers: X-Key must be text"),
        (f'headers = {{X-Key = "{TOKEN} "}}', "model.headers: X-Key must be text"),
        (f'headers = {{X-Key = "{TOKEN}é"}}', "model.headers: X-Key must be text"),
        (f'headers = {{"X Key" = "{TOKEN}"}}', "model.headers: 'X Key' cannot be the name of a header"),
        (f'headers = {{"X-Key\\n" = "{TOKEN}"}}', "model.headers: 'X-Key\\n' cannot be the name of a header"),
        (f'headers = {{X-Key = "{TOKEN}", x-key = "b"}}', "model.headers: x-key is given twice"),
        (f'headers = {{content-type = "{TOKEN}"}}', "model.headers: content-type is set by the subscriber"),
        (f'headers = {{Content-Length = "{TOKEN}"}}', "model.headers: Content-Length is set by the subscriber"),
        (
            f'bearer_token = "{TOKEN}"\nheaders = {{authorization = "Basic {TOKEN}"}}',
            "model.bearer_token: model.headers has Authorization already",
        ),
    ],
)
def test_a_mistake_is_told_with_its_key_and_without_secrets(folder: Path, more: str, said: str) -> None:
    wrong = mistakes(written(folder, more))

    assert len(wrong) == 1
    assert wrong[0].startswith(said.format(folder=folder)), wrong


def test_files_for_tls_are_of_no_use_without(folder: Path) -> None:
    path = written(folder, 'ca_file = "ca.pem"')
    path.write_text(path.read_text().replace("https:", "http:"))

    assert mistakes(path) == ["model.ca_file: of no use while model.url begins with http:// (got 'ca.pem')"]


def test_a_password_in_the_address_is_refused(folder: Path) -> None:
    path = written(folder, "")
    path.write_text(path.read_text().replace("https://model", f"https://me:{TOKEN}@model"))

    (wrong,) = mistakes(path)

    assert wrong.startswith("model.url: may not hold a user or password")


def test_secrets_come_from_the_environment_and_are_not_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_TOKEN", TOKEN)

    described = load_pipeline(written(folder, 'bearer_token = "${MODEL_TOKEN}"\nheaders = {X-Key = "${MODEL_TOKEN}"}'))

    assert described.model.bearer_token is not None
    assert described.model.bearer_token.get_secret_value() == TOKEN
    assert described.model.headers["X-Key"].get_secret_value() == TOKEN
    shown = (
        repr(described),
        str(described),
        described.model_dump_json(),
        json.dumps(described.model_dump(mode="json")),
    )
    assert not any(TOKEN in text for text in shown)


# ---- the requests


def test_headers_and_token_are_sent_with_each_request(server: ModelServer) -> None:
    asking = client(server, headers={"X-Tenant": "blue", "Host": "flowers.example.org"}, bearer_token=TOKEN)

    asking.check()
    asking.check()

    assert len(server.headers_seen) == 2
    for seen in server.headers_seen:
        assert seen["Authorization"] == f"Bearer {TOKEN}"
        assert (seen["X-Tenant"], seen["Host"]) == ("blue", "flowers.example.org")
        assert seen["Content-Type"] == "application/json"


def test_nothing_is_sent_that_is_not_asked_for(server: ModelServer) -> None:
    client(server).check()

    assert "Authorization" not in server.headers_seen[0]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_the_keys_and_not_the_token(server: ModelServer, status: int) -> None:
    server.answers({"error": f"{TOKEN} will not do"}, status)

    with pytest.raises(WrongSetting) as raised:
        client(server, bearer_token=TOKEN).check()

    assert f"answers {status}: … will not do" in str(raised.value)
    assert "check model.bearer_token or model.headers" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "login", "expected"),
    [
        ("http://model:8000/v2", True, True),
        ("http://192.0.2.1/v2", True, True),
        ("http://model.localhost.example.org/v2", True, True),
        ("http://model:8000/v2", False, False),
        ("https://model:8000/v2", True, False),
        ("http://localhost:8000/v2", True, False),
        ("http://127.0.0.2:8000/v2", True, False),
        ("http://[::1]:8000/v2", True, False),
    ],
)
def test_a_login_in_the_clear_is_noticed(url: str, login: bool, expected: bool) -> None:
    token = pipeline(bearer_token="t").model.bearer_token
    headers = pipeline(headers={"authorization": "Basic t"}).model.headers

    assert in_the_clear(url, token if login else None, {}) == expected
    assert in_the_clear(url, None, headers if login else {}) == expected


def test_a_login_in_the_clear_is_logged_without_it() -> None:
    with capture_logs() as logs:
        InferenceClient(pipeline(url="http://model/v2/models/m", bearer_token=TOKEN))
        InferenceClient(pipeline(url="https://model/v2/models/m", bearer_token=TOKEN))

    (logged,) = logs
    assert (logged["log_level"], logged["model"]) == ("warning", "http://model/v2/models/m")
    assert TOKEN not in repr(logs)
