"""The demo: every server and service, rows becoming predictions, and the proof that none was lost or doubled."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stack import ledger
from stack.errors import StackError
from stack.grafana import Viewers
from stack.live import Watch, show
from stack.servers import Stack
from stack.services import DEMO_USER, Services
from stack.settings import write_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stack.ledger import Ledger
    from stack.process import Server
    from stack.progress import Progress
    from stack.settings import Settings

FLOWING_SECONDS = 90.0
# a terminal that closes asks for an end like Ctrl-C does
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DRAIN_SECONDS = 60.0


def on_interrupt(handler: Callable[..., object] | signal.Handlers) -> None:
    """Have every interrupt handled so."""
    for signal_ in INTERRUPTS:
        signal.signal(signal_, handler)


def unheard(*_: object) -> None:
    """Handle an interrupt of a stop; a server that is still being started does not inherit this, unlike SIG_IGN."""


@dataclass(frozen=True)
class Flow:
    """What flows through the demo, and for how long."""

    seconds: float | None
    """None is until interrupted."""
    rate: float
    """Rows a second; 0 as fast as it goes."""
    drift: float
    """Of rows and applications, as the data generator has it; such a share of the images is hard to read, up to 1."""
    images: float
    """Images a second; 0 is none."""
    applications: float
    """Applications for a credit a second; 0 is none."""


class Interrupt:
    """Ctrl-C and SIGTERM: while rows flow, the first ends the flow and leads to the ledger; else it ends the demo."""

    def __init__(self) -> None:
        self.heard = threading.Event()
        self._deferred = False
        on_interrupt(self._handle)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within, the first interrupt is only noted."""
        self._deferred = True
        yield
        self._deferred = False

    def _handle(self, *_: object) -> None:
        if self.heard.is_set() or not self._deferred:
            # the stop begins here, in whatever is being started
            on_interrupt(unheard)
            raise KeyboardInterrupt
        self.heard.set()


class Demo:
    """Starts everything, watches, and takes it down again in reverse order."""

    def __init__(self, settings: Settings, folder: Path, progress: Progress) -> None:
        self.settings = settings
        self.progress = progress
        self.stack = Stack(settings, folder)
        self.services = Services(settings, folder)
        self.viewers = Viewers(settings, folder, progress.say)
        self.started: list[Server] = []
        self.stopping = False
        # an empty TASKS_USER does without tasks
        self.tasks = bool(settings.tasks_user)
        self.password: str | None = None

    def run(self, flow: Flow) -> bool:
        """Run until the flow ends, or interrupted; returns whether every row has exactly one result.

        Raises:
            StackError: something did not start, or stopped by itself.
        """
        interrupt = Interrupt()
        services = self.services
        for service in (services.api, services.subscriber, services.task_subscriber, services.watch):
            service.stop_leftover()
            service.check_ports()
        self.stack.fetch(self.progress)
        self._start_all()
        self.viewers.start()
        watch = Watch(self.settings)
        try:
            self._wait_flowing(watch)
            if self.tasks:
                self._start(self.services.task_subscriber)
            generators = self._generators(flow)
            for generator in generators:
                self._start(generator)
            environment = write_environment(self.settings, self.services.folder)
            self.progress.say(f"rows flow; console: {self.services.console}")
            self.progress.say(f"in a second terminal: set -a; . {environment}; set +a; . .venv/bin/activate")
            if flow.images:
                self.progress.say(
                    f"images flow too, {flow.images:g} a second; send one: {self.settings.api_url}/images/"
                )
            if flow.applications:
                self.progress.say(f"applications for a credit flow too, {flow.applications:g} a second")
            if self.tasks:
                self.progress.say(f"tasks: {self.settings.api_url}/tasks/ as user {DEMO_USER}, {self._password()}")
            self.progress.say(f"model API: {self.settings.api_url}/docs; Ctrl-C stops")
            end = time.monotonic() + flow.seconds if flow.seconds is not None else float("inf")

            def going_on() -> bool:
                self._check_running()
                return not interrupt.heard.is_set() and time.monotonic() < end

            with interrupt.deferred():
                show(watch, self.progress.console, going_on)
                for generator in generators:
                    self.started.remove(generator)
                    generator.stop()
            found = self._drained()
            p50, p99 = watch.overall()
        finally:
            watch.close()
        print(f"demo: {found} p50_ms={p50:.1f} p99_ms={p99:.1f}", flush=True)
        return found.balanced

    def stop(self) -> None:
        """Stop what was started, the last first; nothing interrupts this."""
        on_interrupt(unheard)
        self.stopping = True
        self.progress.say("stopping")
        self.viewers.stop()
        while self.started:
            self.started.pop().stop()
        self.stack.stop()
        # nor does one change the exit status
        on_interrupt(signal.SIG_IGN)

    def _generators(self, flow: Flow) -> list[Server]:
        generators = [self.services.generator("--rate", str(flow.rate), "--drift", str(flow.drift))]
        if flow.images:
            generators.append(self.services.images(flow.images, min(abs(flow.drift), 1.0)))
        if flow.applications:
            generators.append(self.services.applications(flow.applications, flow.drift))
        return generators

    def _start_all(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            api = pool.submit(self._start_api)
            try:
                self.stack.start(self.progress.say)
                user = pool.submit(self.services.add_user) if self.tasks else None
                self.services.first_row()
                self.progress.say("registering the connectors")
                self.services.register(*(["--tasks"] if self.tasks else []))
                api.result()
                self.password = user.result() if user is not None else None
            except BaseException:
                # the API's readiness is waited for in the pool, which is left only then
                self.services.api.stop()
                raise
        self._start(self.services.watch)
        self._start(self.services.subscriber)

    def _password(self) -> str:
        """What there is to say of the user's password."""
        if self.password is not None:
            return f"password {self.password}"
        return (
            f"with the password that was printed at the first start; "
            f"`python -m api.users password {DEMO_USER} --generate` gives another"
        )

    def _start_api(self) -> None:
        self.services.train()
        self._start(self.services.api)

    def _start(self, server: Server) -> None:
        if self.stopping:
            return
        server.start()
        self.started.append(server)
        server.wait_ready()

    def _wait_flowing(self, watch: Watch) -> None:
        """Wait until the newest row is predicted: connectors that run may still be starting to read.

        Raises:
            StackError: it is not predicted in time.
        """
        end = time.monotonic() + FLOWING_SECONDS
        while not watch.caught_up():
            self._check_running()
            if time.monotonic() > end:
                raise StackError(
                    f"no prediction within {FLOWING_SECONDS:.0f} s; the logs are in {self.services.folder}/log"
                )
            time.sleep(0.05)
        self.progress.say("the first row is predicted")

    def _check_running(self) -> None:
        """See that everything still runs.

        Raises:
            ServerFailed: something stopped.
        """
        for server in (*self.stack.started, *self.started):
            server.check_running()

    def _drained(self) -> Ledger:
        """The ledger, once every row has its result or the wait for that is over."""
        self.progress.say("the generator has stopped; waiting until every row has its prediction")
        s = self.settings
        return ledger.settled(s.source_dsn(), s.reader_dsn(), DRAIN_SECONDS, self._check_running)
