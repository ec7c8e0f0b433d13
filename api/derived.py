"""A model that looks up its rows elsewhere, and has another model predict them."""

from typing import Protocol

from api.model.description import Description
from api.model.model import Model
from api.protocol.inference import Answer


class DerivedModel(Protocol):
    """One version of it, which is the version of the other model."""

    @property
    def description(self) -> Description:
        """What it takes and gives."""

    async def infer(self, body: bytes) -> Answer:
        """Answer an inference request; raises as `api.protocol.inference.infer` does, and its own errors."""


class Derived(Protocol):
    """What is served under one name."""

    @property
    def base(self) -> str:
        """The name of the other model."""

    def of(self, model: Model) -> DerivedModel:
        """Derive of one version of the other model."""
