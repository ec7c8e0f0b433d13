"""What can stop the stack from starting.

StackError
├── PortBusy        another program listens where a server of ours should
├── AlreadyRunning  another run of the stack holds the same state folder
├── DownloadFailed  an artifact could not be fetched, or is not what the lock says
├── NoSpace         the disk is too full to start on
├── NotTraversable  Postgres' unprivileged user cannot reach its files
└── ServerFailed    a server stopped, or did not become ready in time
"""

from pathlib import Path


class StackError(Exception):
    """The stack cannot start or go on; the message names what is wrong and what to do."""


class PortBusy(StackError):
    def __init__(self, server: str, port: int) -> None:
        super().__init__(
            f"port {port} ({server}) is in use by another program: stop it, or move all ports with --port-offset N "
            f"(make demo PORT_OFFSET=N)"
        )


class AlreadyRunning(StackError):
    def __init__(self, state: Path, pid: str) -> None:
        super().__init__(
            f"another run (pid {pid}) uses {state}: stop it with Ctrl-C there, or start this one beside it with "
            f"--port-offset N (make demo PORT_OFFSET=N)"
        )


class DownloadFailed(StackError):
    pass


class NoSpace(StackError):
    def __init__(self, folder: Path, free_mb: int, needed_mb: int) -> None:
        super().__init__(f"{folder} has {free_mb} MB free and {needed_mb} MB are needed: free some disk space")


class NotTraversable(StackError):
    def __init__(self, folder: Path, user: str) -> None:
        super().__init__(
            f"Postgres does not run as root, and user {user!r}, which it runs as instead, may not enter {folder}: "
            f"set STACK_STATE to a folder that others may enter (say /var/tmp/stream-serving), or run as another user"
        )


class ServerFailed(StackError):
    """A server stopped or never became ready; `log_tail` holds the end of its log, one line an entry."""

    def __init__(self, server: str, what: str, log: Path, log_tail: list[str]) -> None:
        super().__init__(f"{server} {what}; its log: {log}")
        self.server = server
        self.log_tail = log_tail
