"""The commands of an example's README, with the environment that its reader has."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import requests

from stack.process import Server
from stack.settings import ROOT
from tests.commands import finished

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Example:
    """Runs commands that end by themselves, and the model server that the example needs."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, name: str, *, model_server: str, ready_url: str
    ) -> None:
        self.environment = environment
        self.model_server = Server(
            name=name,
            command=[sys.executable, "-m", model_server],
            folder=folder,
            ready=lambda: requests.get(ready_url, timeout=2).ok,
            environment=dict(environment),
            cwd=ROOT,
        )

    def run(self, module: str, *arguments: object) -> str:
        """What the command prints."""
        done = finished(module, *arguments, environment={**os.environ, **self.environment}, seconds=150)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
