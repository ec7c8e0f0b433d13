"""Options that verbs share, and numbers that no run can mean, which the command line refuses."""

import math
from typing import Any

import typer

from data_generator.errors import SettingError


def rate_option(things: str) -> Any:
    """`--rate` of what goes to the model API: "images"."""
    return typer.Option(
        min=0, help=f"{things.capitalize()} a second, one after the other; 0 is as fast as they are answered."
    )


def count_option(things: str) -> Any:
    """`--count` of what goes to the model API."""
    return typer.Option(min=0, help=f"Stop after so many {things}. (default: never)")


def for_option(thing: str) -> Any:
    """`--for` of what goes to the model API: "image"."""
    return typer.Option("--for", help=f"Stop after so many seconds and the {thing} in hand. (default: never)")


def seed_option(things: str) -> Any:
    """`--seed` of what goes to the model API."""
    return typer.Option(help=f"Draw the same {things} in every run with this seed. (default: others each run)")


def check_pace(rate: float, for_seconds: float | None, things: str = "rows") -> None:
    """Refuse a pace or a time that is none.

    Raises:
        SettingError: with the option and what it takes.
    """
    if not math.isfinite(rate):
        raise SettingError(f"--rate {rate}: must be a number of {things} a second, 0 for as fast as possible")
    if for_seconds is not None and not (math.isfinite(for_seconds) and for_seconds > 0):
        raise SettingError(f"--for {for_seconds}: must be a number of seconds above 0")


def check_drift(drift: float) -> None:
    """Refuse a drift of rows that is none.

    Raises:
        SettingError: with the option and what it takes.
    """
    if not math.isfinite(drift):
        raise SettingError(f"--drift {drift}: must be a number of standard deviations a minute")
