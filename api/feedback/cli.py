"""`python -m api.feedback`: evaluate, sample, retrain, versions, rollback."""

import typer

from api.feedback.commands import evaluate, retrain, rollback, sample, versions


def app() -> None:
    """Run the command line."""
    command = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
    for verb in (evaluate, sample, retrain, versions, rollback):
        command.command()(verb)
    command()
