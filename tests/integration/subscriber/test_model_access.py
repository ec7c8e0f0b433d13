"""A model server that lets in who has a token and a certificate, and has a certificate of a private authority."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import requests
import trustme

from tests.faults import FaultyApi
from tests.stream import flower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg

    from tests.stream import PipelineFile, SubscriberProcess, Topic

TOKEN = "a-token-nobody-may-see"
KEYS = """[model]
ca_file = "ca.pem"
client_certificate = "client.pem"
client_key = "client.key"
bearer_token = "${MODEL_TOKEN}"
"""


@pytest.fixture
def closed_api(api: str, tmp_path: Path) -> Iterator[FaultyApi]:
    """The model API behind TLS, a token and a client certificate; what a client needs is beside the pipeline file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("subscriber.example")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    issued.private_key_pem.write_to_path(tmp_path / "client.key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with FaultyApi(api, context) as proxy:
        proxy.token = TOKEN
        yield proxy


@pytest.fixture
def let_in(pipeline: PipelineFile, closed_api: FaultyApi) -> PipelineFile:
    """The test's pipeline at this server, with all that it wants."""
    pipeline.use(closed_api.address)
    pipeline.replace("[model]\n", KEYS)
    return pipeline


def test_rows_are_predicted_once_and_nobody_sees_the_token(
    let_in: PipelineFile, topic: Topic, target: psycopg.Connection, subscribe: Callable[..., SubscriberProcess]
) -> None:
    topic.write(flower(i) for i in range(200))

    subscriber = subscribe(MODEL_TOKEN=TOKEN)

    let_in.wait_for(target, 200)
    seen = [requests.get(f"{subscriber.address}{path}", timeout=5).text for path in ("/health/ready", "/metrics")]
    assert subscriber.stop() == 0
    let_in.assert_exactly_once(target, range(200))
    assert not any(TOKEN in text for text in (*seen, subscriber.log.read_text()))


@pytest.mark.parametrize(
    ("line", "instead", "token", "said"),
    [
        ("", "", "another-token", "401: not known: Bearer …"),
        ('bearer_token = "${MODEL_TOKEN}"\n', "", "", "check model.bearer_token or model.headers"),
        ('ca_file = "ca.pem"\n', "", TOKEN, "model.ca_file names the file of its authority"),
        ('"ca.pem"', '"none.pem"', TOKEN, "model.ca_file: {folder}/none.pem: No such file or directory"),
        ("https://localhost", "https://127.0.0.1", TOKEN, "model.url must name the host as its certificate does"),
    ],
)
def test_who_is_not_let_in_stops_and_says_which_key_to_change(
    line: str,
    instead: str,
    token: str,
    said: str,
    let_in: PipelineFile,
    subscribe: Callable[..., SubscriberProcess],
) -> None:
    let_in.replace(line, instead)

    subscriber = subscribe(MODEL_TOKEN=token, REQUESTS_CA_BUNDLE="", CURL_CA_BUNDLE="")

    assert subscriber.wait() == 2
    log = subscriber.log.read_text()
    assert said.format(folder=let_in.path.parent) in log.splitlines()[-1]
    assert not token or token not in log
    assert "Traceback" not in log
