"""The target database's side: the table, its columns, and what our role may do."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from psycopg import sql

from subscriber.column_types import fits, key_type, output_type
from subscriber.create_table import create_table, wanted_columns
from subscriber.errors import WrongSetting
from subscriber.postgres import statement
from subscriber.receipts import Receipts
from subscriber.store import Store, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

    from subscriber.check.findings import Findings
    from subscriber.check.rows import Rows
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings


def look_at_target(
    settings: Settings,
    pipeline: Pipeline,
    rows: Rows,
    outputs: Mapping[str, tuple[str, int]],
    findings: Findings,
    *,
    create: bool,
) -> None:
    """Look at the target table; make it if it is missing and `create` says so.

    Raises:
        Transient: the database is away.
        WrongSetting: it does not let us in.
    """
    target = pipeline.target
    name = f"{target.schema_}.{target.table}"
    wanted = _wanted(pipeline, rows, outputs)
    with translated(), Store(settings.target_dsn(), pipeline).connect(autocommit=True) as connection:
        findings.ok("target", f"{settings.target_database} at {settings.target_host}:{settings.target_port}")
        columns = _columns(connection, pipeline)
        known = {column: type_ for column, type_ in wanted.items() if type_ is not None}
        statements = pipeline.create_sql or (create_table(pipeline, known) if len(known) == len(wanted) else None)
        new = not columns
        if not columns and create and statements is not None:
            _create(connection, statements, findings)
            columns = _columns(connection, pipeline)
        if columns:
            findings.ok("target.table", f"{name} is there")
            _look_at_columns(pipeline, wanted, columns, findings)
            _look_at_grants(connection, pipeline, findings)
            _look_at_receipts(connection, pipeline, findings)
        elif pipeline.create_sql is not None:
            findings.ok("target.table", f"{name} is made by {target.create} when the pipeline first runs")
        elif statements is None:
            unknown = ", ".join(column for column in wanted if column not in known)
            findings.wrong("target.table", f"{name} is not there, and the types of {unknown} are not known yet")
        elif not create:
            findings.wrong("target.table", f"{name} is not there; --create makes it with:")
            findings.show(statements)
        _look_at_offsets(connection, pipeline, findings, new_table=new)


def _wanted(pipeline: Pipeline, rows: Rows, outputs: Mapping[str, tuple[str, int]]) -> dict[str, str | None]:
    key = pipeline.source.key or ""
    field = rows.sample.fields.get(key) if rows.sample.fields is not None else None
    types = {name: output_type(datatype, width) for name, (datatype, width) in outputs.items()}
    if not rows.sample.rows:
        return wanted_columns(pipeline, types, None, {})
    fields = rows.sample.fields or {}
    copies = {name: key_type(fields.get(name), rows.sample.example(name)) for name in pipeline.target.copies}
    return wanted_columns(pipeline, types, key_type(field, rows.sample.example(key)), copies)


def _columns(connection: psycopg.Connection, pipeline: Pipeline) -> dict[str, tuple[str, bool]]:
    found = connection.execute(statement("columns"), {"table": _table(pipeline).as_string(connection)}).fetchall()
    return {name: (type_, must_be_given) for name, type_, must_be_given in found}


def _create(connection: psycopg.Connection, statements: str, findings: Findings) -> None:
    try:
        with translated(), connection.transaction():
            connection.execute(statements.encode())
    except WrongSetting as error:
        findings.wrong("target.table", f"cannot be made: {error}")
    else:
        findings.ok("target.table", "made with:")
    findings.show(statements)


def _look_at_columns(
    pipeline: Pipeline, wanted: Mapping[str, str | None], found: Mapping[str, tuple[str, bool]], findings: Findings
) -> None:
    known = pipeline.target.outputs.values()
    for column, type_ in wanted.items():
        if column not in found:
            near = difflib.get_close_matches(column, found, 1, 0.6)
            hint = f"did you mean {near[0]}?" if near else f"`alter table … add column {column} {type_ or '…'}` adds it"
            findings.wrong("target", f"there is no column {column}; {hint}")
            continue
        has = found[column][0]
        fit = fits(type_, has) if type_ is not None else True
        if fit:
            findings.ok("target", f"{column} {has}")
        elif fit is None:
            findings.warn("target", f"{column} is {has}; what of {type_} does not fit becomes a dead letter")
        else:
            what = "the model's output" if column in known else "what is stored"
            findings.wrong("target", f"{column} is {has}, but {what} is {type_}")
    for column, (_, must_be_given) in found.items():
        if must_be_given and column not in wanted:
            findings.wrong("target", f"{column} is not null and has no default, and the pipeline gives it no value")


def _look_at_grants(connection: psycopg.Connection, pipeline: Pipeline, findings: Findings) -> None:
    table = _table(pipeline).as_string(connection)
    deletes = pipeline.source.deletes
    needed = ["insert", *{"remove": ["delete", "select"], "mark": ["update", "select"]}.get(deletes, [])]
    may: Any = "select has_table_privilege(%s::text, %s)"
    missing = [grant for grant in needed if connection.execute(may, [table, grant]).fetchone() != (True,)]
    role = connection.info.user
    if missing:
        findings.wrong("grants", f"role {role} lacks them: `grant {', '.join(missing)} on {table} to {role}`")
    else:
        findings.ok("grants", f"role {role} may {', '.join(needed)}")
    key = pipeline.target.source_key
    if deletes != "ignore" and not _has_index(connection, table, str(key)):
        findings.warn(
            "target",
            f"no index begins with {key}, so each delete reads the whole table: `create index on {table} ({key})`",
        )


def _look_at_receipts(connection: psycopg.Connection, pipeline: Pipeline, findings: Findings) -> None:
    target = pipeline.target
    if target.receipts is None:
        return
    try:
        with translated():
            Receipts(target.schema_, target.receipts).check(connection)
    except WrongSetting as error:
        findings.wrong("target.receipts", f"{target.schema_}.{target.receipts}: {error}")
    else:
        findings.ok("target.receipts", f"{target.schema_}.{target.receipts} takes them")


def _has_index(connection: psycopg.Connection, table: str, column: str) -> bool:
    found = connection.execute(statement("holders"), {"table": table, "age": column, "columns": [column]}).fetchall()
    return all(row[3] for row in found)


def _look_at_offsets(
    connection: psycopg.Connection, pipeline: Pipeline, findings: Findings, *, new_table: bool
) -> None:
    if connection.execute("select to_regclass('stream_offset')").fetchone() == (None,):
        findings.ok("offsets", "no pipeline has run here yet")
        return
    where = {"pipeline": pipeline.name, "topic": pipeline.topic}
    stored = connection.execute(statement("positions"), where).fetchall()
    if stored:
        places = ", ".join(f"{partition}:{offset}" for partition, offset in sorted(stored))
        if new_table:
            findings.warn(
                "offsets",
                f"{pipeline.name} has run before and goes on at {places}, so older rows will not be in this new table; "
                f"a pipeline with another name and group begins anew",
            )
        else:
            findings.ok("offsets", f"stored up to {places}; it goes on there")
    else:
        findings.ok("offsets", f"{pipeline.name} has never run; it begins at the {pipeline.start} row")


def _table(pipeline: Pipeline) -> sql.Identifier:
    return sql.Identifier(pipeline.target.schema_, pipeline.target.table)
