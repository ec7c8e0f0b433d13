"""Writes stack/artifacts.lock: which files of Maven Central make up the servers, with their hashes.

Run after a change of version here: `python -m stack lock`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from jgo.maven import MavenContext

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jgo.maven import Artifact

# not 4.3: its broker, alone, leaves transactions open for ever that end while it stops or starts (KAFKA-20734)
KAFKA = "4.2.1"
DEBEZIUM = "3.6.0.Final"
LOG4J = "2.25.4"
POSTGRES = "18.1.0"
PLATFORMS = ("linux-amd64", "linux-arm64v8", "darwin-amd64", "darwin-arm64v8")

KAFKA_ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA}",
    f"org.apache.kafka:kafka-tools:{KAFKA}",
    f"org.apache.kafka:connect-runtime:{KAFKA}",
    f"org.apache.kafka:connect-json:{KAFKA}",
    f"org.apache.kafka:connect-transforms:{KAFKA}",
    # without a backend SLF4J drops every line of the servers' logs
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J}",
)


def write_lock(lock: Path, repository: Path) -> int:
    """Resolve, download into `repository` to hash, and write `lock`; returns how many artifacts it names."""
    maven = MavenContext(repo_cache=repository)
    # "!" keeps a root's own dependency management from overruling the versions the others ask for, as Maven does
    roots, transitive = maven.resolver.resolve([maven.create_dependency(f"{root}!") for root in KAFKA_ROOTS])
    wanted = [("kafka", dependency.artifact) for dependency in (*roots, *transitive)]
    for name in ("debezium-connector-postgres", "debezium-connector-jdbc"):
        component = maven.project("io.debezium", name).at_version(DEBEZIUM)
        wanted.append(("debezium", component.artifact("plugin", "tar.gz")))
    for platform in PLATFORMS:
        project = maven.project("io.zonky.test.postgres", f"embedded-postgres-binaries-{platform}")
        wanted.append((f"postgres-{platform}", project.at_version(POSTGRES).artifact()))
    return write(lock, wanted, "python -m stack lock")


def write(lock: Path, wanted: Sequence[tuple[str, Artifact]], command: str) -> int:
    """Fetch the artifacts, each of a part of the stack, to hash, and write `lock`; returns how many it names.

    Args:
        command: what writes this lock.
    """
    lines = []
    for group, artifact in wanted:
        path = artifact.resolve()
        coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}:{artifact.packaging}"
        if artifact.classifier:
            coordinate += f":{artifact.classifier}"
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{group} {coordinate} {sha256} {path.stat().st_size}")
    header = f"# Written by `{command}`: part of the stack, Maven coordinate, SHA-256, bytes.\n"
    lock.write_text(header + "\n".join(sorted(lines)) + "\n")
    return len(lines)
