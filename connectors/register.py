"""Brings the connectors to life: the databases made ready, then Kafka Connect."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from connectors.connect import Connect
from connectors.databases import prepare_target
from connectors.deploy import deploy
from connectors.source import prepare_source

if TYPE_CHECKING:
    from connectors.deadline import Deadline
    from connectors.definition import Definition
    from connectors.settings import ConnectorsSettings

Say = Callable[[str], None]


def register(
    settings: ConnectorsSettings,
    source: Definition,
    sink: Definition,
    outbox: Definition | None,
    deadline: Deadline,
    say: Say,
) -> None:
    """Register source and sink, and beside them the outbox if there is to be one, and wait until they run.

    Raises:
        DatabaseError, DefinitionError, TaskFailedError, ConnectError: see `prepare_source`, `deploy`.
    """
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(_publish, settings, outbox, deadline, say) if outbox is not None else None
        try:
            # The source first: the topic that the sink reads is the source's to create.
            _publish(settings, source, deadline, say)
            prepare_target(settings, deadline, say)
            with Connect(settings.connect_url, deadline, say) as connect:
                deploy(connect, sink, deadline, say)
        except BaseException:
            # the pool is left once the outbox has given up
            deadline.pass_now()
            raise
        if beside is not None:
            beside.result()


def _publish(settings: ConnectorsSettings, definition: Definition, deadline: Deadline, say: Say) -> None:
    definition = prepare_source(settings, definition, deadline, say)
    with Connect(settings.connect_url, deadline, say) as connect:
        deploy(connect, definition, deadline, say)
