"""`python -m api.users`: who may ask for tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypeVar

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from api.accounts import names, passwords, store
from api.accounts.new_password import UnfitPassword, new_password
from api.accounts.scopes import READ, SCOPES
from api.accounts.tokens import in_order
from api.migrations import UnknownRevision
from api.tasks.callbacks.signature import secret_of
from api.tasks.migrate import migrate
from api.tasks.settings import TaskSettings

NOT_THERE, WRONG_SETTING, TAKEN = 1, 2, 3
T = TypeVar("T")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Name = Annotated[str, typer.Argument(help=f"The account's name: {names.RULE}.", show_default=False)]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password, and print it once.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input, a line.")]


@app.callback()
def users() -> None:
    """Accounts for tasks. Everything comes from the environment; `make stack` prints the variables.

    Exit status 1: there is no such account. 2: a setting or an option must be changed, or the database is away. 3: the
    name is taken.
    """


@app.command()
def add(
    name: Name,
    generate: Generate = False,
    password_stdin: FromStdin = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="The account may see tasks, and make none.")] = False,
) -> None:
    """Make an account. The password is asked for twice, unless an option says where it comes from."""
    with _explained():
        if not names.fit(name):
            raise _ended(f"'{name}' is no name: {names.RULE}", WRONG_SETTING)
        settings = _settings()
        password = new_password(name, generate=generate, from_stdin=password_stdin)
        scopes = [READ] if read_only else list(SCOPES)
        if not _in_database(settings, lambda base: store.add(base, name, passwords.hashed(password), scopes)):
            raise _ended(f"there is an account '{name}' already", TAKEN)
        _told(f"{name} may sign in ({in_order(scopes)})", password if generate else None)


@app.command("list")
def list_() -> None:
    """Print the accounts: a table on a terminal, otherwise a line each with tabs between."""
    with _explained():
        rows = [
            (account.name, in_order(account.scopes), account.created_at.isoformat(" ", "seconds"))
            for account in _in_database(_settings(), store.every)
        ]
    console = Console()
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table("name", "may", "since", box=None)
    for row in rows:
        table.add_row(*row)
    console.print(table)


@app.command()
def password(name: Name, generate: Generate = False, password_stdin: FromStdin = False) -> None:
    """Give an account another password. Its tokens are void from then on."""
    with _explained():
        settings = _settings()
        new = new_password(name, generate=generate, from_stdin=password_stdin)
        if not _in_database(settings, lambda base: store.set_password(base, name, passwords.hashed(new))):
            raise _nobody(name)
        _told(f"{name} has a new password; tokens of the old one are void", new if generate else None)


@app.command()
def remove(name: Name) -> None:
    """Remove an account, and its tasks with their results. Its tokens are void from then on."""
    with _explained():
        if not _in_database(_settings(), lambda base: store.remove(base, name)):
            raise _nobody(name)
        _told(f"{name} is removed")


@app.command("webhook-secret")
def webhook_secret(name: Name) -> None:
    """Print the secret that an account's callbacks are signed with."""
    with _explained():
        settings = _settings()
        account = _in_database(settings, lambda base: store.by_name(base, name))
        if account is None:
            raise _nobody(name)
        typer.echo(secret_of(settings.signing_key(), account.id))


def _settings() -> TaskSettings:
    settings = TaskSettings()
    if not settings.enabled:
        raise _ended("TASKS_USER is not set: `make stack` prints the values", WRONG_SETTING)
    return settings


def _in_database(settings: TaskSettings, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """The work in one transaction, on the schema as it is now."""
    dsn = settings.source_dsn()
    migrate(psycopg.connect(dsn))

    async def transaction() -> T:
        engine = create_async_engine(
            "postgresql+psycopg://", async_creator=lambda: psycopg.AsyncConnection.connect(dsn), poolclass=NullPool
        )
        async with engine.begin() as connection:
            return await work(connection)

    return asyncio.run(transaction())


@contextmanager
def _explained() -> Iterator[None]:
    """End the command with one sentence and the status of its error, where one is foreseen."""
    try:
        yield
    except ValidationError as error:
        for problem in error.errors():
            # what several settings say together has no place, and names them itself
            where = f"{str(problem['loc'][0]).upper()}: " if problem["loc"] else ""
            typer.echo(f"error: {where}{problem['msg']}", err=True)
        raise typer.Exit(WRONG_SETTING) from error
    except UnfitPassword as error:
        raise _ended(str(error), WRONG_SETTING) from error
    except (psycopg.Error, DBAPIError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        raise _ended(f"the database of the accounts (SOURCE_*, TASKS_*): {reason}", WRONG_SETTING) from error
    except UnknownRevision as error:
        raise _ended(str(error), WRONG_SETTING) from error


def _told(what: str, password: str | None = None) -> None:
    """Say what has been done, to people; the password alone goes to standard output."""
    typer.echo(what, err=True)
    if password is not None:
        typer.echo(password)


def _nobody(name: str) -> typer.Exit:
    return _ended(f"there is no account '{name}': `python -m api.users list` prints them", NOT_THERE)


def _ended(message: str, status: int) -> typer.Exit:
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(status)


if __name__ == "__main__":
    app(prog_name="python -m api.users")
