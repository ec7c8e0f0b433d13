"""How much is done beside sending images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shares:
    """For which share of the answers more is done, from 0 to 1."""

    labels: float = 0.0
    """The API is told what the image shows in truth."""
    events: float = 0.0
    """A row of `image_event` names the archived image."""
