"""Connections to the two databases, from the environment."""

import os
import sys
from typing import Any

import psycopg
import typer


def connect(side: str) -> psycopg.Connection[Any]:
    """The source or the target database, as its owner; statements commit at once.

    Raises:
        Exit: a variable is not set.
    """
    names = [f"{side.upper()}_{name}" for name in ("HOST", "PORT", "DATABASE", "USER", "PASSWORD")]
    missing = [name for name in names if name not in os.environ]
    if missing:
        print(f"error: not set: {', '.join(missing)}; set -a; . .stack/ports-0/env; set +a", file=sys.stderr)
        raise typer.Exit(2)
    host, port, database, user, password = (os.environ[name] for name in names)
    return psycopg.connect(host=host, port=port, dbname=database, user=user, password=password, autocommit=True)
