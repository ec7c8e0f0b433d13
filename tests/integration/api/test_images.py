"""Uploads to a running API: answers, refusals, what is kept of them, and that others are answered meanwhile."""

import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, ImageOps
from prometheus_client.parser import text_string_to_metric_families

from api.images.ports import ArchivedImage
from api.training import digits
from tests.images import ImageApi, digits_models, encoded, picture
from tests.integration.api.conftest import Api
from tests.stream import wait_until

_, HELD_OUT = digits.training_and_held_out()
SEVEN = encoded(picture(HELD_OUT.rows[int(np.flatnonzero(HELD_OUT.classes == 7)[0])]))


@pytest.fixture(scope="module")
def image_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageApi]:
    folder = tmp_path_factory.mktemp("images")
    api = ImageApi(folder, digits_models(folder / "models"), image_max_bytes=1_000_000, image_max_pixels=17_000_000)
    yield api
    api.close()


@pytest.fixture(scope="module")
def client(image_api: ImageApi) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=image_api.url, timeout=30) as client:
        yield client


def sent(client: httpx.Client, data: bytes, content_type: str = "image/png", name: str = "seven.png") -> httpx.Response:
    return client.post("/images", files={"file": (name, data, content_type)})


def counted(client: httpx.Client, outcome: str) -> float:
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            if sample.name == "api_images_total" and sample.labels["outcome"] == outcome:
                return sample.value
    raise AssertionError(outcome)


def statuses(client: httpx.Client) -> dict[str, float]:
    """How many requests to the images' endpoint were answered with each status."""
    return {
        sample.labels["status"]: sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "api_requests_total" and sample.labels["endpoint"] == "/images"
    }


def kept(image_api: ImageApi, prediction_id: str) -> ArchivedImage:
    images = image_api.archive.kept
    wait_until("the image is archived", lambda: any(image.prediction_id == prediction_id for image in images))
    [found] = [image for image in images if image.prediction_id == prediction_id]
    return found


def test_an_answer_has_four_fields_and_its_image_is_archived_and_recorded(
    client: httpx.Client, image_api: ImageApi
) -> None:
    # When an image is sent, with an id of the request
    own, before = uuid.uuid4(), datetime.now(UTC)
    response = client.post("/images", files={"file": ("7.png", SEVEN, "image/png")}, headers={"X-Request-ID": str(own)})

    # Then the answer has just these fields, and the id is of version 7 and of now
    assert response.status_code == 200, response.text
    answer = response.json()
    assert list(answer) == ["prediction_id", "predicted_class", "confidence", "model_version"]
    assert answer["predicted_class"] == 7
    assert 0.5 < answer["confidence"] <= 1
    named = uuid.UUID(answer["prediction_id"])
    assert named.version == 7
    made = datetime.fromtimestamp((named.int >> 80) / 1000, UTC)
    assert abs(made - before) < timedelta(seconds=30)
    assert response.headers["x-request-id"] == str(own)
    assert answer["model_version"] == client.get("/v2/models/digits").json()["parameters"]["version"]

    # And the image is archived as it was sent, under its class and id, with its tags
    image = kept(image_api, answer["prediction_id"])
    assert image.data == SEVEN
    assert (image.content_type, image.object_key) == ("image/png", f"class_07/{named}.png")
    assert image.tags == {
        "predicted_class": "7",
        "confidence": f"{answer['confidence']:.3f}",
        "timestamp": image.timestamp.isoformat(),
        "model_version": answer["model_version"],
    }
    assert image.timestamp.tzinfo is not None

    # And recorded
    [recorded] = [r for r in image_api.recorder.recorded if r.prediction_id == str(named)]
    assert (recorded.request_id, recorded.object_key) == (str(own), image.object_key)
    assert (recorded.width, recorded.height, recorded.size_bytes) == (80, 80, len(SEVEN))
    assert recorded.latency_ms > 0

    # And its address gives it back, to be shown and nothing else
    assert response.headers["location"] == f"images/{named}"
    shown = client.get(f"/images/{named}")
    assert (shown.status_code, shown.headers["content-type"], shown.content) == (200, "image/png", SEVEN)
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert shown.headers["content-disposition"] == f'inline; filename="{named}.png"'


def test_every_digit_that_the_model_never_saw_is_answered_as_the_model_predicts(client: httpx.Client) -> None:
    # Given thirty digits, each as another kind of file
    kinds = [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
    right = 0
    for number, (row, truth) in enumerate(zip(HELD_OUT.rows[:30], HELD_OUT.classes[:30], strict=True)):
        kind, content_type = kinds[number % 3]
        drawn = picture(row, 40 + 7 * number)
        image = ImageOps.invert(drawn) if number % 2 else drawn
        answer = sent(client, encoded(image.convert("RGB"), kind), content_type).json()
        right += answer["predicted_class"] == truth
    assert right >= 28


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "image/jpeg", "IMAGE/PNG; charset=x"])
def test_a_file_is_told_by_its_content_not_its_name(
    client: httpx.Client, image_api: ImageApi, content_type: str
) -> None:
    answer = sent(client, SEVEN, content_type, "seven.exe")
    assert answer.status_code == 200, answer.text
    image = kept(image_api, answer.json()["prediction_id"])
    assert (image.content_type, image.extension) == ("image/png", ".png")


def test_a_picture_that_is_a_page_too_is_shown_as_a_picture(client: httpx.Client) -> None:
    both = SEVEN + b"<html><script>alert(1)</script></html>"
    answer = sent(client, both, "image/png", "seven.html").json()
    shown = client.get(f"/images/{answer['prediction_id']}")
    assert (shown.headers["content-type"], shown.content) == ("image/png", both)


GIF = encoded(picture(HELD_OUT.rows[0]), "GIF")
BLANK = encoded(Image.new("RGB", (40, 40), "white"))
REFUSED = {
    "too many bytes": (413, "too_large", SEVEN.ljust(1_000_001, b"\0"), "image/png", "1000000 are taken"),
    "too many points": (413, "too_large", encoded(Image.new("1", (5000, 5000))), "image/png", "5000 x 5000 pixels"),
    "another type": (415, "unsupported", SEVEN, "application/pdf", "'application/pdf'"),
    "a gif": (415, "unsupported", GIF, "image/gif", "'image/gif'"),
    "a gif by another name": (
        422,
        "unreadable",
        encoded(picture(HELD_OUT.rows[0]), "GIF"),
        "image/png",
        "is not a PNG",
    ),
    "half a file": (422, "unreadable", SEVEN[:80], "image/png", "cannot be decoded"),
    "nothing": (422, "unreadable", b"", "image/png", "is empty"),
    "one colour": (422, "blank", BLANK, "image/png", "nothing is drawn"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_is_a_problem_that_says_why_and_nothing_is_kept(
    client: httpx.Client, image_api: ImageApi, kind: str
) -> None:
    status, outcome, data, content_type, words = REFUSED[kind]
    before, archived = counted(client, outcome), len(image_api.archive.kept)
    response = sent(client, data, content_type)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert list(problem) == ["type", "title", "status", "detail"]
    assert problem["status"] == status
    assert words in problem["detail"]
    assert uuid.UUID(response.headers["x-request-id"])
    assert "location" not in response.headers
    assert counted(client, outcome) == before + 1
    assert len(image_api.archive.kept) == archived


def test_an_upload_that_is_none_says_what_to_send(client: httpx.Client) -> None:
    missing = client.post("/images", files={"picture": ("7.png", SEVEN, "image/png")})
    text = client.post("/images", files={"file": (None, b"7")})
    plain = client.post("/images", content=SEVEN, headers={"content-type": "image/png"})
    torn = client.post("/images", content=b"--x\r\nhello", headers={"content-type": "multipart/form-data; boundary=x"})
    borderless = client.post("/images", content=b"hello", headers={"content-type": "multipart/form-data"})
    many = client.post("/images", files=[("file", ("7.png", SEVEN, "image/png"))] * 3)
    assert [r.status_code for r in (missing, text, plain, torn, borderless, many)] == [422, 422, 415, 422, 400, 400]
    for response in (missing, text, plain, torn, borderless, many):
        assert response.headers["content-type"] == "application/problem+json", response.text
    assert "the field 'file' is missing" in missing.json()["detail"]
    assert "is a text, not a file" in text.json()["detail"]
    assert "multipart/form-data" in plain.json()["detail"]


def test_a_body_is_bounded_by_the_images_own_limit(client: httpx.Client) -> None:
    # Given an upload larger than images may be, and a file that alone is just as large as it may
    large = sent(client, b"x" * 1_200_000)
    whole = sent(client, SEVEN.ljust(1_000_000, b"\0"))
    assert (large.status_code, whole.status_code) == (413, 200)
    assert large.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["no-uuid", str(uuid.uuid4()), "class_07", "static"])
def test_an_image_of_no_prediction_is_not_found(client: httpx.Client, name: str) -> None:
    response = client.get(f"/images/{name}")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


def test_an_image_is_found_from_the_moment_of_its_answer(client: httpx.Client, image_api: ImageApi) -> None:
    # Given a disk that takes its time after the answer
    image_api.archive.may_keep.clear()
    shown: list[httpx.Response] = []
    try:
        address = sent(client, SEVEN).headers["location"]
        asking = threading.Thread(target=lambda: shown.append(httpx.get(f"{image_api.url}/{address}", timeout=30)))
        asking.start()

        # When the image is asked for meanwhile, then whoever asks waits for it
        asking.join(0.3)
        waited = asking.is_alive()
    finally:
        image_api.archive.may_keep.set()
    asking.join(20)
    assert waited
    assert (shown[0].status_code, shown[0].content) == (200, SEVEN)


def test_an_image_that_is_not_kept_in_time_is_to_be_asked_for_again(client: httpx.Client, image_api: ImageApi) -> None:
    image_api.archive.may_keep.clear()
    try:
        address = sent(client, SEVEN).headers["location"]
        early = client.get(f"/{address}")
    finally:
        image_api.archive.may_keep.set()
    assert (early.status_code, int(early.headers["retry-after"]) > 0) == (503, True)


def test_a_charset_of_no_text_is_no_failure_of_the_service(client: httpx.Client) -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n\r\n' + SEVEN + b"\r\n--B--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=B; charset=undefined"}

    response = client.post("/images", content=body, headers=headers)

    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert "UTF-8" in response.json()["detail"]


def test_a_sender_who_leaves_is_no_failure_of_the_service(client: httpx.Client, image_api: ImageApi) -> None:
    # Given an upload that announces more than comes
    url = httpx.URL(image_api.url)
    head = (
        "POST /images HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 900\r\n"
    )
    before = statuses(client)
    with socket.create_connection((url.host, url.port)) as leaving:
        leaving.sendall(f"{head}\r\n--B\r\n".encode())

    # Then it counts as the sender's fault
    wait_until("the request ends", lambda: statuses(client) != before)
    assert statuses(client).get("400", 0) == before.get("400", 0) + 1
    assert statuses(client).get("500", 0) == before.get("500", 0)


def test_while_the_archive_is_away_images_are_answered_and_their_files_come_later(
    client: httpx.Client, image_api: ImageApi
) -> None:
    image_api.archive.away = True
    try:
        answer = sent(client, SEVEN)
        assert answer.status_code == 200
        away = client.get(f"/images/{answer.json()['prediction_id']}")
    finally:
        image_api.archive.away = False
    assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
    assert int(away.headers["retry-after"]) > 0
    assert client.get(f"/images/{answer.json()['prediction_id']}").content == SEVEN


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_health_is_answered_while_large_images_are_decoded(
    client: httpx.Client, image_api: ImageApi, kind: str
) -> None:
    # Given images of as many points as are taken, sent one after the other
    large = encoded(picture(HELD_OUT.rows[0], 4000).convert("RGB"), kind)
    took: list[float] = []
    stop = threading.Event()

    def asking() -> None:
        with httpx.Client(base_url=image_api.url, timeout=30) as other:
            while not stop.is_set():
                began = time.perf_counter()
                assert other.get("/v2/health/live").status_code == 200
                took.append(time.perf_counter() - began)

    thread = threading.Thread(target=asking)
    thread.start()
    began = time.perf_counter()
    statuses = [sent(client, large, f"image/{kind.lower()}").status_code for _ in range(4)]
    each = (time.perf_counter() - began) / len(statuses)
    stop.set()
    thread.join()

    # Then each takes a while, and most health checks nothing near it
    assert statuses == [200] * 4
    assert float(np.median(took)) < each / 4


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is Linux's to tell")
def test_large_images_take_their_memory_one_after_the_other(start_api: Callable[..., Api], tmp_path: Path) -> None:
    # Given images of few bytes and as many points as are taken
    api = start_api(digits_models(tmp_path / "models"))
    wait_until("the API serves", api.ready)
    drawn = Image.new("RGBA", (4000, 4000), "white")
    drawn.paste("black", (1900, 500, 2200, 3500))
    large = encoded(drawn, "WEBP", lossless=True)
    assert len(large) < 10_000

    def peak() -> int:
        (line,) = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{api.process.pid}/status").read_text())
        return int(line) * 1024

    def send(_: int) -> int:
        with httpx.Client(base_url=api.url, timeout=60) as client:
            return sent(client, large, "image/webp").status_code

    # When many come at once
    before = peak()
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(send, range(6)))

    # Then each is answered, and together they took no more than one
    assert statuses == [200] * 6
    assert peak() - before < 30 * 4000 * 4000


def test_more_images_than_may_wait_are_told_to_come_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Given an API that takes one image at a time, and no more
    folder = tmp_path_factory.mktemp("busy")
    api = ImageApi(folder, digits_models(folder / "models"), image_threads=1, image_max_waiting=1)
    large = encoded(picture(HELD_OUT.rows[0], 3600).convert("RGB"))
    answers: list[httpx.Response] = []

    def send() -> None:
        with httpx.Client(base_url=api.url, timeout=60) as client:
            answers.append(sent(client, large))

    # When several come at once
    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    api.close()

    # Then each is answered, or told when to come back
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.headers["retry-after"] == "1"
            assert "images wait" in answer.json()["detail"]


def test_without_a_model_an_upload_is_told_to_come_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("awaited")
    (folder / "models").mkdir()
    api = ImageApi(folder, folder / "models")
    try:
        with httpx.Client(base_url=api.url) as client:
            early = sent(client, SEVEN)
            assert (early.status_code, early.headers["content-type"]) == (503, "application/problem+json")
            # When it is trained, then it answers without a restart
            digits_models(folder / "models")
            wait_until("the model is served", lambda: sent(client, SEVEN).status_code == 200)
    finally:
        api.close()
