"""A headless Chromium, told what to do over the Chrome DevTools Protocol through a pair of pipes.

Source: the protocol's own reference; `--remote-debugging-pipe` reads commands from file descriptor 3 and answers on 4,
each message a JSON text that ends with a zero byte.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ANSWER_SECONDS: Final = 30.0
OPTIONS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"),
    *("--no-first-run", "--no-default-browser-check", "--disable-extensions", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
    *("--no-proxy-server", "--hide-scrollbars", "--lang=en-GB"),
)
# gives the browser its pipes under the numbers that it wants; the originals are moved out of their way first
LAUNCH: Final = """
import fcntl, os, sys
reads, writes = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(reads, 3)
os.dup2(writes, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for the whole run; without one the test is skipped, in CI it fails."""
    program = installed()
    if program is None:
        missing = "there is no Chromium (on Debian and Ubuntu: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with Browser(program, tmp_path_factory.mktemp("profile")) as running:
        yield running


def installed() -> str | None:
    """Path of a Chromium, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A running browser with a profile of its own."""

    def __init__(self, program: str, profile: Path) -> None:
        commands, self._commands = os.pipe()
        answers, told = os.pipe()
        launch = [sys.executable, "-c", LAUNCH, str(commands), str(told), program]
        self._process = subprocess.Popen(  # noqa: S603 (found by name)
            [*launch, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, told),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(commands)
        os.close(told)
        self._answers = answers
        self._numbers = itertools.count(1)
        self._asked: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.call("Browser.close")
        self._process.wait(20)
        self._reading.join(5)
        os.close(self._commands)
        os.close(self._answers)

    def open(self, url: str, width: int = 1280, height: int = 900, *, dark: bool = False) -> Page:
        """A page of this size at the address; everything it complains about is kept in `complaints`."""
        target = self.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[scheme])
        page.call("Page.navigate", url=url)
        return page

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer to a command."""
        number = next(self._numbers)
        answer = self._asked[number] = queue.Queue(1)
        message = {"id": number, "method": method, "params": parameters}
        text = json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0"
        while text:
            text = text[os.write(self._commands, text) :]
        got = answer.get(timeout=ANSWER_SECONDS)
        assert "error" not in got, f"{method}: {got['error']}"
        return dict(got["result"])

    def _read(self) -> None:
        rest = b""
        while piece := os.read(self._answers, 1 << 16):
            *messages, rest = (rest + piece).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._asked.pop(message["id"]).put(message)
                elif page := self._pages.get(message.get("sessionId", "")):
                    page.heard(message["method"], message["params"])


class Page:
    """One page; JavaScript is evaluated in it, keys are pressed, pictures taken."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target
        self._navigated = threading.Event()
        self._loaded = threading.Event()
        self.complaints: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def evaluate(self, script: str) -> Any:
        """The value of an expression."""
        got = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in got, got["exceptionDetails"]
        return got["result"].get("value")

    def text(self, selector: str) -> str:
        """What a person reads in an element; nothing if there is none or it is hidden."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")).strip()

    def texts(self, selector: str) -> list[list[str]]:
        """The cells of each row of a table's body."""
        rows = f"[...document.querySelectorAll({json.dumps(selector + ' tr')})]"
        return list(self.evaluate(f"{rows}.map(row => [...row.cells].map(cell => cell.innerText.trim()))"))

    def wait_for(self, selector: str, words: str, seconds: float = 30.0) -> str:
        """The element's text, once these words are in it."""
        found: str = wait_until(
            f"{words!r} in {selector} ({self.text(selector)!r})",
            lambda: words in self.text(selector) and self.text(selector),
            seconds,
        )
        return found

    def press(self, key: str, code: int) -> None:
        """Press a key and let it go; `code` is its virtual key code."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def reload(self) -> None:
        """Load the page anew; it is there when this returns."""
        self._navigated.clear()
        self.call("Page.reload")
        assert self._navigated.wait(ANSWER_SECONDS), "the page is not left"
        assert self._loaded.wait(ANSWER_SECONDS), "the page is not loaded"

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Save what the page looks like as a PNG file."""
        got = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(got["data"]))

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)

    def heard(self, event: str, told: dict[str, Any]) -> None:
        """Note errors, warnings and breaches of the content security policy, and when the page is another."""
        if event == "Page.frameNavigated":
            self._loaded.clear()
            self._navigated.set()
        elif event == "Page.loadEventFired":
            self._loaded.set()
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([a.get("value") for a in told["args"]]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{told['entry']['source']}: {told['entry']['text']}")
