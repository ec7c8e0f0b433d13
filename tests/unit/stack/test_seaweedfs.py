import os
from pathlib import Path

import pytest

from stack import seaweedfs
from stack.errors import StackError
from stack.process import listening
from stack.seaweedfs import SeaweedFS, Store


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SeaweedFS:
    """A server that was not started, with a folder of its own for its sockets."""
    monkeypatch.setattr(seaweedfs, "SOCKETS", tmp_path)
    # below those that the system gives to connections, which come and go
    inner = (0, *seaweedfs.INNER_PORTS.values())
    port = next(port for port in range(31_000, 32_700, 10) if not any(listening(port + above) for above in inner))
    return SeaweedFS(Store(port, "production", "us-east-1", "user", "password"), tmp_path / "stack", {})


def left_behind(server: SeaweedFS, folder: Path) -> list[Path]:
    inner = server.store.port + seaweedfs.INNER_PORTS["master.port.grpc"]
    sockets = [
        folder / f"seaweedfs-s3-{server.store.port}.sock",
        folder / f"seaweedfs-master-grpc-{inner}.sock",
        folder / "seaweedfs-s3-1.sock",
    ]
    for socket in sockets:
        socket.touch()
    return sockets


def test_a_stop_removes_its_sockets_and_no_others(server: SeaweedFS, tmp_path: Path) -> None:
    *own, other = left_behind(server, tmp_path)

    server.stop()

    assert not any(socket.exists() for socket in own)
    assert other.exists()


def test_sockets_of_our_own_are_in_nobodys_way(server: SeaweedFS, tmp_path: Path) -> None:
    left_behind(server, tmp_path)

    server.check_ports()


def test_a_socket_of_another_user_is_named_with_what_to_do(
    server: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = left_behind(server, tmp_path)
    owner = first.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    with pytest.raises(StackError, match=r"seaweedfs-.*another user's.*--port-offset"):
        server.check_ports()
