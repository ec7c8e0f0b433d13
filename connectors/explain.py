"""Makes a Java stack trace readable: its root cause, and what to do about it."""

import re
from collections.abc import Iterable

from connectors.status import Part

# What a root cause says, and what helps. The first match counts.
HINTS = (
    (r"password authentication failed", "the role's password in the database is not the one in the environment"),
    (r"role \S+ does not exist", "the administrator of the database creates the roles: is this the right server?"),
    (r"database \S+ does not exist", "is the database's name in the environment right?"),
    (r"publication \S+ does not exist", "`python -m connectors` creates it"),
    (r"replication slot \S+ is active", "another connector or worker streams from this slot: stop it"),
    (r"all replication slots are in use", "raise max_replication_slots of the source server, or drop an unused slot"),
    (
        r"no longer available|can no longer (get changes|access) |slot.*(invalidated|lost)",
        "the write-ahead log that it needs is gone: `python -m connectors remove --drop-slot`, then register again",
    ),
    (r"wal_level", "the source server must run with wal_level=logical"),
    (r"replication role|REPLICATION attribute", "the Debezium role needs the REPLICATION attribute"),
    (r"permission denied|must be owner", "grant the role what it lacks"),
    (
        r"PKIX path|certificate_unknown|could not be verified by hostname|SSL root certificate|does not support SSL",
        "…_SSLMODE asks the server for more than it has to show: CONNECT_SOURCE_SSLROOTCERT and "
        "CONNECT_TARGET_SSLROOTCERT must name its authority's file on Kafka Connect's machine, and …_HOST the server "
        "as its certificate does",
    ),
    (
        r"determine Dialect",
        "is the database up, does Kafka Connect reach it at the host and port in the environment, and trust its "
        "certificate (CONNECT_TARGET_SSLROOTCERT)? The worker's log says more",
    ),
    (
        r"[Cc]onnection.* refused|UnknownHost|connection attempt failed|timed out",
        "is the database up, and does Kafka Connect reach it at the host and port in the environment?",
    ),
    (r"(terminating connection|starting up|shutting down|recovery mode|has been closed)", "the database restarts"),
    (r"[Cc]ould not find table|relation \S+ does not exist", "`python -m connectors` prepares the tables"),
)
# Some messages hold a whole statement with its values.
LONGEST = 300


def explain(trace: str) -> str:
    """One line on a failure: why, and a hint if the reason is a known one."""
    return with_hint(root_cause(trace))


def reasons(failures: Iterable[Part]) -> str:
    """What failed and why, on one line."""
    return "; ".join(f"{part.what}: {explain(part.trace)}" for part in failures)


def root_cause(trace: str) -> str:
    """The message of the innermost exception, without its Java class; the class where it has no message."""
    lines = [line.strip() for line in trace.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return _message(causes[-1].removeprefix("Caused by: ") if causes else lines[0]) if lines else "no trace"


def with_hint(message: str) -> str:
    """A message, shortened, followed by what helps against it if it is a known one."""
    hint = next((hint for pattern, hint in HINTS if re.search(pattern, message)), None)
    return f"{message[:LONGEST]} ({hint})" if hint else message[:LONGEST]


def _message(line: str) -> str:
    name, separator, message = line.partition(": ")
    is_class = separator and re.fullmatch(r"[\w$]+(\.[\w$]+)+", name)
    return " ".join((message if is_class else line).split()) or name
