"""The subscribers of a run, each with a login, a console and a clock of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from stack.process import Server
from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prometheus_client.samples import Sample

RESULTS = ("predicted", "dead")
HERE = ROOT / "tests" / "chaos"


class Member(Server):
    """One subscriber process."""

    def __init__(self, number: int, port: int, environment: Mapping[str, str], folder: Path) -> None:
        self.number = number
        self.login = f"member_{number}"
        self.address = f"http://127.0.0.1:{port}"
        self.clock = folder / "run" / f"clock-subscriber-{number}"
        super().__init__(
            name=f"subscriber-{number}",
            command=[sys.executable, "-m", "subscriber", "run", HERE / "pipeline.toml"],
            folder=folder,
            ready=lambda: requests.get(f"{self.address}/health/live", timeout=2).ok,
            ports=[port],
            environment={
                **environment,
                "SUBSCRIBER_USER": self.login,
                "SUBSCRIBER_PORT": str(port),
                "SESSION_TIMEOUT_SECONDS": "6",
                **clock(self.clock),
            },
            cwd=ROOT,
            stop_seconds=15.0,
        )

    def says(self) -> dict[str, Any]:
        """What /health/ready says; empty without an answer."""
        try:
            answer: dict[str, Any] = requests.get(f"{self.address}/health/ready", timeout=1).json()
        except requests.RequestException:
            return {}
        return answer

    def partitions(self) -> list[int]:
        """The partitions that its console shows; none without an answer."""
        return [
            partition for pipeline in self.says().get("pipelines", {}).values() for partition in pipeline["partitions"]
        ]

    def counted(self) -> dict[str, int]:
        """How many rows it has counted of each result."""
        counted = dict.fromkeys(RESULTS, 0)
        for sample in self._samples("subscriber_rows_total"):
            if (result := sample.labels["result"]) in counted:
                counted[result] += int(sample.value)
        return counted

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        return sum(sample.value for sample in self._samples(name))

    def _samples(self, name: str) -> list[Sample]:
        text = requests.get(f"{self.address}/metrics", timeout=5).text
        families = text_string_to_metric_families(text)
        return [sample for family in families for sample in family.samples if sample.name == name]


def clock(file: Path) -> dict[str, str]:
    """The environment of a Python process whose wall clock is moved by the seconds in a file."""
    return {"PYTHONPATH": str(HERE / "clock"), "CLOCK_SHIFT": str(file)}
