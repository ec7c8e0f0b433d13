"""What Kafka Connect says of a connector."""

from dataclasses import dataclass
from typing import Any, Self

RUNNING = "RUNNING"
FAILED = "FAILED"


@dataclass(frozen=True)
class Part:
    """The connector itself, or one of its tasks."""

    what: str
    """`connector`, or `task 0`."""
    state: str
    """RUNNING, FAILED, UNASSIGNED, PAUSED, RESTARTING or STOPPED."""
    trace: str = ""
    """The Java stack trace of a failure."""


@dataclass(frozen=True)
class Status:
    """Of one connector and all of its tasks."""

    name: str
    parts: tuple[Part, ...]

    @classmethod
    def from_json(cls, content: Any) -> Self:
        """Read the answer of `GET /connectors/{name}/status`."""
        connector = content["connector"]
        return cls(
            content["name"],
            (
                Part("connector", connector["state"], connector.get("trace") or ""),
                *(Part(f"task {task['id']}", task["state"], task.get("trace") or "") for task in content["tasks"]),
            ),
        )

    @property
    def running(self) -> bool:
        """Whether the connector and every task run; a connector without tasks does nothing yet."""
        return len(self.parts) > 1 and all(part.state == RUNNING for part in self.parts)

    @property
    def failures(self) -> list[Part]:
        return [part for part in self.parts if part.state == FAILED]

    def __str__(self) -> str:
        return f"{self.name}: " + ", ".join(f"{part.what} {part.state}" for part in self.parts)
