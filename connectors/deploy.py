"""Brings one definition to life in Kafka Connect, and reports on it."""

from collections.abc import Callable

from connectors.connect import Connect
from connectors.deadline import Deadline
from connectors.definition import Definition
from connectors.errors import DefinitionError, TaskFailedError
from connectors.explain import reasons, with_hint
from connectors.status import Status

# Right after a new definition the old states are still told; twice the same a second apart is the truth.
LOOKS = 2
BETWEEN_LOOKS_SECONDS = 1.0


def deploy(connect: Connect, definition: Definition, deadline: Deadline, say: Callable[[str], None]) -> None:
    """Check the definition, register it if it is new or changed, and wait until it runs.

    Raises:
        DefinitionError: Kafka Connect finds fields wrong; the message has a line for each.
        TaskFailedError: it failed, and failed again after a restart, or does not run before the deadline.
        ConnectError: Kafka Connect does not answer.
    """
    errors = connect.field_errors(definition)
    if errors:
        raise DefinitionError("\n".join(f"{definition.name}: {with_hint(error)}" for error in errors))
    registered = connect.config(definition.name)
    if registered == {**definition.config, "name": definition.name}:
        say(f"{definition.name}: registered already, nothing changed")
    else:
        connect.put(definition)
        say(f"{definition.name}: {'registered' if registered is None else 'replaced'}")
    say(str(wait_until_running(connect, definition.name, deadline, say)))


def wait_until_running(connect: Connect, name: str, deadline: Deadline, say: Callable[[str], None]) -> Status:
    """Wait for the connector and all its tasks; a failure found is given one restart.

    Raises:
        TaskFailedError: see `deploy`.
    """
    restarted = False
    looks = 0
    while True:
        status = connect.status(name)
        if status is not None and status.failures:
            why = reasons(status.failures)
            if restarted:
                raise TaskFailedError(f"{name} fails: {why}")
            say(f"{name}: FAILED, restarting it once ({why})")
            connect.restart_failed(name)
            restarted, looks = True, 0
        elif status is not None and status.running:
            looks += 1
            if looks == LOOKS:
                return status
        else:
            looks = 0
        if not deadline.pause(BETWEEN_LOOKS_SECONDS):
            raise TaskFailedError(f"not running after {deadline.seconds:g} s: {status or f'{name}: no status yet'}")
