import typer

from api.feedback.commands import evaluate, retrain, rollback, sample, versions


def app() -> typer.Typer:
    """Make the command line."""
    command = typer.Typer(add_completion=False, no_args_is_help=True)
    command.callback()(feedback)
    for verb in (evaluate, sample, retrain, versions, rollback):
        command.command()(verb)
    return command


def feedback() -> None:
    """Judge what production's images were answered by their labels, and learn from them.

    Exit status 1: there is nothing to do it with, or nothing was installed. 2: a setting must be changed, or the
    archive or the models are away.
    """
