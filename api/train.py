"""`python -m api.train [MODULE]…`: fit models, store them, serve them."""

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer
from sklearn.base import BaseEstimator

from api.model import artifact, history
from api.model.description import Description
from api.settings import Settings

SHIPPED = ("api.training.iris", "api.training.credit", "api.training.digits")


def main(
    modules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODULE]...", help="A module with train(), which gives a Description and what was fitted."
        ),
    ] = None,
    models_dir: Annotated[
        Path | None, typer.Option(help="Folder of the trained models; MODELS_DIR, or api/models, if not given.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Serve on what was retrained, gone back to, or trained by its module.")
    ] = False,
) -> None:
    """Fit each model, store it under its version, and serve that version; without a module, iris, credit and digits."""
    folder = models_dir or Settings().models_dir
    for module in modules or SHIPPED:
        store(folder, *trained(module), chosen=bool(modules), keep=keep)


def store(folder: Path, description: Description, estimator: BaseEstimator, *, chosen: bool, keep: bool) -> None:
    """Store one model, point at it unless another was chosen and is to be kept, and tell of both."""
    with history.serving(folder, description.name):
        written = artifact.save(folder, description, estimator)
        served = artifact.current_version(folder, description.name) == description.version
        kept = keep and not served and history.chosen(folder, description.name)
        if not served and not kept:
            history.serve(folder, description.name, description.version, "trained", chosen=chosen)
    typer.echo("\n".join(report(description)))
    if kept:
        typer.echo(f"stored in {folder}; what was chosen there is served on")
    elif written:
        typer.echo(f"stored in {folder / description.name / description.version}, and served from now on")
    elif served:
        typer.echo(f"nothing to do: this version is in {folder} already, and served")
    else:
        typer.echo(f"this version is in {folder} already; it is served from now on")


def trained(module: str) -> tuple[Description, BaseEstimator]:
    """Call the module's `train`.

    Raises:
        BadParameter: there is no such module, or it has no `train`.
    """
    # as `python -m` finds modules; a script's own folder is all that an installed command would look in
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise typer.BadParameter(f"there is no module {error.name} here ({Path.cwd()})", param_hint="MODULE") from error
    train = getattr(imported, "train", None)
    if not callable(train):
        raise typer.BadParameter(f"{module} has no function train()", param_hint="MODULE")
    description, estimator = train()
    return description, estimator


def report(description: Description) -> list[str]:
    """Describe a model in a few lines for people."""
    metrics = description.metrics
    settings = ", ".join(f"{key} {value}" for key, value in description.parameters.items())
    measured = {} if metrics.accuracy is None else {"accuracy": metrics.accuracy}
    measured |= metrics.scores
    return [
        f"{description.name} {description.version}: {description.title}",
        f"  fitted to {metrics.training_rows} rows ({settings})",
        *(f"  held-out {name} {value:.3f} on {metrics.held_out_rows} rows" for name, value in measured.items()),
        *(
            f"    {name:<12} precision {m.precision:.3f}  recall {m.recall:.3f}  f1 {m.f1:.3f}  ({m.rows} rows)"
            for name, m in metrics.by_class.items()
        ),
    ]


def app() -> typer.Typer:
    """Make the command line."""
    command = typer.Typer(add_completion=False)
    command.command()(main)
    return command


if __name__ == "__main__":
    app()()
