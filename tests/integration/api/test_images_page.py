"""The page at /images/ in a real browser: a drawn digit, a file, keys, a telephone."""

import base64
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image

from api.training import digits
from tests.browser import browser  # noqa: F401 (a fixture)
from tests.images import ImageApi, digits_models, encoded, picture
from tests.stream import wait_until

if TYPE_CHECKING:
    from tests.browser import Browser, Page

_, HELD_OUT = digits.training_and_held_out()
# in tenths of the drawing area
SEVEN = [(2.8, 2), (7.2, 2), (4.4, 8.4)]
ONE_KEYS = ["ArrowDown"] * 14


@pytest.fixture(scope="module")
def image_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageApi]:
    folder = tmp_path_factory.mktemp("images-page")
    api = ImageApi(folder, digits_models(folder / "models"))
    yield api
    api.close()


@pytest.fixture
def page(browser: "Browser", image_api: ImageApi) -> Iterator["Page"]:  # noqa: F811
    opened = browser.open(f"{image_api.url}/images/")
    wait_until("the page is there", lambda: opened.text("#status") == "Nothing asked yet.")
    yield opened
    assert opened.complaints == []
    opened.close()


def place(page: "Page", point: tuple[float, float]) -> tuple[float, float]:
    """A point of the drawing area, in the page's pixels."""
    box = page.evaluate("document.querySelector('#canvas').getBoundingClientRect().toJSON()")
    return box["left"] + point[0] / 10 * box["width"], box["top"] + point[1] / 10 * box["height"]


def drawn_by_mouse(page: "Page", stroke: list[tuple[float, float]]) -> None:
    points = [place(page, point) for point in stroke]
    for number, (x, y) in enumerate(points):
        kind = "mouseMoved" if number else "mousePressed"
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
    x, y = points[-1]
    page.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)


def drawn_by_finger(page: "Page", stroke: list[tuple[float, float]]) -> None:
    for number, point in enumerate(stroke):
        x, y = place(page, point)
        kind = "touchMove" if number else "touchStart"
        page.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


def click(page: "Page", selector: str) -> None:
    page.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def test_a_drawn_digit_is_answered_and_its_image_is_one_click_away(page: "Page", image_api: ImageApi) -> None:
    # Given nothing drawn, nothing can be asked
    assert page.evaluate("document.querySelector('#ask').disabled") is True

    # When a seven is drawn by mouse and asked about
    drawn_by_mouse(page, SEVEN)
    click(page, "#ask")

    # Then the page shows the answer, how sure it is, and by which model
    assert page.wait_for("#digit", "7") == "7"
    assert page.text("#percent").endswith(" %")
    assert float(page.text("#percent").removesuffix(" %")) > 50
    version = httpx.get(f"{image_api.url}/v2/models/digits").json()["parameters"]["version"]
    assert page.text("#version") == version

    # And the link is to the archived image, which is what was drawn
    link = page.evaluate("document.querySelector('#archived').href")
    assert link == f"{image_api.url}/images/{page.text('#prediction')}"
    shown = httpx.get(link)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    [image] = [i for i in image_api.archive.kept if i.prediction_id == page.text("#prediction")]
    assert image.data == shown.content
    assert image.object_key.startswith("class_07/")

    # When it is cleared, then nothing is left of it
    click(page, "#clear")
    assert page.text("#digit") == ""
    assert page.text("#status") == "Nothing asked yet."
    assert page.evaluate("document.querySelector('#ask').disabled") is True


def test_a_digit_is_drawn_with_the_keys_alone(page: "Page", image_api: ImageApi) -> None:
    # Given the drawing area, reached by the tabulator key
    page.press("Tab", 9)
    assert page.evaluate("document.activeElement.id") == "canvas"
    assert "arrows move the pen" in page.text("#canvas-keys")

    # When the pen is put down, moved down, and asked about
    page.press(" ", 32)
    for key in ONE_KEYS:
        page.press(key, 40)
    page.press("Enter", 13)

    # Then it is a one, of ink alone: the pen itself is not on the picture
    assert page.wait_for("#digit", "1") == "1"
    drawn = image_api.archive.kept[-1].data
    colours = Image.open(BytesIO(drawn)).convert("RGB").getcolors(100_000)
    assert colours is not None
    assert all(red == green == blue for _, (red, green, blue) in colours)  # type: ignore[misc]
    page.press("Escape", 27)
    assert page.text("#status") == "Nothing asked yet."


def dropped(page: "Page", data: bytes, name: str, content_type: str) -> None:
    """Let go of a file over the page."""
    content = base64.b64encode(data).decode()
    page.evaluate(f"""{{
      const bytes = Uint8Array.from(atob({json.dumps(content)}), c => c.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], {json.dumps(name)}, {{type: {json.dumps(content_type)}}}));
      document.body.dispatchEvent(new DragEvent("drop", {{dataTransfer: data, bubbles: true, cancelable: true}}));
    }}""")


def test_a_file_is_dropped_or_chosen_and_answered_at_once(page: "Page", tmp_path: Path) -> None:
    number = int(np.flatnonzero(HELD_OUT.classes == 3)[0])
    dropped(page, encoded(picture(HELD_OUT.rows[number])), "three.png", "image/png")
    assert page.wait_for("#digit", "3") == "3"
    assert page.evaluate("document.querySelector('#chosen').hidden") is False

    # When another one is chosen by the button
    number = int(np.flatnonzero(HELD_OUT.classes == 4)[0])
    path = tmp_path / "four.jpg"
    path.write_bytes(encoded(picture(HELD_OUT.rows[number], 160), "JPEG"))
    root: dict[str, Any] = page.call("DOM.getDocument")["root"]
    field = page.call("DOM.querySelector", nodeId=root["nodeId"], selector="#file")["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=field, files=[str(path)])
    assert page.wait_for("#digit", "4") == "4"

    # When something is drawn instead, then the file is put away
    drawn_by_mouse(page, SEVEN)
    assert page.evaluate("document.querySelector('#chosen').hidden") is True
    click(page, "#ask")
    assert page.wait_for("#digit", "7") == "7"


def test_a_refusal_is_told_in_words_and_the_last_answer_is_gone(page: "Page") -> None:
    drawn_by_mouse(page, SEVEN)
    click(page, "#ask")
    page.wait_for("#digit", "7")
    dropped(page, b"%PDF-1.7", "paper.pdf", "application/pdf")
    assert page.wait_for("#problem", "paper.pdf is no PNG, JPEG or WebP image.")
    assert page.text("#digit") == ""
    dropped(page, b"no image", "broken.png", "image/png")
    page.wait_for("#problem", "The file is not a PNG, JPEG or WebP image.")
    # a browser notes each refusal in its console, and nothing but that
    wait_until("the browser's note", lambda: page.complaints)
    assert all("status of 422" in complaint or "ERR" in complaint for complaint in page.complaints)
    page.complaints.clear()


@pytest.mark.parametrize("width", [320, 390])
def test_a_telephone_shows_all_of_it_and_takes_a_finger(browser: "Browser", image_api: ImageApi, width: int) -> None:  # noqa: F811
    page = browser.open(f"{image_api.url}/images/", width, 700, dark=True)
    wait_until("the page is there", lambda: page.text("#status") == "Nothing asked yet.")
    page.call("Emulation.setTouchEmulationEnabled", enabled=True)
    drawn_by_finger(page, SEVEN)
    click(page, "#ask")
    page.wait_for("#digit", "7")
    # nothing is wider than the screen, and whatever is pressed is as large as a fingertip
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    buttons = "[...document.querySelectorAll('button, .button')]"
    assert page.evaluate(f"Math.min(...{buttons}.map(button => button.getBoundingClientRect().height))") >= 44
    assert page.complaints == []
    page.close()


def test_the_page_loads_and_runs_nothing_but_its_own_files(image_api: ImageApi) -> None:
    page = httpx.get(f"{image_api.url}/images", follow_redirects=True)
    assert page.url.path == "/images/"
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in page.text
    again = httpx.get(f"{image_api.url}/images/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("images.css", "images.js", "drawing.js", "icon.svg"):
        assert httpx.get(f"{image_api.url}/images/static/{name}").headers["content-security-policy"] == policy
    for name in ("index.htm", "..%2fpage.py", "%2e%2e/page.py"):
        assert httpx.get(f"{image_api.url}/images/static/{name}").status_code == 404
