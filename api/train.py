"""`python -m api.train`: fit the iris model, store it, serve it."""

from pathlib import Path
from typing import Annotated

import typer

from api.model import artifact
from api.model.description import Description
from api.settings import Settings
from api.training import iris


def main(
    models_dir: Annotated[
        Path | None, typer.Option(help="Folder of the trained models; MODELS_DIR, or api/models, if not given.")
    ] = None,
) -> None:
    """Fit the iris model, store it under its version, and make that the version that is served."""
    folder = models_dir or Settings().models_dir
    description, pipeline = iris.train()
    written = artifact.save(folder, description, pipeline)
    served = artifact.current_version(folder, description.name) == description.version
    if not served:
        artifact.serve_version(folder, description.name, description.version)
    typer.echo("\n".join(report(description)))
    if written:
        typer.echo(f"stored in {folder / description.name / description.version}, and served from now on")
    elif served:
        typer.echo(f"nothing to do: this version is in {folder} already, and served")
    else:
        typer.echo(f"this version is in {folder} already; it is served from now on")


def report(description: Description) -> list[str]:
    """Describe a model in a few lines for people."""
    metrics = description.metrics
    settings = ", ".join(f"{key} {value}" for key, value in description.parameters.items())
    return [
        f"{description.name} {description.version}: {description.title}",
        f"  fitted to {metrics.training_rows} rows ({settings})",
        f"  held-out accuracy {metrics.accuracy:.3f} on {metrics.held_out_rows} rows",
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
