"""Every role may do its own work in the databases, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import InsufficientPrivilege

from stack.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import DatabaseServer, Servers

    SignIn = Callable[[str], psycopg.Connection]

SOURCE_ROLES = ("source", "debezium", "monitor")
TARGET_ROLES = ("target", "subscriber", "sink", "reader", "monitoring")
# statements that only who owns the database or the server may do
FOR_OWNERS = (
    "create schema {name}",
    "create temporary table {name}_temporary (id int)",
)
FOR_THE_SUPERUSER = (
    "create role {name}",
    "create database {name}",
    "alter role {self} superuser",
    "alter role {other} password 'taken'",
    "set role postgres",
    "select rolpassword from pg_authid",
    "select pg_read_file('PG_VERSION')",
    "copy (select 1) to program 'true'",
    "alter system set log_statement = 'all'",
    "create table pg_catalog.{name} (id int)",
)
# what Postgres does not do in a transaction, nor undo
NO_TRANSACTION = ("create database", "drop database", "alter system")
CHANGES = (
    "insert into {table} (id) values (1)",
    "update {table} set id = 2",
    "delete from {table}",
    "truncate {table}",
    "alter table {table} add column more int",
    "create index on {table} (id)",
    "drop table {table}",
)


def role(settings: Settings, name: str) -> tuple[str, str]:
    """A role's user and password, by its name in the settings."""
    environment = settings.environment()
    return environment[f"{name.upper()}_USER"], environment[f"{name.upper()}_PASSWORD"]


def dsn(settings: Settings, name: str) -> str:
    """Connection string of a role, to the server it belongs to."""
    user, password = role(settings, name)
    if name in SOURCE_ROLES:
        base = settings.source_dsn()
    else:
        base = settings.monitoring_dsn() if name == "monitoring" else settings.target_dsn()
    return make_conninfo(base, user=user, password=password)


@pytest.fixture
def sign_in(settings: Settings) -> Iterator[SignIn]:
    """Connections by role; each statement commits at once."""
    opened: list[psycopg.Connection] = []

    def connect(name: str) -> psycopg.Connection:
        opened.append(psycopg.connect(dsn(settings, name), autocommit=True))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def tables(sign_in: SignIn, name: str) -> Iterator[dict[str, str]]:
    """Give a table of each role that makes tables, by the role, with one row each."""
    made = {owner: f"public.{name}_{owner}" for owner in ("source", "target", "subscriber", "sink")}
    for owner, table in made.items():
        connection = sign_in(owner)
        connection.execute(f"create table {table} (id int)")
        connection.execute(f"insert into {table} values (1)")
    yield made
    for owner, table in made.items():
        sign_in(owner).execute(f"drop table {table}")


def allowed(connection: psycopg.Connection, statements: tuple[str, ...], **names: str) -> list[str]:
    """Those of the statements that the role of the connection may do."""
    done = []
    for statement in statements:
        try:
            if statement.startswith(NO_TRANSACTION):
                connection.execute(statement.format(**names).encode())
            else:
                with connection.transaction(force_rollback=True):
                    connection.execute(statement.format(**names, self=connection.info.user).encode())
        except InsufficientPrivilege:
            continue
        done.append(statement)
    return done


def superuser(server: DatabaseServer) -> psycopg.Connection:
    return psycopg.connect(server.superuser_dsn("postgres"))


@pytest.mark.parametrize("name_of_role", [*SOURCE_ROLES, *TARGET_ROLES])
def test_no_role_is_more_than_it_needs(name_of_role: str, stack: Servers) -> None:
    server = stack.source if name_of_role in SOURCE_ROLES else stack.target
    user, _ = role(stack.settings, name_of_role)
    with superuser(server) as connection:
        found = connection.execute(
            "select rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication"
            " from pg_roles where rolname = %s",
            [user],
        ).fetchone()

    assert found == (True, False, False, False, False, name_of_role == "debezium")


@pytest.mark.parametrize("server", ["source", "target"])
def test_every_password_is_kept_as_scram(server: str, stack: Servers) -> None:
    with superuser(getattr(stack, server)) as connection:
        rows = connection.execute("select rolname, rolpassword from pg_authid where rolcanlogin").fetchall()

    # the role of the tasks is one of both servers
    expected = (*(SOURCE_ROLES if server == "source" else TARGET_ROLES), "tasks")
    assert {user for user, _ in rows} == {"postgres", *(role(stack.settings, name)[0] for name in expected)}
    assert all(str(password).startswith("SCRAM-SHA-256$") for _, password in rows)


@pytest.mark.parametrize("name_of_role", [*SOURCE_ROLES, *TARGET_ROLES, "postgres"])
def test_nobody_comes_in_with_a_wrong_password(name_of_role: str, stack: Servers) -> None:
    address = (
        stack.target.superuser_dsn("postgres") if name_of_role == "postgres" else dsn(stack.settings, name_of_role)
    )

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(make_conninfo(address, password="wrong"))


@pytest.mark.parametrize("name_of_role", [*SOURCE_ROLES, *TARGET_ROLES])
def test_nobody_rules_the_server(name_of_role: str, sign_in: SignIn, settings: Settings, name: str) -> None:
    owner = settings.source_user if name_of_role in SOURCE_ROLES else settings.target_user
    # a role may change its own password, and no other's
    other = settings.debezium_user if name_of_role == "source" else "postgres" if name_of_role == "target" else owner

    assert allowed(sign_in(name_of_role), FOR_THE_SUPERUSER, name=name, other=other) == []


@pytest.mark.parametrize("name_of_role", ["debezium", "subscriber", "sink", "reader"])
def test_only_the_owner_shapes_the_database(name_of_role: str, sign_in: SignIn, settings: Settings, name: str) -> None:
    connection = sign_in(name_of_role)
    database = str(conninfo_to_dict(dsn(settings, name_of_role))["dbname"])
    more = (
        f"alter database {database} set timezone = 'UTC'",
        f"drop database {database}",
        "drop schema public cascade",
        "create publication {name} for all tables",
    )

    assert allowed(connection, (*FOR_OWNERS, *more), name=name) == []


@pytest.mark.parametrize("owner", ["subscriber", "sink"])
def test_the_reader_reads_and_changes_nothing(owner: str, sign_in: SignIn, tables: dict[str, str], name: str) -> None:
    reader = sign_in("reader")

    assert reader.execute(f"select id from {tables[owner]}").fetchall() == [(1,)]
    assert allowed(reader, CHANGES, table=tables[owner]) == []
    assert allowed(reader, ("create table {name} (id int)", "create view {name} as select 1"), name=name) == []


@pytest.mark.parametrize(("writer", "other"), [("subscriber", "sink"), ("sink", "subscriber")])
def test_the_writers_do_not_touch_one_anothers_tables(
    writer: str, other: str, sign_in: SignIn, tables: dict[str, str]
) -> None:
    connection = sign_in(writer)
    statements = ("select * from {table}", *CHANGES)

    assert allowed(connection, statements, table=tables[other]) == []
    assert allowed(connection, statements, table=tables["target"]) == []
    # and the very same statements do on their own
    assert allowed(connection, statements, table=tables[writer]) == list(statements)


def test_the_writers_do_not_act_for_one_another(sign_in: SignIn, settings: Settings) -> None:
    users = (settings.subscriber_user, settings.sink_user, settings.target_user)

    for name_of_role in ("subscriber", "sink", "reader"):
        connection = sign_in(name_of_role)
        others = tuple(f"set role {user}" for user in users if user != connection.info.user)
        assert allowed(connection, others) == []


def test_debezium_reads_what_it_is_granted_and_writes_nothing(
    sign_in: SignIn, tables: dict[str, str], name: str
) -> None:
    # given a table that it is not granted
    debezium, owner, table = sign_in("debezium"), sign_in("source"), tables["source"]
    assert allowed(debezium, ("select * from {table}", *CHANGES), table=table) == []

    # when it is granted to read it
    owner.execute(f"grant select on {table} to {debezium.info.user}")

    # then it reads, and changes no more than before
    assert debezium.execute(f"select id from {table}").fetchall() == [(1,)]
    assert allowed(debezium, CHANGES, table=table) == []
    assert allowed(debezium, ("create table {name} (id int)",), name=name) == []


def as_tasks(settings: Settings, base: str) -> psycopg.Connection:
    """A connection of the role of the tasks to one of its two databases."""
    user, password = role(settings, "tasks")
    return psycopg.connect(make_conninfo(base, user=user, password=password), autocommit=True)


def test_the_role_of_the_tasks_has_its_schema_in_the_source_and_nothing_else(
    settings: Settings, sign_in: SignIn, tables: dict[str, str], name: str
) -> None:
    with as_tasks(settings, settings.source_dsn()) as tasks:
        assert allowed(tasks, ("select * from {table}", *CHANGES), table=tables["source"]) == []
        assert allowed(tasks, ("create table public.{name} (id int)", *FOR_OWNERS), name=name) == []
        assert allowed(tasks, FOR_THE_SUPERUSER, name=name, other=settings.source_user) == []
        tasks.execute(f"create table tasks.{name} (id int)")
        try:
            # who reads the log reads what it is granted there, and the monitor nothing
            for name_of_role in ("debezium", "monitor"):
                assert allowed(sign_in(name_of_role), ("select * from tasks.{name}",), name=name) == []
        finally:
            tasks.execute(f"drop table tasks.{name}")


def test_the_role_of_the_tasks_reads_and_removes_results_and_nothing_else(
    settings: Settings, sign_in: SignIn, tables: dict[str, str], name: str
) -> None:
    writer, table = sign_in("subscriber"), f"tasks.{name}"
    writer.execute(f"create table {table} (id int)")
    try:
        writer.execute(f"insert into {table} values (1)")
        with as_tasks(settings, settings.target_dsn()) as tasks:
            statements = ("select * from {table}", *CHANGES)
            assert allowed(tasks, statements, table=table) == ["select * from {table}", "delete from {table}"]
            for owner in ("target", "subscriber", "sink"):
                assert allowed(tasks, statements, table=tables[owner]) == []
            mine = ("create table tasks.{name}_more (id int)", "create table public.{name}_more (id int)")
            assert allowed(tasks, (*mine, *FOR_OWNERS), name=name) == []
            assert allowed(tasks, FOR_THE_SUPERUSER, name=name, other=settings.target_user) == []
        assert allowed(sign_in("sink"), ("select * from {table}",), table=table) == []
    finally:
        writer.execute(f"drop table {table}")


def test_the_owner_acts_for_the_writers(sign_in: SignIn, tables: dict[str, str]) -> None:
    owner = sign_in("target")

    for writer in ("subscriber", "sink"):
        assert allowed(owner, ("select * from {table}", *CHANGES), table=tables[writer]) == [
            "select * from {table}",
            *CHANGES,
        ]


def test_the_roles_of_one_server_are_unknown_to_the_other(settings: Settings) -> None:
    for name_of_role in TARGET_ROLES:
        user, password = role(settings, name_of_role)
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(make_conninfo(settings.source_dsn(), user=user, password=password))


def test_the_monitoring_database_is_its_roles_and_the_readers_alone(settings: Settings) -> None:
    for name_of_role in ("target", "subscriber", "sink"):
        user, password = role(settings, name_of_role)
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(make_conninfo(settings.monitoring_dsn(), user=user, password=password))


def test_the_monitoring_role_has_no_other_database(settings: Settings) -> None:
    user, password = role(settings, "monitoring")

    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(make_conninfo(settings.target_dsn(), user=user, password=password))


def test_the_reader_reads_the_monitoring_database_and_changes_nothing(
    sign_in: SignIn, settings: Settings, name: str
) -> None:
    # given a table of the owner's
    owner = sign_in("monitoring")
    owner.execute(f"create table {name} (id int)")
    try:
        owner.execute(f"insert into {name} values (1)")
        with psycopg.connect(settings.monitoring_reader_dsn(), autocommit=True) as reader:
            # then the reader sees it, and that is all
            assert reader.execute(f"select id from {name}").fetchall() == [(1,)]
            assert allowed(reader, CHANGES, table=name) == []
            assert allowed(reader, FOR_OWNERS, name=name) == []
            assert allowed(reader, ("create table {name}_more (id int)",), name=name) == []
        assert allowed(owner, CHANGES, table=name) == list(CHANGES)
    finally:
        owner.execute(f"drop table {name}")
