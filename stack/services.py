"""Our own services as processes: the model API, the connectors, the subscriber, the data generator."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import requests

from stack.errors import StackError
from stack.process import Server
from stack.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from stack.settings import Settings


class Services:
    """The services of one stack; `environment` is what each is started with."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self.environment = settings.environment()
        self.environment["MONITORING_SPILL_DIR"] = str(folder / "data" / "spill")
        self.environment["ARCHIVE_SPOOL_DIR"] = str(folder / "data" / "spool")
        subscriber_url = f"http://{settings.subscriber_host}:{settings.subscriber_port}"
        self.api = self.process("api", "api", url=f"{settings.api_url}/v2/health/ready", port=settings.api_port)
        self.subscriber = self.process(
            *("subscriber", "subscriber", "run", "subscriber/pipelines/iris.toml"),
            url=f"{subscriber_url}/health/ready",
            port=settings.subscriber_port,
        )
        self.watch = self.process("connectors-watch", "connectors", "watch")
        self.console = subscriber_url

    def process(
        self, name: str, module: str, *arguments: str, url: str | None = None, port: int | None = None
    ) -> Server:
        """A service as a server to start and stop; ready when `url` answers 200."""
        return Server(
            name=name,
            command=[sys.executable, "-m", module, *arguments],
            folder=self.folder,
            ready=(lambda: requests.get(url, timeout=2).ok) if url else (lambda: True),
            ports=[port] if port else [],
            environment=self.environment,
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

    def run(self, name: str, module: str, *arguments: str) -> None:
        """Run a service that ends by itself, its output in its log.

        Raises:
            ServerFailed: it ended with another status than 0.
        """
        server = self.process(name, module, *arguments)
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

    def register(self) -> None:
        """Register the connectors and wait until they run."""
        self.run("connectors", "connectors")
