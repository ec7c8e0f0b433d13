"""Ports for the servers of a test run, of which several may start at the same moment."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from stack.process import listening
from stack.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# whoever listens here has claimed the ports at the same offset
CLAIM_PORT = 5431
_claims: list[socket.socket] = []


def claimed(offsets: Iterable[int], ports: Callable[[Settings], Iterable[int]]) -> int:
    """An offset at which nobody listens on any of these ports; no other run is given it until this process ends."""
    for offset in offsets:
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", CLAIM_PORT + offset))
            claim.listen()
        except OSError:
            claim.close()
            continue
        if any(listening(port) for port in ports(Settings().moved(offset))):
            claim.close()
            continue
        _claims.append(claim)
        return offset
    raise RuntimeError(f"no free ports for the test servers at an offset of {offsets}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def free_port() -> int:
    """A port that nobody uses."""
    (port,) = free_ports(1)
    return port
