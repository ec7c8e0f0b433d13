"""Sends each application to one endpoint after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from data_generator.applications.api import ApplicationApi
from data_generator.applications.endpoint import Endpoint
from data_generator.applications.source import Application
from data_generator.insistence import Listener
from data_generator.sender import Request, Sender, Tally


@dataclass
class ApplicationTally(Tally):
    """What became of the requests: one an application and endpoint."""

    hits: int = 0
    """Answered from the cache."""


class ApplicationSender(Sender[Application, ApplicationTally]):
    """The writer of a run whose batches are applications."""

    def __init__(
        self,
        api: ApplicationApi,
        endpoints: Sequence[Endpoint],
        *,
        pause: Callable[[float], bool],
        listener: Listener,
    ) -> None:
        """Nothing connects before the first application; `pause` and `listener` are those of `Sender`."""
        super().__init__("an application", ApplicationTally(), pause, listener)
        self._api = api
        self._endpoints = endpoints

    def _requests(self, application: Application) -> Iterator[Request]:
        for endpoint in self._endpoints:
            yield partial(self._ask, endpoint, application)

    def _ask(self, endpoint: Endpoint, application: Application) -> None:
        self.tally.hits += self._api.answer(endpoint, application)
