"""`python -m api.drift`: how far the answers of a time have moved from what their model was trained on."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from pydantic import ValidationError

from api.monitoring.comparison import Compared, Span, compared, without_reference
from api.monitoring.drift import Verdict
from api.monitoring.settings import MonitoringSettings

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MOST_WINDOWS = 1_000
DRIFTED = 1
WRONG_SETTING = 2


def main(
    since: Annotated[
        str, typer.Option(help="Begin so long ago (90m, 24h, 7d), or at a time such as 2026-03-01T12:00Z.")
    ] = "24h",
    window: Annotated[
        str | None, typer.Option(help="Compare windows of this width (1h, 1d), not the whole time at once.")
    ] = None,
    rows: Annotated[
        int, typer.Option(min=60, help="The most answers to look at in a window, spread evenly over it.")
    ] = 10_000,
    fail: Annotated[bool, typer.Option("--fail", help="Exit status 1 if a feature or an answer has drifted.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write an Evidently report (HTML) of the time as well.")] = None,
) -> None:
    """Compare the answers in the monitoring database with what their model was trained on.

    A population stability index under 0.1 is stable, from 0.25 on drifted.
    """
    until = datetime.now(UTC)
    begin = moment(since, until)
    width = duration(window, "--window") if window else until - begin
    if (until - begin) / width > MOST_WINDOWS:
        raise typer.BadParameter(
            f"{window} makes more than {MOST_WINDOWS:,} windows: make it wider, or --since later", param_hint="--window"
        )
    span = Span(begin, until, width, rows)
    try:
        settings = MonitoringSettings()
    except ValidationError as error:
        problem = error.errors()[0]
        raise _wrong(f"{str(problem['loc'][0]).upper()}: {problem['msg']}") from error
    if not settings.monitoring_host:
        raise _wrong("MONITORING_HOST is not set: `make stack` prints the values")
    try:
        with psycopg.connect(settings.dsn()) as connection:
            found = compared(connection, span)
            left_out = without_reference(connection, span)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
        raise _wrong("the monitoring database is not migrated: run `python -m api.monitoring.migrate`") from error
    except psycopg.Error as error:
        raise _wrong(f"monitoring database (MONITORING_*): {str(error).strip().splitlines()[0]}") from error
    for line in lines(found, span):
        typer.echo(line)
    for version, count in left_out.items():
        typer.echo(f"{count} answers of version {version} are left out: what it was trained on is not known here")
    if report is not None:
        _report(found, report)
    if fail and any(one.verdict is Verdict.DRIFTED for one in found):
        raise typer.Exit(DRIFTED)


def _report(found: Sequence[Compared], path: Path) -> None:
    """Write the Evidently report of the window and version with the most rows."""
    if not found:
        raise _wrong(f"{path} is not written: there is nothing to report")
    try:
        from api.monitoring.report import write_report  # noqa: PLC0415 (its packages are an extra)
    except ModuleNotFoundError as error:
        raise _wrong(f"{error.name} is not installed here: `make drift-report` has an environment for it") from error
    most = max(found, key=lambda one: one.rows)
    try:
        write_report([one for one in found if _block(one) == _block(most)], path)
    except OSError as error:
        raise _wrong(f"{path} is not written (--report): {error.strerror}") from error
    typer.echo(f"report of version {most.model_version} from {most.window_start:%Y-%m-%d %H:%M} on: {path}")


def lines(found: Sequence[Compared], span: Span) -> Iterator[str]:
    """The report for people: a block for each window and model version."""
    if not found:
        yield f"no answers from {span.since:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC"
    for (start, version), block in groupby(found, key=_block):
        end = min(start + span.width, span.until)
        yield f"model {version}, {start.astimezone(UTC):%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
        own = list(block)
        wide = max(len(one.name) for one in own)
        yield f"  {'':<{wide}}     rows     PSI   unseen  verdict"
        for one in own:
            psi = "-" if one.psi is None else f"{one.psi:.3f}"
            yield f"  {one.name:<{wide}} {one.rows:>8} {psi:>7} {one.unseen_share:>8.1%}  {one.verdict}"
        for one in own:
            if one.kind == "answer":
                yield from _shares(one)


def _block(one: Compared) -> tuple[datetime, str]:
    return one.window_start, one.model_version


def _shares(answer: Compared) -> Iterator[str]:
    trained = sum(b.reference_rows for b in answer.bins)
    yield f"  {answer.name}: now, and in training"
    for b in answer.bins:
        if b.rows or b.reference_rows:
            yield f"    {b.label:<24} {b.rows / answer.rows:>6.1%} {b.reference_rows / trained:>7.1%}"


def moment(text: str, now: datetime) -> datetime:
    """A time, or how long before `now` it is.

    Raises:
        BadParameter: it is neither, or not in the past.
    """
    if re.fullmatch(r"\d+[smhd]", text):
        try:
            return now - duration(text, "--since")
        except OverflowError as error:
            raise typer.BadParameter(f"{text} is longer ago than time is counted", param_hint="--since") from error
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is neither a time such as 2026-03-01T12:00Z nor an age such as 24h", param_hint="--since"
        ) from error
    # without a zone it is UTC, as everything printed here is
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found >= now:
        raise typer.BadParameter(f"{text} is not in the past", param_hint="--since")
    return found


def duration(text: str, option: str) -> timedelta:
    """A time span such as 90m.

    Raises:
        BadParameter: it is none.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time span such as 90m, 24h or 7d", param_hint=option)
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _wrong(message: str) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(WRONG_SETTING)


def app() -> typer.Typer:
    """Make the command line."""
    command = typer.Typer(add_completion=False)
    command.command()(main)
    return command


if __name__ == "__main__":
    app()()
