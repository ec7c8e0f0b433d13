"""The verb `images`."""

from typing import Annotated

import typer

from data_generator.generator import Plan
from data_generator.images.shares import Shares
from data_generator.options import check_pace, count_option, for_option, rate_option, seed_option
from data_generator.settings import ApiSettings


def send_images(
    *,
    rate: Annotated[float, rate_option("images")] = 1.0,
    count: Annotated[int | None, count_option("images")] = None,
    for_seconds: Annotated[float | None, for_option("image")] = None,
    drift: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share of the images that are rotated or noisy, half of them bright on dark, from 0 to 1.",
        ),
    ] = 0.0,
    label: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the answers after which the API is told the truth, from 0 to 1."),
    ] = 0.0,
    events: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share of the answers after which, once the image is in the archive, a row of table image_event in "
            "the source database names it, from 0 to 1.",
        ),
    ] = 0.0,
    seed: Annotated[int | None, seed_option("images")] = None,
) -> None:
    """Send images of handwritten digits to the model API: PNG, JPEG and WebP in many sizes.

    Waits for the API when it goes away. Ctrl-C or SIGTERM stops after the image in hand; the last line tells what was
    done. The exit status is 1 if the API refused any image, label or event.

    The API is found by API_URL; for --events the database by SOURCE_HOST, SOURCE_PORT, SOURCE_DATABASE, SOURCE_USER and
    SOURCE_PASSWORD.
    """
    check_pace(rate, for_seconds, "images")
    settings = ApiSettings.from_environment()
    # numpy and Pillow weigh 20 MB, which a process that writes rows does without
    from data_generator.images.sending import send  # noqa: PLC0415

    if not send(settings, Plan(rate, batch=1, rows=count, for_seconds=for_seconds), drift, Shares(label, events), seed):
        raise typer.Exit(1)
