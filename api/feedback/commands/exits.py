from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from pydantic import ValidationError

from api.archive.errors import StoreAway, StoreRefused
from api.errors import ModelError
from api.feedback.errors import FeedbackError, WrongSetting

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, not lines for people.")]


@contextmanager
def explained() -> Iterator[None]:
    """End the command with one sentence and the status of its error, where one is foreseen."""
    try:
        yield
    except FeedbackError as error:
        raise _ended(str(error), error.exit_status) from error
    except ValidationError as error:
        problem = error.errors()[0]
        raise _ended(f"{str(problem['loc'][0]).upper()}: {problem['msg']}", WrongSetting.exit_status) from error
    except StoreRefused as error:
        raise _ended(f"the archive refuses (ARCHIVE_*): {error}", WrongSetting.exit_status) from error
    except StoreAway as error:
        raise _ended(f"the archive is away (ARCHIVE_*): {error}", WrongSetting.exit_status) from error
    except ModelError as error:
        raise _ended(str(error), WrongSetting.exit_status) from error
    except OSError as error:
        raise _ended(
            f"{error.filename or 'the models (MODELS_DIR)'}: {error.strerror}", WrongSetting.exit_status
        ) from error


def _ended(message: str, status: int) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(status)
