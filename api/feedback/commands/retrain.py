import json
from dataclasses import asdict
from typing import Annotated

import typer

from api.feedback.archive import pictures, read
from api.feedback.commands.exits import Json, explained
from api.feedback.commands.store import opened
from api.feedback.errors import NothingFound
from api.feedback.models import loaded, served_version
from api.feedback.progress import Bars
from api.feedback.retraining import Outcome, candidate, judge
from api.feedback.training_set import TrainingSet, training_set
from api.settings import Settings
from api.training.digits import training_and_held_out

NOT_INSTALLED = 1


def retrain(
    force: Annotated[bool, typer.Option("--force", help="Serve the new version whether it is better or not.")] = False,
    least: Annotated[
        int, typer.Option(min=0, help="With fewer held-out labelled images a new version is not said to be better.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Train on the labelled images as well, and serve the new version if it is better than the one that is served.

    Better is: more of the held-out labelled images right, and at most 1 % of the held-out digits lost. A quarter of the
    labelled images is held out. Exit status 1 if nothing was installed.
    """
    with explained():
        bars, models_dir = Bars(), Settings().models_dir
        loaded(models_dir, served_version(models_dir))
        with opened() as store:
            images = read(store, bars).images
            labelled, unreadable = pictures(store, images, bars)
        if not labelled:
            raise NothingFound(f"none of {len(images)} images has a label: `python -m api.feedback sample` picks some")
        _, held_out = training_and_held_out()
        data = training_set(labelled, held_out)
        with bars.busy(f"training with {len(data.training.rows)} images more"):
            one = candidate(data.training)
        with bars.busy("comparing"):
            outcome = judge(models_dir, one, data, least, force=force)
        typer.echo(json.dumps(_document(data, unreadable, outcome)) if as_json else _lines(data, unreadable, outcome))
        if not outcome.installed:
            raise typer.Exit(NOT_INSTALLED)


def _lines(data: TrainingSet, unreadable: int, outcome: Outcome) -> str:
    left_out = {
        f"{data.copies} copies of held-out images were left out": data.copies,
        f"{unreadable} images could not be read": unreadable,
    }
    compared = {"digits": outcome.digits, "production": outcome.production}
    return "\n".join(
        (
            f"candidate {outcome.candidate}: trained with {len(data.training.rows)} labelled images more",
            *(f"  {text}" for text, count in left_out.items() if count),
            f"  held out        rows   {outcome.served_before}   candidate   gained   lost",
            *(
                f"  {name:<12} {c.rows:>7} {c.served:>14} {c.candidate:>11} {c.gained:>8} {c.lost:>6}"
                for name, c in compared.items()
            ),
            f"{outcome.verdict.reason}",
            f"{outcome.candidate} is served now, in place of {outcome.served_before}"
            if outcome.installed
            else f"{outcome.served_before} is served as before",
        )
    )


def _document(data: TrainingSet, unreadable: int, outcome: Outcome) -> dict[str, object]:
    return asdict(outcome) | {
        "trained_images": len(data.training.rows),
        "left_out_copies": data.copies,
        "unreadable": unreadable,
    }
