import json

import typer

from api.feedback.commands.exits import Json, explained
from api.feedback.models import described
from api.settings import Settings


def versions(as_json: Json = False) -> None:
    """List the stored versions of the model, the one that is served marked, and how each came to be served last."""
    with explained():
        found = described(Settings().models_dir)
        typer.echo(json.dumps({"versions": found}) if as_json else "\n".join(_line(one) for one in found))


def _line(one: dict[str, object]) -> str:
    mark = "*" if one["served"] else " "
    if "problem" in one:
        return f"{mark} {one['version']}  {one['problem']}"
    learnt = f"{one['training_rows']} rows, {one['extra_rows']} of production"
    reason = f"  {one['since']}: {one['reason']}" if "since" in one else ""
    return f"{mark} {one['version']}  {one['created']}  accuracy {one['accuracy']:.3f}  {learnt}{reason}"
