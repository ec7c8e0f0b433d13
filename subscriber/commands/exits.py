"""How a command ends that cannot do what it was asked to."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from subscriber.errors import Transient, WrongSetting

if TYPE_CHECKING:
    from collections.abc import Iterator

# a server is away, or some of the work could not be done: the same command may succeed later
UNFINISHED: Final = 1
# what was asked for, or a setting, must be changed first
WRONG_SETTING: Final = 2
INTERRUPTED: Final = 130


def say(error: object) -> None:
    """Write an error to standard error, each of its lines marked as one."""
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)


@contextmanager
def explained() -> Iterator[None]:
    """End the process with a message instead of a traceback where the error asks for an action of a person."""
    try:
        yield
    except WrongSetting as error:
        say(error)
        sys.exit(WRONG_SETTING)
    except Transient as error:
        say(error)
        sys.exit(UNFINISHED)
