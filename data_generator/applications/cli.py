"""The verb `applications`."""

from typing import Annotated

import typer

from data_generator.applications.endpoint import Endpoint
from data_generator.applications.source import Applications
from data_generator.generator import Plan
from data_generator.options import check_drift, check_pace, count_option, for_option, rate_option, seed_option
from data_generator.settings import ApiSettings


def send_applications(
    *,
    rate: Annotated[float, rate_option("applications")] = 1.0,
    count: Annotated[int | None, count_option("applications")] = None,
    for_seconds: Annotated[float | None, for_option("application")] = None,
    drift: Annotated[
        float,
        typer.Option(
            help="Make applicants older by so many standard deviations (11.4 years) a minute, for as long as the run "
            "lasts, and ever more of them of the same categories, one of them unknown to training; a negative number "
            "makes them younger."
        ),
    ] = 0.0,
    again: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the applications that were sent before, from 0 to 1."),
    ] = 0.5,
    endpoint: Annotated[
        list[Endpoint] | None,
        typer.Option(help="Send each to this endpoint, and to others given so. (default: all three)"),
    ] = None,
    seed: Annotated[int | None, seed_option("applications")] = None,
) -> None:
    """Send applications for a credit to the model API: applicants of the German credit data.

    Waits for the API when it goes away. Ctrl-C or SIGTERM stops after the application in hand; the last line tells what
    was answered, how much of it from the cache, and what was refused. The exit status is 1 if the API refused any.

    The API is found by API_URL.
    """
    check_pace(rate, for_seconds, "applications")
    check_drift(drift)
    settings = ApiSettings.from_environment()
    plan = Plan(rate, batch=1, rows=count, for_seconds=for_seconds)
    # requests weighs 6 MB, which a process that writes rows does without
    from data_generator.applications.sending import send  # noqa: PLC0415

    endpoints = list(dict.fromkeys(endpoint or Endpoint))
    if not send(settings, plan, Applications(seed, drift, again), endpoints):
        raise typer.Exit(1)
