"""Rows that name a version are asked of it; one that is not there, or does not fit, is the fault of those rows."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from subscriber.errors import BatchRefused, ModelFailed, NotFound, Transient, VersionUnfit, WrongSetting
from subscriber.versions import VERSIONS, VersionedClient
from tests.unit.subscriber.material import pipeline
from tests.unit.subscriber.model_server import Answer, ModelServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = [SimpleNamespace(f0=0.5, f1=1.5)]
INPUTS = ["width", "height"]


class Versions(ModelServer):
    """A server with versions, of which each has the usual inputs, outputs and status 200 unless told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] | None = ["1", "2", "a/b"]
        self.lists = True
        self.statuses: dict[str, int] = {}
        self.inputs_of: dict[str, list[str]] = {}
        self.outputs_of: dict[str, str] = {}

    def answer_to(self, body: Any) -> Answer:
        path = self.seen[-1][1]
        parts = path.removeprefix("/v2/models/m").split("/")
        version = parts[2].replace("%2F", "/") if len(parts) > 2 and parts[1] == "versions" else None
        if version is not None and version not in (self.names or []):
            return Answer(b'{"error": "no such version"}', 404)
        if version in self.statuses:
            return Answer(b'{"error": "because"}', self.statuses[version])
        if body is None:
            inputs = [{"name": n, "datatype": "FP64", "shape": [-1]} for n in self.inputs_of.get(version or "", INPUTS)]
            return _json({"name": "m", "versions": self.names if self.lists else None, "inputs": inputs})
        output = {"name": self.outputs_of.get(version or "", "class"), "datatype": "INT64", "shape": [1], "data": [7]}
        return _json({"model_version": version or "2", "outputs": [output]})


def _json(content: Any) -> Answer:
    return Answer(json.dumps(content).encode())


@pytest.fixture
def server() -> Iterator[Versions]:
    with Versions() as server:
        yield server


@pytest.fixture
def client(server: Versions) -> VersionedClient:
    return VersionedClient(pipeline(url=f"{server.address}/v2/models/m"))


@pytest.mark.parametrize("version", ["1", "a/b", None])
def test_the_version_that_is_named_answers(client: VersionedClient, version: str | None) -> None:
    assert client.predict(ROWS, version) == ([(7,)], version or "2")


def test_a_version_is_looked_at_once(server: Versions, client: VersionedClient) -> None:
    for _ in range(3):
        client.predict(ROWS, "1")

    assert [path for _, path, _ in server.seen] == [
        "/v2/models/m",
        "/v2/models/m/versions/1",
        *["/v2/models/m/versions/1/infer"] * 3,
    ]


@pytest.mark.parametrize("lists", [True, False])
def test_a_version_that_is_not_there_is_told_by_name(server: Versions, client: VersionedClient, lists: bool) -> None:
    server.lists = lists

    with pytest.raises(VersionUnfit, match="the model has no version '9'"):
        client.predict(ROWS, "9")


def test_a_version_that_goes_is_told_and_found_again(server: Versions, client: VersionedClient) -> None:
    client.predict(ROWS, "1")
    server.names = ["2"]
    with pytest.raises(VersionUnfit, match="no version '1'"):
        client.predict(ROWS, "1")
    server.names = ["1", "2"]

    assert client.predict(ROWS, "1") == ([(7,)], "1")


def test_a_model_that_is_not_there_is_a_wrong_setting_all_the_same(server: Versions) -> None:
    client = VersionedClient(pipeline(url=f"{server.address}/v2/models/m", version="8"))

    with pytest.raises(NotFound):
        client.predict(ROWS, "1")


@pytest.mark.parametrize("status", [400, 500])
def test_a_version_that_cannot_even_be_looked_at_is_unfit(
    server: Versions, client: VersionedClient, status: int
) -> None:
    server.statuses["1"] = status

    with pytest.raises(VersionUnfit, match=f"version '1' of the model cannot be asked: model API answers {status}"):
        client.predict(ROWS, "1")


@pytest.mark.parametrize(("status", "error"), [(400, BatchRefused), (500, ModelFailed), (503, Transient)])
def test_what_a_version_says_of_rows_is_as_of_any_model(
    server: Versions, client: VersionedClient, status: int, error: type[Exception]
) -> None:
    client.predict(ROWS, "1")
    server.statuses["1"] = status

    with pytest.raises(error):
        client.predict(ROWS, "1")


def test_a_version_with_other_inputs_or_outputs_is_unfit(server: Versions, client: VersionedClient) -> None:
    server.inputs_of["1"] = ["depth"]
    server.outputs_of["2"] = "score"

    with pytest.raises(VersionUnfit, match="the model's inputs are depth, but the pipeline file says width, height"):
        client.predict(ROWS, "1")
    with pytest.raises(VersionUnfit, match="answers without output 'class'"):
        client.predict(ROWS, "2")
    # for the pipeline's own that is a wrong setting
    server.inputs_of[""] = ["depth"]
    with pytest.raises(WrongSetting):
        client.check()


def test_few_versions_are_remembered(server: Versions, client: VersionedClient) -> None:
    server.names = [str(i) for i in range(VERSIONS + 5)]

    for version in server.names:
        assert client.predict(ROWS, version) == ([(7,)], version)

    assert len(client._versions) == VERSIONS
