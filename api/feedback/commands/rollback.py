from typing import Annotated

import typer

from api.feedback.commands.exits import explained
from api.feedback.errors import NothingFound, WrongSetting
from api.feedback.models import loaded, served_version
from api.model import artifact, history
from api.settings import Settings
from api.training.digits import NAME


def rollback(
    version: Annotated[
        str | None, typer.Argument(help="The version to serve; the one that was served before, if not given.")
    ] = None,
) -> None:
    """Serve an earlier version again, or any that is stored. A running API follows within a second or so.

    Exit status 1 if no version was served before.
    """
    with explained():
        folder = Settings().models_dir
        served_version(folder)
        with history.serving(folder, NAME):
            current = served_version(folder)
            stored = artifact.versions(folder, NAME)
            target = version or history.before((event.version for event in history.events(folder, NAME)), current)
            if target is None:
                raise NothingFound(f"no version was served before {current}; stored are {', '.join(stored)}")
            if target not in stored:
                raise WrongSetting(f"there is no version '{target}'; stored are {', '.join(stored)}")
            if target == current:
                typer.echo(f"nothing to do: {current} is served")
                return
            # one that cannot be loaded would not come to be served
            loaded(folder, target)
            history.serve(folder, NAME, target, f"rolled back from {current}", chosen=True)
        typer.echo(f"{target} is served now, in place of {current}")
