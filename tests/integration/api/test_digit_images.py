"""The model `digit_images`: keys of the store in, digits out, over the protocol."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from api.training import digits
from tests.images import ImageApi, digits_models, encoded, picture

_, HELD_OUT = digits.training_and_held_out()
INFER = "/v2/models/digit_images/infer"


@pytest.fixture(scope="module")
def image_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageApi]:
    folder = tmp_path_factory.mktemp("by-key")
    api = ImageApi(folder, digits_models(folder / "models"), image_max_rows=200, image_fetch_threads=4)
    for number, row in enumerate(HELD_OUT.rows[:200]):
        api.archive.put(f"in/{number}.png", encoded(picture(row, 40)))
    api.archive.put("in/text.png", b"no image")
    api.archive.put("in/blank.png", encoded(Image.new("L", (9, 9))))
    yield api
    api.close()


@pytest.fixture(scope="module")
def client(image_api: ImageApi) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=image_api.url, timeout=60) as client:
        yield client


def asked(client: httpx.Client, keys: list[Any], **more: Any) -> httpx.Response:
    tensor = {"name": "object_key", "shape": [len(keys)], "datatype": "BYTES", "data": keys}
    return client.post(INFER, json={"inputs": [tensor], **more})


def test_each_key_has_the_answer_that_the_digits_model_gives_to_its_image(
    client: httpx.Client, image_api: ImageApi
) -> None:
    # Given the digits model's own answers, to digits whose darkest cell counts as all ink
    rows = HELD_OUT.rows[:200] * (16 / HELD_OUT.rows[:200].max(axis=1, keepdims=True))
    cells = {"name": "rows", "shape": [200, 64], "datatype": "FP64", "data": rows.ravel().tolist()}
    own = client.post("/v2/models/digits/infer", json={"inputs": [cells]}).json()

    # When the images' keys are sent
    response = asked(client, [f"in/{number}.png" for number in range(200)], id="42")
    assert response.status_code == 200, response.text
    answer = response.json()

    # Then each has the same class, and nearly the same confidence, in the order of the keys
    assert (answer["model_name"], answer["id"]) == ("digit_images", "42")
    assert answer["model_version"] == own["model_version"]
    (given, sure), (expected, own_sure) = (
        {o["name"]: o["data"] for o in each["outputs"]}.values() for each in (answer, own)
    )
    assert given == expected
    assert np.abs(np.array(sure) - np.array(own_sure)).max() < 0.02

    # And objects were fetched side by side, as many as are allowed
    assert 2 <= image_api.archive.most_at_once <= 4


def test_the_model_tells_what_it_takes_and_its_version_is_the_digits_models(client: httpx.Client) -> None:
    assert client.get("/v2/models").json() == {"models": ["digit_images", "digits"]}
    told, digits_told = (client.get(f"/v2/models/{name}").json() for name in ("digit_images", "digits"))
    assert [(i["name"], i["datatype"], i["shape"]) for i in told["inputs"]] == [("object_key", "BYTES", [-1])]
    assert [(o["name"], o["datatype"]) for o in told["outputs"]] == [
        ("predicted_class", "INT64"),
        ("confidence", "FP64"),
    ]
    assert told["versions"] == digits_told["versions"]
    assert client.get("/v2/models/digit_images/ready").json() == {"name": "digit_images", "ready": True}
    [version] = told["versions"]
    of_version = f"/v2/models/digit_images/versions/{version}"
    assert client.get(of_version).json() == told
    assert client.get(f"{of_version}/ready").status_code == 200
    tensor = {"name": "object_key", "shape": [1, 1], "datatype": "BYTES", "data": [["in/0.png"]]}
    assert client.post(f"{of_version}/infer", json={"inputs": [tensor]}).json()["model_version"] == version
    unknown = client.post("/v2/models/digit_images/versions/0123/infer", json={"inputs": [tensor]})
    assert unknown.status_code == 404
    assert "digit_images" in unknown.json()["error"]


def test_only_the_outputs_that_are_asked_for_are_given(client: httpx.Client) -> None:
    answer = asked(client, ["in/0.png"], outputs=[{"name": "confidence"}]).json()
    assert [output["name"] for output in answer["outputs"]] == ["confidence"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("in/none.png", "there is no such object"),
        ("", "a key has 1 to 1024 bytes"),
        ("in/" + "x" * 2000, "a key has 1 to 1024 bytes"),
        ("in", "there is no such object"),
        ("in/text.png", "is not a PNG, JPEG or WebP image"),
        ("in/blank.png", "nothing is drawn"),
        (None, "is not a text it may hold"),
        (7, "is not a text it may hold"),
    ],
)
def test_a_key_without_an_image_is_refused_with_its_row(client: httpx.Client, key: object, words: str) -> None:
    response = asked(client, ["in/0.png", "in/1.png", key, "in/2.png"])
    assert response.status_code == 400
    assert response.json()["error"].startswith("tensor 'object_key': the value at index 2 ")
    assert words in response.json()["error"]


def test_requests_that_are_not_of_keys_are_refused(client: httpx.Client) -> None:
    def sent(name: str, shape: list[int], datatype: str, value: object) -> httpx.Response:
        tensor = {"name": name, "shape": shape, "datatype": datatype, "data": [value]}
        return client.post(INFER, json={"inputs": [tensor]})

    numbers = sent("object_key", [1], "FP64", 1)
    other, matrix = sent("key", [1], "BYTES", "a"), sent("rows", [1, 1], "BYTES", "a")
    assert [r.status_code for r in (numbers, other, matrix, client.post(INFER, content=b"{"))] == [400] * 4
    assert "it must be BYTES" in numbers.json()["error"]
    assert "the model takes object_key, a tensor each" in other.json()["error"]
    assert asked(client, ["in/0.png"] * 201).status_code == 413


def test_while_the_store_is_away_batches_are_told_to_come_back(client: httpx.Client, image_api: ImageApi) -> None:
    image_api.archive.away = True
    try:
        away = asked(client, ["in/0.png"] * 50)
        assert client.get("/v2/models/digit_images/ready").status_code == 200
    finally:
        image_api.archive.away = False
    assert (away.status_code, int(away.headers["retry-after"])) == (503, 2)
    assert "the store does not answer" in away.json()["error"]
    assert asked(client, ["in/0.png"]).status_code == 200


def test_batches_side_by_side_have_their_own_answers(client: httpx.Client, image_api: ImageApi) -> None:
    answers: dict[int, list[int]] = {}

    def ask(number: int) -> None:
        with httpx.Client(base_url=image_api.url, timeout=60) as own:
            keys = [f"in/{number * 20 + i}.png" for i in range(20)]
            answers[number] = asked(own, keys).json()["outputs"][0]["data"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = asked(client, [f"in/{i}.png" for i in range(160)]).json()["outputs"][0]["data"]
    assert [value for number in range(8) for value in answers[number]] == together


def test_without_an_archive_there_is_no_such_model(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("without")
    api = ImageApi(folder, digits_models(folder / "models"), archived=False)
    try:
        with httpx.Client(base_url=api.url) as client:
            assert asked(client, ["in/0.png"]).status_code == 404
            assert client.get("/v2/models").json() == {"models": ["digits"]}
            # and uploads are answered, without a place where they are kept
            answer = client.post("/images", files={"file": ("0.png", encoded(picture(HELD_OUT.rows[0])), "image/png")})
            assert answer.status_code == 200
            assert "location" not in answer.headers
            assert client.get(f"/images/{answer.json()['prediction_id']}").status_code == 404
    finally:
        api.close()
