"""The server in front of the model API, which counts the answers that it cut."""

from __future__ import annotations

from tests.faults import FaultyApi


class Answers(FaultyApi):
    """As FaultyApi; `halved` counts the answers that were cut because of `broken`."""

    halved = 0

    @property
    def broken(self) -> bool:
        """Whether the answer that is sent now is to be cut: asked once for each answer."""
        self.halved += self._broken
        return self._broken

    @broken.setter
    def broken(self, broken: bool) -> None:
        self._broken = broken
