"""The jars of Spark's Kafka source, which its Python package lacks: fetched as the servers' are, by their own lock.

`python -m benchmarks.spark_jars` writes the lock anew, after a change of `pyspark` in requirements/bench.in.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from jgo.maven import MavenContext

from stack.artifacts import fetch, read_lock
from stack.lock import write
from stack.settings import ROOT, cache_folder

if TYPE_CHECKING:
    from stack.progress import Progress

LOCK = Path(__file__).parent / "spark.lock"
REQUIREMENTS = ROOT / "requirements" / "bench.txt"
GROUP = "spark"
SOURCE = "org.apache.spark:spark-sql-kafka-0-10_2.13"
# what the source needs and the Python package brings
BROUGHT = ("spark-tags", "scala-", "jsr305", "lz4-java", "snappy-java", "slf4j-api", "hadoop-client-")


def jars(progress: Progress) -> list[Path]:
    """The jars, fetched if they are not there.

    Raises:
        DownloadFailed: see `stack.artifacts`.
    """
    artifacts = read_lock(LOCK, {GROUP})
    with progress.bar("Spark's Kafka source", sum(artifact.size for artifact in artifacts)) as advance:
        return list(fetch(artifacts, cache_folder() / "maven", advance).values())


def write_lock() -> int:
    """Resolve the source of the Spark that is pinned, and write the lock; returns how many jars it names."""
    maven = MavenContext(repo_cache=cache_folder() / "maven")
    source = f"{SOURCE}:{pinned(REQUIREMENTS.read_text())}"
    roots, transitive = maven.resolver.resolve([maven.create_dependency(f"{source}!")])
    artifacts = [dependency.artifact for dependency in (*roots, *transitive)]
    wanted = [(GROUP, artifact) for artifact in artifacts if not artifact.artifactId.startswith(BROUGHT)]
    return write(LOCK, wanted, "python -m benchmarks.spark_jars")


def pinned(requirements: str, package: str = "pyspark") -> str:
    """The version of a package in the text of the requirements of what is measured."""
    if (found := re.search(rf"^{package}==(\S+)", requirements, re.MULTILINE)) is None:
        raise ValueError(f"requirements/{REQUIREMENTS.name} pins no {package}: add it to bench.in and run `make lock`")
    return found[1]


if __name__ == "__main__":
    print(f"{LOCK.name}: {write_lock()} jars")
