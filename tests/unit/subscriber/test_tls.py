"""A model server over TLS: who is trusted, who is not, and which key of the pipeline file says so."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from subscriber.errors import SubscriberError, Transient, WrongSetting
from subscriber.inference import InferenceClient
from tests.unit.subscriber.material import pipeline
from tests.unit.subscriber.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = [SimpleNamespace(key=0, timestamp="", f0=0.5, f1=1.5)]


@dataclass
class Files:
    """Two authorities, and for each a client's certificate with its key."""

    ca: Path
    other_ca: Path
    client: dict[str, Any]
    other_client: dict[str, Any]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    other = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    other.cert_pem.write_to_path(folder / "other-ca.pem")
    pairs = []
    for name, issuer in (("client", authority), ("other", other)):
        issued = issuer.issue_cert(f"{name}.example")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        pairs.append({"client_certificate": folder / f"{name}.pem", "client_key": folder / f"{name}.key"})
    return Files(folder / "ca.pem", folder / "other-ca.pem", *pairs)


def serving(authority: trustme.CA, *, wants_certificate: bool, version: ssl.TLSVersion) -> Iterator[ModelServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    authority.issue_cert("localhost").configure_cert(context)
    if wants_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    with ModelServer(context) as server:
        server.answers({"name": "m", "outputs": []})
        yield server


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[ModelServer]:
    """A server with a certificate for localhost."""
    yield from serving(authority, wants_certificate=False, version=ssl.TLSVersion.TLSv1_3)


@pytest.fixture(scope="module", params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
def closed_server(authority: trustme.CA, request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    """A server that lets in who has a certificate of the authority."""
    yield from serving(authority, wants_certificate=True, version=request.param)


def client(server: ModelServer, host: str = "localhost", **model: Any) -> InferenceClient:
    return InferenceClient(pipeline(url=f"https://{host}:{server.port}/v2/models/m", **model))


def refusal(asking: InferenceClient) -> str:
    with pytest.raises(WrongSetting) as raised:
        asking.check()
    return str(raised.value)


def test_a_server_of_the_authority_is_trusted(server: ModelServer, files: Files) -> None:
    assert client(server, ca_file=files.ca).check().name == "m"


def test_the_file_counts_and_not_the_environment(
    server: ModelServer, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files.other_ca))
    assert client(server, ca_file=files.ca).check().name == "m"

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files.ca))
    assert client(server).check().name == "m"


def test_a_server_of_another_authority_is_not(server: ModelServer, files: Files) -> None:
    said = refusal(client(server, ca_file=files.other_ca))

    assert (
        f"is not trusted (unable to get local issuer certificate): is its authority in model.ca_file, {files.other_ca}?"
        in said
    )


def test_a_private_authority_is_not_trusted_by_itself(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)

    said = refusal(client(server))

    assert "model.ca_file names the file of its authority" in said


def test_a_server_of_another_name_is_not_trusted(server: ModelServer, files: Files) -> None:
    said = refusal(client(server, "127.0.0.1", ca_file=files.ca))

    assert "IP address mismatch, certificate is not valid for '127.0.0.1': model.url must name the host" in said


def test_who_has_a_certificate_is_let_in(closed_server: ModelServer, files: Files) -> None:
    asking = client(closed_server, ca_file=files.ca, **files.client)

    assert asking.check().name == "m"


def until_judged(asking: InferenceClient) -> SubscriberError:
    """The first error that is not a broken connection: a server may close it before its reason is read."""
    for _ in range(20):
        try:
            asking.check()
        except Transient as error:
            last: SubscriberError = error
        except WrongSetting as error:
            return error
    return last


def test_who_has_none_is_told_to_get_one(closed_server: ModelServer, files: Files) -> None:
    said = str(until_judged(client(closed_server, ca_file=files.ca)))

    assert "want a client certificate: model.client_certificate" in said or (
        "wants a client certificate: model.client_certificate and model.client_key name one" in said
    )


def test_a_certificate_of_another_authority_does_not_help(closed_server: ModelServer, files: Files) -> None:
    said = str(until_judged(client(closed_server, ca_file=files.ca, **files.other_client)))

    assert "the server refuses the client certificate" in said
    assert str(files.other_client["client_certificate"]) in said


def test_a_server_without_tls_is_told_so() -> None:
    with ModelServer() as server:
        assert "does not speak TLS: should model.url begin with http://?" in refusal(client(server))


def test_a_file_that_goes_is_waited_for(server: ModelServer, files: Files, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(files.ca.read_bytes())
    asking = client(server, ca_file=path)
    path.unlink()
    with pytest.raises(Transient, match=str(path)):
        asking.check()

    path.write_bytes(files.ca.read_bytes())

    assert asking.check().name == "m"
