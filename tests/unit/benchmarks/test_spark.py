"""What Spark needs beside its Python package."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from benchmarks.contenders.spark_java import java_home
from benchmarks.spark_jars import GROUP, LOCK, REQUIREMENTS, SOURCE, pinned
from stack.artifacts import read_lock

if TYPE_CHECKING:
    from pathlib import Path


def test_the_lock_names_the_kafka_source_of_the_spark_that_is_pinned() -> None:
    coordinates = [artifact.coordinate for artifact in read_lock(LOCK, {GROUP})]
    assert f"{SOURCE}:{pinned(REQUIREMENTS.read_text())}:jar" in coordinates


def test_requirements_without_spark_are_told_of() -> None:
    with pytest.raises(ValueError, match=r"bench\.txt pins no pyspark: add it to bench\.in"):
        pinned("pyarrow==1.0\n")


def test_java_starts_though_spark_asks_for_a_module_that_the_runtime_has_not(tmp_path: Path) -> None:
    java = java_home(tmp_path / "a folder") / "bin" / "java"
    command = [
        str(java),
        "--add-modules=jdk.incubator.vector",
        "-Dsaid=two words",
        "-XshowSettings:properties",
        "-version",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert "said = two words" in done.stderr
