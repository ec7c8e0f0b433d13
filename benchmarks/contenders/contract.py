"""What a contender is told: six variables of the environment.

One with jars is told where they are too: BENCH_JARS, paths with commas between them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """Where rows come from, what predicts them, and where the predictions go."""

    brokers: str
    """BENCH_BROKERS, host:port."""
    topic: str
    """BENCH_TOPIC, in which messages are as the connector writes them."""
    group: str
    """BENCH_GROUP, of consumers that have read nothing yet."""
    api: str
    """BENCH_API, the model API's URL."""
    target: str
    """BENCH_TARGET, the connection string of the database with the table."""
    table: str
    """BENCH_TABLE, with the columns of `iris_prediction`."""

    def environment(self) -> dict[str, str]:
        return {f"BENCH_{name.upper()}": value for name, value in vars(self).items()}


def task() -> Task:
    """The task of this process."""
    return Task(**{name: os.environ[f"BENCH_{name.upper()}"] for name in Task.__dataclass_fields__})
