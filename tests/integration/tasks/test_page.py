"""The page at /tasks/ in a real browser: signing in, a new task, its progress and its result, outages, a telephone."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests import tasks as rows_of
from tests.browser import browser  # noqa: F401 (a fixture)
from tests.stream import wait_until
from tests.tasks import FLOWER, Person, flowers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stack.process import Server
    from stack.services import Services
    from stack.settings import Settings
    from tests.browser import Browser, Page

SIGNED_OUT = "document.querySelector('#sign-in')?.hidden === false"
REFUSED = "Failed to load resource"


@pytest.fixture
def page(browser: Browser, settings: Settings, task_subscriber: Server) -> Iterator[Page]:  # noqa: F811
    opened = browser.open(f"{settings.api_url}/tasks/")
    wait_until("the page is there", lambda: opened.evaluate(SIGNED_OUT))
    yield opened
    # a browser notes each refusal in its console, and there is to be nothing but that
    assert [each for each in opened.complaints if REFUSED not in each] == []
    opened.close()


def fill(page: Page, selector: str, words: str) -> None:
    page.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
    page.call("Input.insertText", text=words)


def click(page: Page, selector: str) -> None:
    page.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def shown(page: Page, selector: str) -> bool:
    return bool(page.evaluate(f"document.querySelector({json.dumps(selector)})?.checkVisibility() ?? false"))


def sign_in(page: Page, person: Person) -> None:
    """With the keys alone."""
    fill(page, "#name", person.name)
    page.press("Tab", 9)
    page.call("Input.insertText", text=person.password)
    page.press("Enter", 13)
    wait_until("signed in", lambda: shown(page, "#tasks"))
    wait_until("the models are known", lambda: page.evaluate("document.querySelector('#model').options.length") > 0)


def reload_with(page: Page, change: str) -> None:
    """Load the page anew, once the session that it `kept` is changed."""
    page.evaluate(
        f"{{ const kept = JSON.parse(sessionStorage.getItem('session')); {change};"
        " sessionStorage.setItem('session', JSON.stringify(kept)); }"
    )
    page.reload()


def give(page: Page, path: Path) -> None:
    """Choose a file by the button."""
    root: dict[str, Any] = page.call("DOM.getDocument")["root"]
    field = page.call("DOM.querySelector", nodeId=root["nodeId"], selector="#file")["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=field, files=[str(path)])


def submit(page: Page, path: Path, model: str = "iris") -> None:
    page.evaluate(
        f"{{ const model = document.querySelector('#model'); model.value = {json.dumps(model)};"
        " model.dispatchEvent(new Event('change')); }"
    )
    give(page, path)
    wait_until("it can be submitted", lambda: not page.evaluate("document.querySelector('#send').disabled"))
    click(page, "#send")


def card(task_id: str, part: str = "") -> str:
    return f"#list li[data-id='{task_id}'] {part}".strip()


def ids(page: Page) -> list[str]:
    return list(page.evaluate("[...document.querySelectorAll('#list li')].map((card) => card.dataset.id)"))


def file_of(folder: Path, rows: list[dict[str, Any]], name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(rows_of.csv(rows))
    return path


def saved(page: Page, folder: Path, act: Callable[[], None]) -> Path:
    """The file that the browser saves when this is done."""
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    act()

    def found() -> Path | None:
        files = [path for path in folder.iterdir() if path.suffix != ".crdownload"]
        return files[0] if files else None

    path: Path = wait_until("the file is saved", found)
    return path


def test_a_file_is_submitted_followed_and_its_result_saved(page: Page, person: Person, tmp_path: Path) -> None:
    # Given nobody signed in, when the password is wrong
    fill(page, "#name", person.name)
    fill(page, "#password", "guessed")
    page.press("Enter", 13)

    # Then the page says so, and lets in with the right one
    page.wait_for("#sign-in-problem", "User or password is wrong.")
    sign_in(page, person)
    assert page.text("#user") == person.name
    page.wait_for("#empty", "No tasks yet")

    # When a file is submitted
    submit(page, file_of(tmp_path, flowers(2_000)))

    # Then it is on the list, and becomes done without being asked again
    [task_id] = wait_until("the task is listed", lambda: ids(page))
    page.wait_for(card(task_id, ".status"), "done", 60)
    assert page.text(card(task_id, ".counts")) == "2,000 rows"
    assert "took" in page.text(card(task_id, ".times"))
    bar = page.evaluate(f'{{ const bar = document.querySelector("{card(task_id, ".bar")}"); bar.ariaValueNow }}')
    assert bar == "2000"
    wait_until("it is told to a screen reader", lambda: page.text("#told"))
    assert not shown(page, card(task_id, "[data-do=cancel]"))

    # And each of its files is one click away
    for verb, ending in (
        ("csv", "result.csv"),
        ("json", "result.json"),
        ("parquet", "result.parquet"),
        ("input", "input.csv"),
    ):
        folder = tmp_path / verb
        folder.mkdir()
        path = saved(page, folder, lambda verb=verb: click(page, card(task_id, f"[data-do={verb}]")))  # type: ignore[misc]
        assert path.name == f"iris-{task_id}-{ending}"
        if verb == "json":
            assert json.loads(path.read_text()) == person.rows(task_id)
        elif verb == "parquet":
            assert path.read_bytes()[:4] == b"PAR1"
        else:
            assert len(list(csv.DictReader(io.StringIO(path.read_text())))) == 2_000

    # When it is removed, then only once that is confirmed
    click(page, card(task_id, "[data-do=remove]"))
    assert "2,000 rows of iris" in page.text("#sure-words")
    page.press("Escape", 27)
    wait_until("the question is gone", lambda: not shown(page, "#sure"))
    assert ids(page) == [task_id]

    # And the question may be put again before the browser tells that the last one is closed
    remove = f"document.querySelector({json.dumps(card(task_id, '[data-do=remove]'))}).click()"
    page.evaluate(f"""new Promise((told) => {{
      const question = document.querySelector("#sure");
      {remove};
      question.addEventListener("close", told, {{ once: true }});
      question.close("");
      {remove};
    }})""")
    click(page, "#sure [value=remove]")
    wait_until("the task is gone", lambda: ids(page) == [])
    assert person.http.get(f"/tasks/{task_id}").status_code == 404


def test_a_refusal_and_rows_that_failed_are_told_in_words(page: Page, person: Person, tmp_path: Path) -> None:
    sign_in(page, person)
    submit(page, file_of(tmp_path, [{"sepal_length": 5.1}], "narrow.csv"))
    page.wait_for("#new-problem", "petal_width")
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"%PDF-1.7")
    give(page, paper)
    page.wait_for("#new-problem", "paper.pdf is no CSV")

    some = person.made(person.send_rows([FLOWER, {**FLOWER, "petal_width": "wide"}]))
    none = person.made(person.send_rows([{**FLOWER, "petal_width": "wide"}]))
    person.ended(some)
    person.ended(none)
    click(page, "#sign-out")
    sign_in(page, person)
    page.wait_for(card(some, ".counts"), "2 rows, 1 with an error")
    assert page.text(card(none, ".status")) == "failed"
    assert page.text(card(none, ".error"))


def test_a_task_is_cancelled_and_lists_are_filtered(page: Page, person: Person, task_subscriber: Server) -> None:
    done = person.made(person.send_rows([FLOWER]))
    person.ended(done)
    sign_in(page, person)
    task_subscriber.stop()
    try:
        stuck = person.made(person.send_rows([FLOWER]))
        page.wait_for("#list", stuck)
        assert ids(page) == [stuck, done]
        click(page, card(stuck, "[data-do=cancel]"))
        page.wait_for(card(stuck, ".status"), "cancelled")
    finally:
        task_subscriber.restart()
    for status, left in (("done", [done]), ("cancelled", [stuck]), ("failed", [])):
        page.evaluate(
            f"{{ const field = document.querySelector('#of-status'); field.value = '{status}';"
            " field.dispatchEvent(new Event('change')); }"
        )
        wait_until(f"those that are {status}", lambda left=left: ids(page) == left)  # type: ignore[misc]
    page.wait_for("#empty", "No task is like that.")


def test_more_tasks_than_a_page_holds_are_loaded_on_demand(page: Page, person: Person) -> None:
    made = [person.made(person.send_rows([FLOWER])) for _ in range(53)]
    person.ended(made[-1])
    sign_in(page, person)
    wait_until("the first page", lambda: len(ids(page)) == 50)
    click(page, "#more")
    wait_until("all of them", lambda: ids(page) == made[::-1])
    assert not shown(page, "#more")
    # and they stay when the list is looked at again
    newest = person.made(person.send_rows([FLOWER]))
    page.wait_for("#list", newest)
    assert ids(page) == [newest, *made[::-1]]


def test_nobody_sees_anothers_tasks(page: Page, person: Person, another: Person) -> None:
    task_id = person.made(person.send_rows([FLOWER]))
    sign_in(page, another)
    page.wait_for("#empty", "No tasks yet")
    click(page, "#sign-out")
    assert page.evaluate(SIGNED_OUT)
    sign_in(page, person)
    wait_until("one's own", lambda: ids(page) == [task_id])
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_a_session_that_has_ended_is_told(page: Page, person: Person) -> None:
    sign_in(page, person)
    # Given a token that the service takes no more
    reload_with(page, "kept.token = 'old'")
    page.wait_for("#notice", "Your session has ended. Sign in again.")
    assert page.evaluate(SIGNED_OUT)
    assert page.evaluate("sessionStorage.length") == 0

    # Given one whose time is up
    sign_in(page, person)
    reload_with(page, "kept.until = Date.now() + 500")
    page.wait_for("#notice", "Your session has ended. Sign in again.")


def test_a_session_that_ends_during_an_upload_lets_it_end(page: Page, person: Person, tmp_path: Path) -> None:
    sign_in(page, person)
    reload_with(page, "kept.until = Date.now() + 8000")
    wait_until("the models are known", lambda: page.evaluate("document.querySelector('#model')?.options.length") or 0)
    # an upload that takes longer than that
    page.evaluate(
        "{ const send = XMLHttpRequest.prototype.send;"
        " XMLHttpRequest.prototype.send = function (form) { setTimeout(() => send.call(this, form), 12000); }; }"
    )

    submit(page, file_of(tmp_path, flowers(3)))

    page.wait_for("#notice", "Your session has ended. Sign in again.")
    [task] = person.http.get("/tasks").json()["tasks"]
    assert task["rows_total"] == 3


def test_a_service_that_is_away_is_told_and_waited_for(
    page: Page, person: Person, services: Services, tmp_path: Path
) -> None:
    sign_in(page, person)
    page.wait_for("#empty", "No tasks yet")
    services.api.kill()
    try:
        page.wait_for("#away", "The service does not answer")
        assert "Trying again in" in page.text("#away")
        # what is submitted meanwhile can be submitted again
        submit(page, file_of(tmp_path, [FLOWER]))
        page.wait_for("#new-problem", "it will not be two tasks")
    finally:
        services.api.restart()
    wait_until("it is there again", lambda: not shown(page, "#away"), 60)
    click(page, "#send")
    [task_id] = wait_until("the task is listed", lambda: ids(page))
    page.wait_for(card(task_id, ".status"), "done", 60)


def test_a_large_result_goes_straight_to_the_file(page: Page, person: Person) -> None:
    task_id = person.made(person.send_rows(flowers(3_000)))
    person.ended(task_id)
    sign_in(page, person)
    page.wait_for("#list", task_id)
    # a file of the browser's own stands for the one that a person picks
    text = page.evaluate(f"""(async () => {{
      const folder = await navigator.storage.getDirectory();
      const handle = await folder.getFileHandle("picked.csv", {{ create: true }});
      window.showSaveFilePicker = async (options) => (handle.suggested = options.suggestedName, handle);
      const {{ download }} = await import("/tasks/static/download.js");
      const {{ Session }} = await import("/tasks/static/session.js");
      const task = {{ id: "{task_id}", model: "iris", rows_total: 1000000 }};
      await download(new Session(() => {{}}), task, "result", "csv", false, () => {{}});
      return handle.suggested + "\\n" + await (await handle.getFile()).text();
    }})()""")
    name, _, result = text.partition("\n")
    assert name == f"iris-{task_id}-result.csv"
    assert result.encode() == person.result(task_id, "text/csv").content


@pytest.mark.parametrize("width", [320, 390])
def test_a_telephone_shows_all_of_it(
    browser: Browser,  # noqa: F811
    settings: Settings,
    person: Person,
    width: int,
) -> None:
    person.ended(person.made(person.send_rows([FLOWER, {**FLOWER, "petal_width": "wide"}])))
    page = browser.open(f"{settings.api_url}/tasks/", width, 700, dark=True)
    wait_until("the page is there", lambda: page.evaluate(SIGNED_OUT))
    sign_in(page, person)
    wait_until("the list is there", lambda: ids(page))
    # nothing is wider than the screen, and whatever is pressed is as large as a fingertip
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    buttons = "[...document.querySelectorAll('button, .button, select')].filter((each) => each.checkVisibility())"
    assert page.evaluate(f"Math.min(...{buttons}.map((each) => each.getBoundingClientRect().height))") >= 44
    # each button says what it does, and to which task
    named = page.evaluate("[...document.querySelectorAll('#list button')].map((each) => each.ariaLabel)")
    assert all("task" in name for name in named)
    assert page.complaints == []
    page.close()


def test_the_page_loads_and_runs_nothing_but_its_own_files(settings: Settings, tasks_api: Server) -> None:
    page = httpx.get(f"{settings.api_url}/tasks/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "://" not in page.text
    again = httpx.get(f"{settings.api_url}/tasks/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("tasks.css", "tasks.js", "session.js", "submit.js", "list.js", "download.js", "words.js", "icon.svg"):
        assert httpx.get(f"{settings.api_url}/tasks/static/{name}").headers["content-security-policy"] == policy
    for name in ("index.htm", "..%2froutes.py", "%2e%2e/routes.py"):
        assert httpx.get(f"{settings.api_url}/tasks/static/{name}").status_code in {401, 404}
