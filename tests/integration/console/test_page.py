"""The page in a real browser: what it shows, and that anybody can use it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from subscriber.batch import Batch, DeadLetter
from subscriber.pipeline import Truth
from tests.stream import wait_until
from tests.unit.subscriber.material import Message, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from subscriber.pipeline import Pipeline
    from tests.browser import Browser, Page
    from tests.integration.console.conftest import Pipelines

    Start = Callable[..., Pipelines]

EVIL = "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
TAB = 9
NONE = "\N{EN DASH}"


def named(name: str, **changes: Any) -> Pipeline:
    return pipeline((("width", "FP64"), ("word", "BYTES"))).model_copy(
        update={"name": name, "topic": f"topic-{name}"} | changes
    )


def rows(answers: list[Any], *, truths: list[Any] | None = None, word: str = "w") -> Batch:
    """A stored batch of rows with these answers."""
    n = len(answers)
    known = truths or [None] * n
    return Batch(
        {},
        [Message(offset=i) for i in range(n)],
        [SimpleNamespace(key=i, f0=i / 4, f1=word, truth=known[i], committed_ms=None) for i in range(n)],
        [(answer,) for answer in answers],
        ["v1"] * n,
    )


def faultless(page: Page) -> None:
    """No script failed, nothing was missing, and the content security policy was not breached."""
    assert page.complaints == []
    page.close()


def test_before_the_first_row_the_page_says_what_it_waits_for(browser: Browser, console: Start) -> None:
    page = browser.open(console(named("a")).address)
    page.wait_for("#state-word", "No rows yet")
    page.wait_for("#connection", "live")
    assert page.text("#state-words") == "waiting for rows of topic topic-a"
    assert page.text("#last-empty") == "No rows yet; waiting for topic topic-a."
    assert page.text('[data-series="rows"] dd') == "0/s"
    assert page.text('[data-series="p50"] dd') == NONE
    assert page.text("#dead-empty") != ""
    faultless(page)


def test_rows_counts_and_accuracy_are_shown(browser: Browser, console: Start) -> None:
    truth = Truth(column="label")
    running = console(named("a", truth=truth))
    page = browser.open(running.address)
    running.watched["a"].view.stored(rows([0, 1, 1, 2], truths=[0, 1, 0, None]))
    page.wait_for("#total-rows", "4")
    page.wait_for("#answers-body .headline b", "66.7%")
    assert page.texts("#answers-body tbody") == [
        ["0", "", "1 (25%)", "100%"],
        ["1", "", "2 (50%)", "50%"],
        ["2", "", "1 (25%)", NONE],
    ]
    newest, _, wrong, right = [row[1:] for row in page.texts("#last")]
    assert newest[:-1] == ["3", "0.75", "w", "2", NONE]
    assert wrong[:-1] == ["1", "0.25", "w", "1", "1 ✓"]
    assert right[-2] == "0 ✓"
    assert page.text("#version") == "version v1"
    faultless(page)


def test_numbers_become_a_histogram_and_lists_their_length(browser: Browser, console: Start) -> None:
    running = console(named("a"), named("b"))
    running.watched["a"].view.stored(rows([i / 10 for i in range(100)]))
    running.watched["b"].view.stored(rows([[0.5, 0.5]]))
    page = browser.open(running.address)
    page.wait_for("#answers-body .summary", "median 4.8, from 0 to 9.8, of the last 50 values")
    assert page.evaluate("document.querySelectorAll('.histogram div').length") == 24
    page.evaluate("location.hash = 'b'")
    page.wait_for("#answers-body", "class: lists of 2 values; they are not counted")
    faultless(page)


def test_markup_in_rows_and_letters_is_text(browser: Browser, console: Start) -> None:
    running = console(named("a"))
    stored = rows([EVIL[:70]], word=EVIL)
    stored.dead = [DeadLetter(Message(EVIL.encode(), offset=7), EVIL, EVIL)]
    running.watched["a"].view.stored(stored)
    running.watched["a"].health.waiting("predict", EVIL)
    page = browser.open(running.address)
    page.wait_for("#waits", EVIL)
    page.wait_for("#causes", EVIL)
    page.evaluate("document.querySelector('details').open = true")
    assert page.text("details pre") == EVIL
    assert EVIL[:70] in page.text("#answers-body")
    # cut in the row, but markup all the same
    assert page.texts("#last")[0][3].startswith("<script>")
    assert page.evaluate("document.title") == "a · Stream Serving"
    assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
    faultless(page)


def test_an_open_letter_stays_open_while_others_come(browser: Browser, console: Start) -> None:
    running = console(named("a"))
    page = browser.open(running.address)

    def letter(offset: int) -> None:
        stored = Batch({}, [])
        stored.dead = [DeadLetter(Message(b"value %d" % offset, offset=offset), "not_json", "malformed")]
        running.watched["a"].view.stored(stored)

    letter(1)
    page.wait_for("#letters", "offset 1")
    page.evaluate("document.querySelector('details').open = true")
    letter(2)
    page.wait_for("#letters", "offset 2")
    assert page.text("details[open] pre") == "value 1"
    assert page.text("#total-dead") == "2"
    faultless(page)


def test_the_newest_rows_can_be_held(browser: Browser, console: Start) -> None:
    running = console(named("a"))
    running.watched["a"].view.stored(rows([1]))
    page = browser.open(running.address)
    page.wait_for("#total-rows", "1")
    page.evaluate("document.getElementById('hold').click()")
    running.watched["a"].view.stored(rows([1, 1]))
    page.wait_for("#total-rows", "3")
    assert len(page.texts("#last")) == 1
    page.evaluate("document.getElementById('hold').click()")
    assert len(page.texts("#last")) == 3
    faultless(page)


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_sticks_out(browser: Browser, console: Start, dark: bool) -> None:
    running = console(*(named(f"pipeline-with-a-long-name-{i}") for i in range(4)))
    watched = next(iter(running.watched.values()))
    stored = rows([0, 1, 2] * 10, word="word " * 40)
    stored.dead = [DeadLetter(Message(b"x" * 900, offset=7), "invalid_field", "y" * 400)]
    watched.view.stored(stored)
    watched.health.waiting("predict", "model API cannot be reached (" + "z" * 200 + ")")
    page = browser.open(running.address, 360, 780, dark=dark)
    page.wait_for("#waits", "zzz")
    page.evaluate("document.querySelector('details').open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(15, 21, 20)") == dark
    faultless(page)


def test_the_keyboard_reaches_every_pipeline(browser: Browser, console: Start) -> None:
    page = browser.open(console(named("a"), named("b")).address)
    page.wait_for("#pipelines", "b")
    assert page.text("[aria-current]") == "a"
    for _ in range(2):
        page.press("Tab", TAB)
    assert page.text(":focus-visible") == "b"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter", 13)
    page.wait_for("[aria-current]", "b")
    assert page.text("#topic") == "topic-b"
    # the figures that come each second leave the focus where it is
    began = page.evaluate("performance.now()")
    wait_until("two more seconds", lambda: page.evaluate("performance.now()") > began + 2000)
    assert page.text(":focus") == "b"
    faultless(page)


def test_every_table_and_picture_has_a_name(browser: Browser, console: Start) -> None:
    running = console(named("a"))
    running.watched["a"].view.stored(rows([0, 1]))
    page = browser.open(running.address)
    page.wait_for("#total-rows", "2")
    assert page.evaluate("[...document.querySelectorAll('table')].every(t => t.caption?.textContent)")
    assert page.evaluate("[...document.querySelectorAll('th')].every(t => t.scope && t.textContent)")
    assert page.evaluate(
        "[...document.querySelectorAll('section')].every(s => s.ariaLabel || s.ariaLabelledByElements)"
    )
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
    faultless(page)


def test_a_chart_reads_out_the_second_under_the_cursor(browser: Browser, console: Start) -> None:
    page = browser.open(console(named("a")).address)
    page.wait_for("#connection", "live")
    wait_until("a few seconds", lambda: page.evaluate("document.querySelectorAll('canvas').length") == 3)
    box = "document.querySelector('#chart-rows .u-over').getBoundingClientRect()"
    right, top = page.evaluate(f"{box}.right"), page.evaluate(f"{box}.top")

    def pointed() -> bool:
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=right - 1, y=top + 20)
        return page.text("#chart-rows .when").startswith("at ")

    wait_until("the time under the cursor", pointed)
    # one cursor through all charts
    assert page.text("#chart-lag .when") == page.text("#chart-rows .when")
    faultless(page)


def test_files_are_asked_for_again_and_sent_once(console: Start) -> None:
    address = console(named("a")).address
    for path in ("/", "/static/console.js", "/static/vendor/uPlot.iife.min.js"):
        first = requests.get(address + path, timeout=5)
        assert first.status_code == 200
        assert first.headers["Cache-Control"] == "no-cache"
        again = requests.get(address + path, headers={"If-None-Match": first.headers["ETag"]}, timeout=5)
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/static/console.css", "/health/live", "/metrics", "/static/none", "/none"])
def test_every_answer_carries_the_policy(console: Start, path: str) -> None:
    headers = requests.get(console(named("a")).address + path, timeout=5).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["../server.py", "%2e%2e/server.py", "vendor/README.md", "", "vendor"])
def test_only_the_pages_own_files_are_served(console: Start, path: str) -> None:
    address = console(named("a")).address
    request = requests.Request("GET", address).prepare()
    # as it is: a client would resolve the dots
    request.url = f"{address}/static/{path}"
    with requests.Session() as session:
        assert session.send(request, timeout=5).status_code == 404


def test_a_stream_ends_with_its_console(console: Start) -> None:
    running = console(named("a"))
    with requests.get(f"{running.address}/events", stream=True, timeout=5) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        wait_until("the first event", lambda: next(lines) == b"event: all")
        running.watched["a"].health.stopped("the table is gone")
        began = time.monotonic()
        running.close()
        assert time.monotonic() - began < 2
        assert "the table is gone" in b"".join(lines).decode()


def test_a_question_about_the_stream_is_answered(console: Start) -> None:
    answer = requests.head(f"{console(named('a')).address}/events", timeout=5)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
