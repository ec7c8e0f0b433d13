"""`python -m subscriber dead-letters list|show|redrive|discard PIPELINE.toml`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from subscriber import logs
from subscriber.commands.exits import INTERRUPTED, UNFINISHED, explained, say
from subscriber.commands.output import on_output, plain_table, print_json
from subscriber.errors import NOT_JSON, WrongSetting
from subscriber.letters import Choice, Letters
from subscriber.pipeline_file import load_pipeline
from subscriber.redrive import Redrive
from subscriber.settings import read_settings
from subscriber.store import Store, translated
from subscriber.times import point_in_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from subscriber.letters import Listed
    from subscriber.redrive import Outcome

KEY_CHARACTERS: Final = 60


class _Key(msgspec.Struct):
    payload: msgspec.Raw


_KEY: Final = msgspec.json.Decoder(_Key)

app = typer.Typer(no_args_is_help=True, help="Look at the rows that could not be predicted, and predict or drop them.")

File = Annotated[Path, typer.Argument(metavar="PIPELINE", help="The pipeline's TOML file.")]
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="The letters' numbers.")]
OneCause = Annotated[str | None, typer.Option(help="Letters of this cause only.")]
All = Annotated[bool, typer.Option("--all", help="All letters of the pipeline.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    pipeline: File,
    cause: OneCause = None,
    since: Annotated[str | None, typer.Option(help="Failed since then: a time, or 90m, 12h, 7d ago.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json: AsJson = False,
) -> None:
    """List dead letters, newest first."""
    with explained():
        oldest = None if since is None else point_in_time(since, datetime.now(UTC), "--since")
        with _letters(pipeline) as letters:
            found = letters.newest(cause, oldest, limit)
    if json:
        print_json([_jsonable(vars(letter)) for letter in found])
    elif found:
        on_output().print(_table(found))
    else:
        print("no dead letters")


@app.command()
def show(
    pipeline: File,
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="The letters' numbers.")],
    json: AsJson = False,
) -> None:
    """Show dead letters whole, with their messages: as text, or in hex where they are none."""
    with explained(), _letters(pipeline) as letters:
        found = [letters.whole(id_) for id_ in ids]
    there = [_jsonable(letter) for letter in found if letter is not None]
    if json:
        print_json(there)
    else:
        print("\n\n".join("\n".join(f"{name:13}{_text(value)}" for name, value in one.items()) for one in there))
    missing = [id_ for id_, letter in zip(ids, found, strict=True) if letter is None]
    if missing:
        say(f"no such dead letter of this pipeline: {', '.join(map(str, missing))}")
        sys.exit(UNFINISHED)


@app.command()
def redrive(pipeline: File, ids: Ids = None, cause: OneCause = None, all_: All = False) -> None:
    """Predict dead letters once more; exit 1 if some failed again.

    Each goes to the decoder and the model of today. In one transaction its prediction is stored and it is deleted; one
    that fails again stays, with what is wrong with it now.
    """
    logs.set_up()
    outcome = None
    try:
        with explained():
            choice = _choice(ids, cause, all_)
            with _letters(pipeline) as letters:
                count, _ = letters.count(choice)
            run = Redrive(load_pipeline(pipeline), read_settings())
            outcome = run.outcome
            run.check()
            with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
                task = progress.add_task("dead letters", total=count)
                for so_far in run.run(choice):
                    progress.update(task, completed=so_far.seen)
            run.close()
    except KeyboardInterrupt:
        # the batch in hand was rolled back
        sys.exit(INTERRUPTED)
    finally:
        if outcome is not None:
            print(told(outcome))
    missing = 0 if ids is None else len(set(ids)) - outcome.seen
    if missing:
        say(f"{missing} of the {len(set(ids or []))} letters are not there, or in the hands of another redrive")
    if missing or outcome.failed:
        sys.exit(UNFINISHED)


@app.command()
def discard(
    pipeline: File,
    ids: Ids = None,
    cause: OneCause = None,
    all_: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete dead letters for good."""
    gone = 0
    with explained():
        choice = _choice(ids, cause, all_)
        with _letters(pipeline) as letters:
            count, _ = letters.count(choice)
            if count and not yes and not ids:
                _confirm(count)
            for some in letters.discard(choice):
                gone += some
    print(f"{gone:,} discarded")
    if ids is not None and gone < len(set(ids)):
        say(f"{len(set(ids)) - gone} of the {len(set(ids))} letters are not there, or in the hands of a redrive")
        sys.exit(UNFINISHED)


def told(outcome: Outcome) -> str:
    """What a redrive did, in one line."""
    failed = ", ".join(f"{cause} {count:,}" for cause, count in outcome.failed.most_common())
    return (
        f"{outcome.predicted:,} predicted, {outcome.deletes:,} deletes, {outcome.failed.total():,} failed again"
        f"{f' ({failed})' if failed else ''}"
    )


def _choice(ids: list[int] | None, cause: str | None, all_: bool) -> Choice:
    if sum((bool(ids), cause is not None, all_)) != 1:
        raise WrongSetting("say which dead letters: their numbers, or --cause, or --all")
    return Choice(ids or None, cause)


def _confirm(count: int) -> None:
    if not sys.stdin.isatty():
        raise WrongSetting(f"{count:,} dead letters would be deleted for good; --yes does it without asking")
    typer.confirm(f"Delete {count:,} dead letters for good?", abort=True)


@contextmanager
def _letters(path: Path) -> Iterator[Letters]:
    settings, pipeline = read_settings(), load_pipeline(path)
    with translated(), Store(settings.target_dsn(), pipeline).connect(autocommit=True) as connection:
        if connection.execute("select to_regclass('dead_letter')").fetchone() == (None,):
            raise WrongSetting("the target database has no table dead_letter: no subscriber has ever run here")
        yield Letters(connection, pipeline)


def _table(letters: list[Listed]) -> Table:
    table = plain_table()
    for column in ("id", "failed at (UTC)", "cause", "partition:offset", "key", "detail"):
        table.add_column(column, justify="right" if column == "id" else "left", no_wrap=column != "detail")
    for x in letters:
        key = _text(_readable(payload(x.key)))[:KEY_CHARACTERS]
        table.add_row(
            *(str(x.id), f"{x.failed_at:%Y-%m-%d %H:%M:%S}", x.cause, f"{x.partition}:{x.offset}", key, x.detail)
        )
    return table


def payload(key: bytes | None) -> bytes | None:
    """What is in a key of Kafka Connect's JSON converter beside its schema; any other key as it is."""
    try:
        return None if key is None else bytes(_KEY.decode(key).payload)
    except NOT_JSON:
        return key


def _jsonable(letter: dict[str, Any]) -> dict[str, Any]:
    return {name: _readable(v) if isinstance(v, bytes) else v for name, v in letter.items()}


def _readable(message: bytes | None) -> str | None:
    """Text where it is text that can be shown, else hex."""
    if message is None:
        return None
    text = message.decode("utf-8", "replace")
    shown = all(c.isprintable() or c in "\t\n\r" for c in text) and "\ufffd" not in text
    return text if shown else f"\\x{message.hex()}"


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:%Y-%m-%d %H:%M:%S.%f} UTC" if isinstance(value, datetime) else str(value)
