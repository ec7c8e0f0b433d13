import json
from dataclasses import asdict
from typing import Annotated

import typer

from api.feedback.archive import read
from api.feedback.commands.exits import Json, explained
from api.feedback.commands.store import opened
from api.feedback.progress import Bars
from api.feedback.sampling import to_label


def sample(
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 20,
    url: Annotated[
        str, typer.Option(envvar="API_URL", help="The address of the API that shows an image.")
    ] = "http://127.0.0.1:8000",
    as_json: Json = False,
) -> None:
    """Pick the images to label next: those without a label of which the model was least sure, balanced by class."""
    with explained(), opened() as store:
        images = read(store, Bars()).images
        picked = to_label(images, count)
        address = url.rstrip("/")
        if as_json:
            fields = [asdict(one) | {"url": f"{address}/images/{one.prediction_id}"} for one in picked]
            typer.echo(json.dumps({"images": fields}))
            return
        if not picked:
            typer.echo(f"nothing to label: all of {len(images)} images have a label")
        for one in picked:
            shown = f"{one.confidence:.3f}  {one.object_key}  {address}/images/{one.prediction_id}"
            typer.echo(f"{one.prediction_id}  {one.predicted_class}  {shown}")
