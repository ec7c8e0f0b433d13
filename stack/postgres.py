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
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from stack.errors import NotTraversable, StackError
from stack.process import Server, account
from stack.settings import UNPRIVILEGED_USER, open_to_others

if TYPE_CHECKING:
    from collections.abc import Mapping

SQL = Path(__file__).parent / "sql"


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
            f"no Postgres binaries for {platform.system()} on {platform.machine()}: use `make up` (Docker)"
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
                tar.extractall(temporary, filter="data")
        Path(temporary).chmod(0o755)
        shutil.move(temporary, folder)
        # the context manager wants its folder back to remove it
        Path(temporary).mkdir()
    return folder


class Postgres(Server):
    """A Postgres server; `prepare` makes its data folder, `set_up` its database and roles."""

    def __init__(
        self,
        name: str,
        binaries: Path,
        folder: Path,
        port: int,
        database: str,
        password: str,
        options: Mapping[str, str],
    ) -> None:
        self.binaries = binaries
        self.data = folder / "data" / name
        self.port = port
        self.database = database
        self.password = password
        settings = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **options}
        super().__init__(
            name=name,
            command=[binaries / "bin" / "postgres", "-D", self.data, *(f"--{k}={v}" for k, v in settings.items())],
            folder=folder,
            ready=self._ready,
            ports=[port],
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
            password_file.write(self.password)
            password_file.flush()
            if self.user is not None:
                shutil.chown(password_file.name, self.user)
            done = subprocess.run(  # noqa: S603
                [
                    *(self.binaries / "bin" / "initdb", "-D", self.data, "--username=postgres", "--auth=scram-sha-256"),
                    *(f"--pwfile={password_file.name}", "--encoding=UTF8", "--locale-provider=builtin"),
                    *("--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"),
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

    def set_up(self, values: Mapping[str, str]) -> None:
        """Make the database and run this server's roles file with `values` as settings `stream.*`."""
        with psycopg.connect(self.superuser_dsn("postgres"), autocommit=True) as connection:
            known = connection.execute("select from pg_database where datname = %s", [self.database]).fetchone()
            if known is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(self.database)))
        with psycopg.connect(self.superuser_dsn(self.database), autocommit=True) as connection:
            for key, value in values.items():
                connection.execute("select set_config(%s, %s, false)", [f"stream.{key.lower()}", value])
            connection.execute((SQL / f"{self.name}.sql").read_bytes())

    def superuser_dsn(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} dbname={database} user=postgres password={self.password}"

    def _ready(self) -> bool:
        with psycopg.connect(self.superuser_dsn("postgres"), connect_timeout=2):
            return True
