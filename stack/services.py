"""Our own services as processes: the model API, the connectors, the subscriber, the data generator."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import requests

from stack import key
from stack.errors import StackError
from stack.process import Server
from stack.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from stack.settings import Settings

# the demo's user of tasks, and how `api.users` tells that there is one already
DEMO_USER, USER_TAKEN = "demo", 3
TASK_PIPELINES = tuple(f"subscriber/pipelines/tasks-{model}.toml" for model in ("credit", "digits", "iris"))


class Services:
    """The services of one stack; `environment` is what each is started with."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self.environment = settings.environment()
        self.environment["MONITORING_SPILL_DIR"] = str(folder / "data" / "spill")
        self.environment["ARCHIVE_SPOOL_DIR"] = str(folder / "data" / "spool")
        self.environment[key.VARIABLE] = str(key.signing_key(folder))
        subscriber_url = f"http://{settings.subscriber_host}:{settings.subscriber_port}"
        self.api = self.process("api", "api", url=f"{settings.api_url}/v2/health/ready", port=settings.api_port)
        self.subscriber = self.process(
            *("subscriber", "subscriber", "run", "subscriber/pipelines/iris.toml"),
            url=f"{subscriber_url}/health/ready",
            port=settings.subscriber_port,
        )
        # its topics are made by their first messages: until then it is not ready, and need not be
        self.task_subscriber = self.process(
            *("task-subscriber", "subscriber", "run", *TASK_PIPELINES),
            url=f"http://{settings.subscriber_host}:{settings.task_subscriber_port}/health/live",
            port=settings.task_subscriber_port,
            SUBSCRIBER_PORT=str(settings.task_subscriber_port),
        )
        self.watch = self.process("connectors-watch", "connectors", "watch")
        self.console = subscriber_url

    def process(
        self,
        name: str,
        module: str,
        *arguments: str,
        url: str | None = None,
        port: int | None = None,
        **changes: str,
    ) -> Server:
        """A service as a server to start and stop, with changes to the environment; ready when `url` answers 200."""
        return Server(
            name=name,
            command=[sys.executable, "-m", module, *arguments],
            folder=self.folder,
            ready=(lambda: requests.get(url, timeout=2).ok) if url else (lambda: True),
            ports=[port] if port else [],
            environment=self.environment | changes if changes else self.environment,
            cwd=ROOT,
            stop_seconds=15.0,
        )

    def generator(self, *options: str) -> Server:
        return self.process("generator", "data_generator", *options)

    def images(self, rate: float, drift: float) -> Server:
        """Sends so many images a second to the model API, such a share of them hard to read; half get their label."""
        return self.process(
            *("images", "data_generator", "images", "--rate", str(rate), "--drift", str(drift), "--label", "0.5")
        )

    def applications(self, rate: float, drift: float) -> Server:
        """Sends so many applications a second to the model API, with such a drift a minute."""
        return self.process(
            "applications", "data_generator", "applications", "--rate", str(rate), "--drift", str(drift)
        )

    def run(self, name: str, module: str, *arguments: str, **changes: str) -> None:
        """Run a service that ends by itself, its output in its log, with changes to the environment.

        Raises:
            ServerFailed: it ended with another status than 0.
        """
        server = self.process(name, module, *arguments, url=None, port=None, **changes)
        server.start()
        assert server.process is not None  # noqa: S101
        try:
            status = server.process.wait(300)
        except subprocess.TimeoutExpired:
            raise StackError(f"{name} did not end within 300 s; its log: {server.log}") from None
        finally:
            if server.running:
                server.kill()
        if status != 0:
            raise server.failed(f"stopped with exit status {status}")

    def train(self) -> None:
        """Train the models that are shipped, unless they are there; what was retrained since is served on."""
        self.run("train", "api.train", "--keep")

    def first_row(self) -> None:
        """Have the data generator create its table and write a row, which makes the connector create the topic."""
        self.run("first-row", "data_generator", "--rows", "1")

    def register(self, *options: str) -> None:
        """Register the connectors and wait until they run; `--tasks` is for that of the tasks too."""
        self.run("connectors", "connectors", "register", *options)

    def add_user(self) -> str | None:
        """Make the demo's user of tasks; return the password, which is told this once, or None if there is one already.

        Raises:
            StackError: it cannot be made.
        """
        done = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", "api.users", "add", DEMO_USER, "--generate"],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if done.returncode == USER_TAKEN:
            return None
        if done.returncode != 0:
            raise StackError(f"the user {DEMO_USER} cannot be made: {done.stderr.strip()}")
        return done.stdout.strip()
