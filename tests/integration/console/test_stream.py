"""The page of a running subscriber: its figures are the database's, and it tells what goes wrong."""

from __future__ import annotations

import signal
import socket
import time
from typing import TYPE_CHECKING

import psutil
import psycopg

from tests.faults import FaultyApi, status
from tests.stream import FIELDS, PipelineFile, SubscriberProcess, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser import Browser

    Subscribe = Callable[..., SubscriberProcess]

PAGES = 50
# of which so many never read what they are sent
DEAF = 10
SECONDS = 5.0


def test_the_figures_are_those_of_the_database(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection, browser: Browser
) -> None:
    page = browser.open(subscribe().address)
    page.wait_for("#state-word", "No rows yet")
    topic.write(flower(i, **({"petal_width": None} if i in (7, 8) else {})) for i in range(100))
    topic.write_raw(b"no json")
    topic.write_raw(None)
    # a row that only the table refuses leaves the others beside their own predictions
    topic.write([flower(100, timestamp="noon"), flower(101)], partition=0)
    page.wait_for("#total-rows", "99")
    page.wait_for("#total-dead", "4")
    page.wait_for("#total-deleted", "1")

    predictions = pipeline.predictions(target)
    assert len(predictions) == 99
    by_class = f"select iris_class::text, count(*)::int from {pipeline.table} group by 1 order by 1"
    shown = [(label, int(n.split()[0])) for label, _, n, *_ in page.texts("#answers-body tbody")]
    assert shown == target.execute(by_class).fetchall()
    causes = "select cause, count(*)::int from dead_letter where pipeline = %s group by 1"
    assert {cause: int(n) for cause, n in page.texts("#causes")} == dict(
        target.execute(causes, [pipeline.name]).fetchall()
    )
    letters = {(partition, offset) for _, _, partition, offset, _ in pipeline.dead(target)}
    said = page.text("#letters")
    assert all(f"partition {partition}, offset {offset}" in said for partition, offset in letters)
    answers = dict(predictions)
    last = page.texts("#last")
    assert len(last) == 20
    (heads,) = page.texts("#last-head")
    for cells in last:
        shown_row = dict(zip(heads, cells, strict=True))
        row = flower(int(shown_row["id"]))
        assert int(shown_row["iris_class"]) == answers[int(shown_row["id"])]
        assert {f: float(shown_row[f]) for f in FIELDS} == {f: row[f] for f in FIELDS}
    wait_until("no lag", lambda: [lag for *_, lag in page.texts("#partitions")] == ["0"] * 4)
    page.wait_for("#state-word", "Idle")
    assert page.complaints == []
    page.close()


def test_accuracy_is_that_of_the_database(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection, browser: Browser
) -> None:
    if "[truth]" not in pipeline.text:
        pipeline.text += '\n[truth]\ncolumn = "target"\n'
        pipeline.write()
    # every tenth truth is another than the model's answer, one is not known
    truths = {i: None if i == 5 else (i + (i % 10 == 0)) % 3 for i in range(90)}
    topic.write(flower(i, target=truth) for i, truth in truths.items())
    page = browser.open(subscribe().address)
    page.wait_for("#total-rows", "90")
    right = sum(truths[key] == answer for key, answer in pipeline.predictions(target))
    page.wait_for(".headline", f"{right / 89:.1%}")
    page.wait_for(".headline", "right of 89 with known truth")
    page.close()


def test_the_page_tells_that_the_model_is_away_and_that_it_is_back(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, browser: Browser
) -> None:
    pipeline.use(faulty_api.address)
    page = browser.open(subscribe().address)
    page.wait_for("#state-word", "No rows yet")
    faulty_api.fault = lambda _: status(503)
    topic.write(flower(i) for i in range(40))
    wait_until("the first try", lambda: faulty_api.requests_seen > 0)
    # a second for the tick, and what a busy machine takes
    page.wait_for("#state-word", "Waiting", 4)
    page.wait_for("#waits", "predict model API answers 503 for", 4)
    page.wait_for('[data-series="lag"] dd', "40")
    assert page.text('[data-series="rows"] dd') == "0/s"
    page.wait_for("#waits", "for 3 s now, retrying")
    page.wait_for("#total-retries", "predict")
    faulty_api.fault = lambda _: None
    page.wait_for("#state-word", "Predicting")
    assert page.text("#waits") == ""
    page.wait_for("#total-rows", "40")
    page.wait_for("#state-word", "Idle")
    assert page.complaints == []
    page.close()


def test_a_model_that_does_not_answer_is_told_of(
    topic: Topic, pipeline: PipelineFile, faulty_api: FaultyApi, subscribe: Subscribe, browser: Browser
) -> None:
    pipeline.use(faulty_api.address)
    page = browser.open(subscribe().address)
    page.wait_for("#state-word", "No rows yet")
    faulty_api.gate.clear()
    topic.write([flower(0)])
    page.wait_for("#waits", "predict the model has not answered yet for")
    faulty_api.gate.set()
    page.wait_for("#total-rows", "1")
    page.close()


def test_the_page_recovers_from_a_restart_by_itself(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection, browser: Browser
) -> None:
    topic.write(flower(i) for i in range(30))
    subscriber = subscribe()
    page = browser.open(subscriber.address)
    page.wait_for("#total-rows", "30")
    assert subscriber.stop() == 0
    page.wait_for("#connection", "not connected since")
    assert page.evaluate("document.body.classList.contains('stale')")
    # what was last heard stays
    assert page.text("#total-rows") == "30"
    topic.write(flower(i) for i in range(30, 40))
    subscriber.restart()
    page.wait_for("#connection", "live")
    page.wait_for("#total-rows", "10")
    assert not page.evaluate("document.body.classList.contains('stale')")
    pipeline.assert_exactly_once(target, range(40))
    page.close()


def test_a_page_hears_that_its_subscriber_stands_still(
    pipeline: PipelineFile, subscribe: Subscribe, browser: Browser
) -> None:
    subscriber = subscribe()
    page = browser.open(subscriber.address)
    page.wait_for("#connection", "live")
    subscriber.send(signal.SIGSTOP)
    page.wait_for("#connection", "not connected since")
    subscriber.send(signal.SIGCONT)
    page.wait_for("#connection", "live")
    page.close()


def test_fifty_pages_cost_little_and_do_not_hold_up_a_stop(
    topic: Topic, pipeline: PipelineFile, subscribe: Subscribe, target: psycopg.Connection
) -> None:
    subscriber = subscribe()
    topic.write(flower(i) for i in range(200))
    pipeline.wait_for(target, 200)
    process = psutil.Process(subscriber.pid)
    memory, busy = process.memory_info().rss, sum(process.cpu_times()[:2])
    pages = [opened(subscriber.address) for _ in range(PAGES)]
    began = time.monotonic()
    events = [0] * PAGES
    while time.monotonic() < began + SECONDS:
        for i, page in enumerate(pages[DEAF:]):
            events[i] += heard(page).count(b"event: ")
    assert min(events[: PAGES - DEAF]) >= SECONDS - 2
    assert process.memory_info().rss - memory < 30e6
    assert sum(process.cpu_times()[:2]) - busy < 0.5 * SECONDS
    began = time.monotonic()
    subscriber.send(signal.SIGTERM)
    assert subscriber.wait() == 0
    assert time.monotonic() - began < 8
    for page in pages:
        page.close()


def opened(address: str) -> socket.socket:
    """A page's stream of events, with a small buffer on our side."""
    host, port = address.removeprefix("http://").split(":")
    page = socket.socket()
    page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    page.connect((host, int(port)))
    page.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    page.settimeout(0.02)
    return page


def heard(page: socket.socket) -> bytes:
    """What has arrived since the last look."""
    found = b""
    try:
        while piece := page.recv(65536):
            found += piece
    except TimeoutError:
        pass
    return found
