"""What goes to the model server is the protocol's, and whatever comes back is an answer or an error of ours."""

from __future__ import annotations

import datetime
import email.utils
import json
import socket
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3.util.connection
from hypothesis import example, given
from hypothesis import strategies as st

from subscriber.connection import _retry_after
from subscriber.errors import BatchRefused, ModelFailed, NotFound, SubscriberError, TooSlow, Transient, WrongSetting
from subscriber.inference import InferenceClient
from tests.unit.subscriber.material import pipeline
from tests.unit.subscriber.model_server import Answer, ModelServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = {408, 425, 429, 502, 503, 504}
REFUSING = {400, 413, 422}
# statuses without a name that proxies are known to send
UNNAMED = {299, 399, 444, 499, 520, 524, 599}
ROWS = [SimpleNamespace(key=i, timestamp="", f0=0.5 + i, f1=10.0 + i) for i in range(3)]


@pytest.fixture(scope="module")
def lasting_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def server(lasting_server: ModelServer) -> Iterator[ModelServer]:
    lasting_server.answers({"outputs": [tensor("class", [3], [0, 1, 2])], "model_version": "v7"})
    lasting_server.ready = Answer(b"")
    lasting_server.seen.clear()
    yield lasting_server
    lasting_server.hold.set()


def client(server: ModelServer, **changes: Any) -> InferenceClient:
    return InferenceClient(pipeline(url=f"{server.address}/v2/models/m", **changes))


def tensor(name: str, shape: list[int], data: list[Any], datatype: str = "INT64") -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


def expected_error(status: int) -> type[SubscriberError]:
    if status in BUSY:
        return Transient
    if status in REFUSING:
        return BatchRefused
    return {500: ModelFailed, 404: NotFound}.get(status, WrongSetting)


# ---- requests


def test_rows_go_as_one_tensor_a_column(server: ModelServer) -> None:
    outputs, version = client(server).predict(ROWS)

    assert (outputs, version) == ([(0,), (1,), (2,)], "v7")
    assert server.seen == [
        (
            "POST",
            "/v2/models/m/infer",
            {
                "inputs": [
                    {"name": "width", "shape": [3], "datatype": "FP64", "data": [0.5, 1.5, 2.5]},
                    {"name": "height", "shape": [3], "datatype": "FP64", "data": [10.0, 11.0, 12.0]},
                ]
            },
        )
    ]


def test_rows_go_as_one_matrix(server: ModelServer) -> None:
    client(server, layout="matrix", matrix_tensor="x").predict(ROWS)

    ((_, _, body),) = server.seen
    assert body == {
        "inputs": [{"name": "x", "shape": [3, 2], "datatype": "FP64", "data": [[0.5, 10.0], [1.5, 11.0], [2.5, 12.0]]}]
    }


@pytest.mark.parametrize("layout", ["columns", "matrix"])
def test_parameters_are_passed_on(server: ModelServer, layout: str) -> None:
    parameters = {"content_type": "pd", "depth": 2}

    client(server, layout=layout, parameters=parameters, tensor_parameters={"content_type": "np"}).predict(ROWS)

    ((_, _, body),) = server.seen
    assert body["parameters"] == parameters
    assert [tensor["parameters"] for tensor in body["inputs"]] == [{"content_type": "np"}] * len(body["inputs"])


def test_one_version_is_asked_for_by_its_address(server: ModelServer) -> None:
    client(server, version="3").predict(ROWS)

    ((_, path, _),) = server.seen
    assert path == "/v2/models/m/versions/3/infer"


def test_one_connection_serves_all_requests(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    connect = urllib3.util.connection.create_connection

    def counted(*arguments: Any, **more: Any) -> socket.socket:
        opened.append(arguments)
        return connect(*arguments, **more)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", counted)
    asking = client(server)

    for _ in range(5):
        asking.predict(ROWS)

    assert len(opened) == 1


# ---- answers


@pytest.mark.parametrize(
    ("shape", "data"),
    [([3], [0, 1, 2]), ([3, 1], [0, 1, 2]), ([3, 1], [[0], [1], [2]])],
)
def test_an_output_may_be_a_vector_or_one_column(server: ModelServer, shape: list[int], data: list[Any]) -> None:
    server.answers({"outputs": [tensor("class", shape, data)]})

    assert client(server).predict(ROWS) == ([(0,), (1,), (2,)], None)


@pytest.mark.parametrize("data", [[[1, 2], [3, 4], [5, 6]], [1, 2, 3, 4, 5, 6]], ids=["nested", "flat"])
def test_several_values_a_row_come_as_a_list(server: ModelServer, data: list[Any]) -> None:
    server.answers({"outputs": [tensor("class", [3, 2], data)]})

    assert client(server).predict(ROWS) == ([([1, 2],), ([3, 4],), ([5, 6],)], None)


def test_a_single_row_may_come_as_one_column(server: ModelServer) -> None:
    server.answers({"outputs": [tensor("class", [1, 1], [[4]])]})

    assert client(server).predict(ROWS[:1]) == ([(4,)], None)


def test_several_outputs_come_in_the_order_of_the_pipeline(server: ModelServer) -> None:
    server.answers(
        {
            "outputs": [
                tensor("unused", [1], [9]),
                tensor("score", [3], [0.1, 0.2, 0.3], "FP64"),
                tensor("label", [3, 1], [["a"], ["b"], ["c"]], "BYTES"),
            ]
        }
    )

    outputs, _ = client(server, outputs={"label": "l", "score": "s"}).predict(ROWS)

    assert outputs == [("a", 0.1), ("b", 0.2), ("c", 0.3)]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "does not answer as the protocol says"),
        ({"outputs": [{"name": "class", "shape": [3], "datatype": "INT64"}]}, "does not answer as the protocol says"),
        ({"outputs": []}, "without output 'class' (it has: none)"),
        ({"outputs": [tensor("b", [3], [0, 1, 2]), tensor("a", [3], [0, 1, 2])]}, "(it has: a, b)"),
        ({"outputs": [tensor("class", [2], [0, 1])]}, "has shape [2] for 3 rows"),
        ({"outputs": [tensor("class", [1, 3], [0, 1, 2])]}, "has shape [1, 3] for 3 rows"),
        ({"outputs": [tensor("class", [3, 2, 1], [0] * 6)]}, "has shape [3, 2, 1] for 3 rows"),
        ({"outputs": [tensor("class", [3, 2], [0] * 5)]}, "the values that its shape [3, 2] says"),
        ({"outputs": [tensor("class", [3, 2], [[0, 1], [0], [0, 1, 2]])]}, "the values that its shape [3, 2] says"),
        ({"outputs": [tensor("class", [3, 0], [])]}, "has shape [3, 0] for 3 rows"),
        ({"outputs": [tensor("class", [], [])]}, "has shape [] for 3 rows"),
        ({"outputs": [tensor("class", [3], [0, 1])]}, "does not hold the values that its shape"),
        ({"outputs": [tensor("class", [3], [])]}, "does not hold the values that its shape"),
        ({"outputs": [tensor("class", [3, 1], [[0], 1, [2]])]}, "does not hold the values that its shape"),
        ({"outputs": [tensor("class", [3, 1], [[0], [], [1, 2]])]}, "does not hold the values that its shape"),
        ({"outputs": [tensor("class", [3, 1], [[0, 1, 2]])]}, "does not hold the values that its shape"),
    ],
)
def test_an_answer_of_the_wrong_shape_is_a_wrong_setting(server: ModelServer, answer: Any, said: str) -> None:
    server.answers(answer)

    with pytest.raises(WrongSetting) as raised:
        client(server).predict(ROWS)

    assert said in str(raised.value)
    assert f"{server.address}/v2/models/m/infer" in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b'{"outputs": [{"name": "class", "shape": [3], "datatype": "FP64", "data": [0, NaN, 2]}]}',
        b'{"outputs": [], "x": "\xff", "model_version": "\xff"}',
    ],
)
def test_an_answer_that_is_not_json_is_a_failure_of_the_model(server: ModelServer, answer: bytes) -> None:
    server.answers(answer)

    with pytest.raises(ModelFailed, match="is not JSON"):
        client(server).predict(ROWS)


@pytest.mark.parametrize("answer", [b"[" * 200_000, b'{"outputs": ' + b"[" * 200_000])
def test_an_answer_of_any_depth_is_judged(server: ModelServer, answer: bytes) -> None:
    server.answers(answer)

    with pytest.raises((ModelFailed, WrongSetting)):
        client(server).predict(ROWS)


@pytest.mark.parametrize(("shape", "data"), [([3], [0, None, 2]), ([3, 1], [[0], [None], [2]])])
def test_a_row_may_have_no_value(server: ModelServer, shape: list[int], data: list[Any]) -> None:
    server.answers({"outputs": [tensor("class", shape, data)]})

    assert client(server).predict(ROWS)[0] == [(0,), (None,), (2,)]


# ---- statuses


@pytest.mark.parametrize("status", sorted({s.value for s in HTTPStatus if s >= 201} | UNNAMED))
def test_every_status_asks_for_its_action(server: ModelServer, status: int) -> None:
    server.answers({"error": "because"}, status)

    with pytest.raises(SubscriberError) as raised:
        client(server).predict(ROWS)

    assert type(raised.value) is expected_error(status)
    assert f"model API answers {status}" in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: ModelServer, status: int) -> None:
    server.answers(b"", status, Location=f"{server.address}/v2/models/other/infer")

    with pytest.raises(WrongSetting, match=r"check model\.url"):
        client(server).predict(ROWS)

    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "width is negative"}', "model API answers 400: width is negative"),
        (b'{"error": {"code": 1}}', 'model API answers 400: {"error": {"code": 1}}'),
        (b'{"detail": "no"}', 'model API answers 400: {"detail": "no"}'),
        (b" plain words ", "model API answers 400: plain words"),
        (b"", "model API answers 400: Bad Request"),
        (
            b"Traceback (most recent call last):\n  File\nValueError: unlucky\n",
            "model API answers 400: ValueError: unlucky",
        ),
        (b"[" * 200_000, "model API answers 400: " + "[" * 500),
        (b'{"error": "' + b"x" * 9999 + b'"}', "model API answers 400: " + "x" * 500),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_server(server: ModelServer, body: bytes, said: str) -> None:
    server.answers(body, 400)

    with pytest.raises(BatchRefused) as raised:
        client(server).predict(ROWS)

    assert str(raised.value) == said


@given(body=st.binary(max_size=50))
@example(body=b'{"error": "\xff"}')
def test_any_refusal_can_be_told(lasting_server: ModelServer, body: bytes) -> None:
    lasting_server.answers(body, 422)

    with pytest.raises(BatchRefused) as raised:
        client(lasting_server).predict(ROWS)

    str(raised.value).encode()


def asked_for(server: ModelServer) -> float | None:
    with pytest.raises(Transient) as raised:
        client(server).predict(ROWS)
    return raised.value.retry_after_seconds


@pytest.mark.parametrize("status", sorted(BUSY))
def test_a_wait_in_seconds_is_read(server: ModelServer, status: int) -> None:
    server.answers({}, status, Retry_After="7")

    assert asked_for(server) == 7.0


@pytest.mark.parametrize(("ahead", "low", "high"), [(3600, 3500, 3600), (-3600, 0, 0)])
def test_a_wait_until_a_date_is_read(server: ModelServer, ahead: int, low: float, high: float) -> None:
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead)
    server.answers({}, 503, Retry_After=email.utils.format_datetime(when, usegmt=True))

    asked = asked_for(server)

    assert asked is not None
    assert low <= asked <= high


@pytest.mark.parametrize("header", ["soon", "", "1;2", "Fri, 99 Foo 2026", "Thu, 01 Jan 99999999999 00:00:00 GMT"])
def test_a_wait_that_says_nothing_is_none(server: ModelServer, header: str) -> None:
    server.answers({}, 503, Retry_After=header)

    assert asked_for(server) is None


def test_without_the_header_nothing_is_asked_for(server: ModelServer) -> None:
    server.answers({}, 503)

    assert asked_for(server) is None


dates = st.from_regex(r"[0-9]{1,3} (Jan|Dec|Foo) [0-9]{1,12} [0-9]{1,3}:[0-9]{2}(:[0-9]{2})? (GMT|[+-][0-9]+)")


@given(header=st.text() | dates | st.floats().map(str) | st.integers().map(str))
@example(header="Mon, 01 Jan 99999999999 00:00:00 GMT")
@example(header="Mon, 01 Jan 2020 00:00:00 +99999999999999999999")
def test_any_header_is_a_wait_or_none(header: str) -> None:
    seconds = _retry_after(header)

    assert seconds is None or seconds >= 0


# ---- connections


@pytest.mark.parametrize("cut", [None, 0, 5])
def test_a_connection_that_breaks_is_tried_again_later(server: ModelServer, cut: int | None) -> None:
    server.answer = Answer(json.dumps({"outputs": []}).encode(), cut=cut)

    with pytest.raises(Transient, match="model API"):
        client(server).predict(ROWS)


def test_a_server_that_is_away_is_tried_again_later() -> None:
    with ModelServer() as server:
        asking = client(server)

    with pytest.raises(Transient, match="model API cannot be reached"):
        asking.predict(ROWS)


def test_a_server_that_comes_back_is_asked_over_a_new_connection(server: ModelServer) -> None:
    asking = client(server)
    good = server.answer
    server.answer = Answer(cut=None)
    with pytest.raises(Transient):
        asking.predict(ROWS)
    server.answer = good

    assert asking.predict(ROWS)[1] == "v7"


def test_an_answer_that_takes_too_long_is_tried_again_later(server: ModelServer) -> None:
    server.hold.clear()

    with pytest.raises(Transient, match=r"does not answer within 0\.05 s"):
        client(server, timeout_seconds=0.05).predict(ROWS)


def test_an_answer_with_a_broken_encoding_is_tried_again_later(server: ModelServer) -> None:
    server.answers(b"no gzip", Content_Encoding="gzip")

    with pytest.raises(Transient, match="broke off"):
        client(server).predict(ROWS)


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "a b", "*.x"])
def test_a_host_that_cannot_be_one_is_a_wrong_setting(host: str) -> None:
    asking = InferenceClient(pipeline(url=f"http://{host}/v2/models/m"))

    with pytest.raises(WrongSetting, match=r"/v2/models/m"):
        asking.predict(ROWS)


# ---- the border: every exception of requests, judged


def exceptions_of_requests() -> list[type[requests.RequestException]]:
    found = {
        kind
        for kind in vars(requests.exceptions).values()
        if isinstance(kind, type) and issubclass(kind, requests.RequestException)
    }
    return sorted(found, key=lambda kind: kind.__name__)


TRANSIENT = {
    *("ConnectionError", "ConnectTimeout", "ProxyError", "SSLError"),
    *("ChunkedEncodingError", "ContentDecodingError"),
}
SLOW = {"ReadTimeout", "Timeout"}
WRONG = {
    *("HTTPError", "InvalidHeader", "InvalidJSONError", "InvalidProxyURL", "InvalidSchema", "InvalidURL"),
    *("JSONDecodeError", "MissingSchema", "RequestException", "RetryError", "StreamConsumedError"),
    *("TooManyRedirects", "URLRequired", "UnrewindableBodyError"),
}


@pytest.mark.parametrize("kind", exceptions_of_requests(), ids=lambda kind: kind.__name__)
def test_every_exception_of_requests_is_judged(
    kind: type[requests.RequestException], server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kind.__name__ in TRANSIENT | SLOW | WRONG, f"{kind.__name__} is new: does it pass by itself?"
    asking = client(server)
    arguments = ("said", "document", 0) if issubclass(kind, requests.JSONDecodeError) else ("said",)
    error = kind(*arguments)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(requests.Session, "send", fail)

    with pytest.raises(SubscriberError) as raised:
        asking.predict(ROWS)

    expected = Transient if kind.__name__ in TRANSIENT else TooSlow if kind.__name__ in SLOW else WrongSetting
    assert type(raised.value) is expected
    assert raised.value.__cause__ is error


def test_a_certificate_that_is_not_trusted_is_a_wrong_setting(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = client(server)

    def fail(*_: object, **__: object) -> None:
        raise requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

    monkeypatch.setattr(requests.Session, "send", fail)

    with pytest.raises(WrongSetting, match="not trusted"):
        asking.predict(ROWS)


# ---- metadata


def metadata(inputs: list[str] | None, outputs: list[str] | None, **more: Any) -> dict[str, Any]:
    def listed(names: list[str]) -> list[dict[str, Any]]:
        return [{"name": name, "datatype": "FP64", "shape": [-1]} for name in names]

    answer: dict[str, Any] = {"name": "m", "platform": "p", **more}
    if inputs is not None:
        answer["inputs"] = listed(inputs)
    if outputs is not None:
        answer["outputs"] = listed(outputs)
    return answer


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (["width", "height"], ["class"]),
        (["height", "width"], ["other", "class"]),
        ([], []),
        (None, None),
    ],
)
def test_a_model_that_fits_passes(server: ModelServer, inputs: list[str] | None, outputs: list[str] | None) -> None:
    server.answers(metadata(inputs, outputs, versions=["1"]))

    assert client(server).check().versions == ["1"]
    assert server.seen == [("GET", "/v2/models/m", None)]


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        (["width"], ["class"], "the model's inputs are width, but the pipeline file says width, height"),
        (["width", "height", "depth"], ["class"], "the model's inputs are width, height, depth, but"),
        (["width", "heigth"], ["class"], "the model's inputs are width, heigth, but"),
        (["width", "height"], ["label"], "the model's outputs are label, but the pipeline file says class"),
    ],
)
def test_a_model_that_does_not_fit_is_a_wrong_setting(
    server: ModelServer, inputs: list[str], outputs: list[str], said: str
) -> None:
    server.answers(metadata(inputs, outputs))

    with pytest.raises(WrongSetting) as raised:
        client(server).check()

    assert str(raised.value).startswith(f"{server.address}/v2/models/m: {said}")


def test_a_model_may_tell_nothing_of_itself(server: ModelServer) -> None:
    server.answers({"name": "m", "versions": None, "platform": "", "inputs": None, "outputs": None})

    assert client(server).check().name == "m"


def test_a_matrix_is_compared_by_its_one_name(server: ModelServer) -> None:
    server.answers(metadata(["x"], ["class"]))

    client(server, layout="matrix", matrix_tensor="x").check()
    with pytest.raises(WrongSetting, match="inputs are x, but the pipeline file says y"):
        client(server, layout="matrix", matrix_tensor="y").check()


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"{}", b'{"name": "\xff"}', b"[" * 200_000])
def test_an_answer_without_metadata_is_a_wrong_setting(server: ModelServer, answer: bytes) -> None:
    server.answers(answer)

    with pytest.raises(WrongSetting, match=r"is model\.url right\?"):
        client(server).check()


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_a_server_that_cannot_tell_of_its_model_yet_is_asked_again(server: ModelServer, status: int) -> None:
    server.answers({}, status)

    with pytest.raises(Transient, match=f"answers {status}"):
        client(server).check()


def test_a_model_that_is_not_there_is_a_wrong_setting(server: ModelServer) -> None:
    server.answers({"error": "unknown model"}, 404)

    with pytest.raises(WrongSetting, match="404: unknown model"):
        client(server).check()


def test_an_input_has_the_shape_that_the_model_tells(server: ModelServer) -> None:
    asking = client(server)
    listed = [("width", [-1, 1]), ("height", [-1])]
    server.answers({"name": "m", "inputs": [{"name": n, "datatype": "FP64", "shape": s} for n, s in listed]})
    asking.check()
    server.answers({"outputs": [tensor("class", [3], [0, 1, 2])]})

    asking.predict(ROWS)

    _, _, body = server.seen[-1]
    assert [(t["shape"], t["data"]) for t in body["inputs"]] == [([3, 1], [0.5, 1.5, 2.5]), ([3], [10.0, 11.0, 12.0])]


# ---- a server that gives an output only if it is asked for by its name


class Shy(ModelServer):
    """Answers with the outputs that a request names, and with `default` if it names none; refuses others than `has`."""

    default = tensor("class", [3], [0, 1, 2])
    has: dict[str, Any] = {"class": default, "score": tensor("score", [3], [0.1, 0.2, 0.3], "FP64")}  # noqa: RUF012

    def answer_to(self, body: Any) -> Answer:
        wanted = [output["name"] for output in body.get("outputs", [])]
        if set(wanted) - set(self.has):
            return Answer(b'{"error": "no such output"}', 400)
        outputs = [self.has[name] for name in wanted] or [self.default]
        return Answer(json.dumps({"outputs": outputs}).encode())


def test_an_output_that_is_missing_is_asked_for_by_its_name() -> None:
    with Shy() as server:
        asking = client(server, outputs={"class": "c", "score": "s"})

        first, second = asking.predict(ROWS), asking.predict(ROWS)

    assert first == second == ([(0, 0.1), (1, 0.2), (2, 0.3)], None)
    named = [[output["name"] for output in body.get("outputs", [])] for _, _, body in server.seen]
    assert named == [[], ["class", "score"], ["class", "score"]]


def test_an_output_that_is_there_is_not_asked_for_by_its_name() -> None:
    with Shy() as server:
        client(server).predict(ROWS)

    ((_, _, body),) = server.seen
    assert "outputs" not in body


def test_an_output_that_the_model_does_not_have_is_a_wrong_setting() -> None:
    with Shy() as server, pytest.raises(WrongSetting) as raised:
        client(server, outputs={"class": "c", "rank": "r"}).predict(ROWS)

    assert "without output class, rank (it has: class)" in str(raised.value)
    assert "asked for it: model API answers 400: no such output: target.outputs names it" in str(raised.value)


# ---- a model that is not ready


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("ready", [Answer(b"", 400), Answer(b"", 503), Answer(b"", 500), Answer(b'{"ready": false}')])
def test_a_refusal_by_a_model_that_is_not_ready_is_none(server: ModelServer, ready: Answer, count: int) -> None:
    server.answers({"error": "still loading"}, 400)
    server.ready = ready

    with pytest.raises(Transient):
        client(server).predict(ROWS[:count])


@pytest.mark.parametrize(
    "ready", [Answer(b""), Answer(b'{"name": "m", "ready": true}'), Answer(b"[]"), Answer(b"", 404), Answer(b"", 405)]
)
def test_a_refusal_by_a_model_that_is_ready_or_does_not_tell_is_one(server: ModelServer, ready: Answer) -> None:
    server.answers({"error": "too wide"}, 400)
    server.ready = ready

    with pytest.raises(BatchRefused, match="too wide"):
        client(server).predict(ROWS)


def test_a_model_that_became_ready_meanwhile_is_asked_again() -> None:
    class Loading(ModelServer):
        def answer_to(self, body: Any) -> Answer:
            return Answer(b"", 400) if len(self.seen) == 1 else super().answer_to(body)

    with Loading() as server:
        server.answers({"outputs": [tensor("class", [1], [4])]})

        assert client(server).predict(ROWS[:1]) == ([(4,)], None)
