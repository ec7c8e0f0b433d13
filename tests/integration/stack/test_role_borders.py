"""What a role owns is out of reach of every other, also by way of the functions and settings of what they share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from stack.servers import databases
from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.settings import Settings
    from tests.servers import Servers

PRIVILEGE = "42501"
OUTBOX = json.loads((ROOT / "connectors" / "outbox.json").read_text())["config"]["publication.name"]
# what whoever writes rows to the source database, or has its password, must not do; {account} and {outbox} are tables
# of the tasks, {tasks} their role
SOURCE = (
    ("source", "select * from {account}"),
    ("source", "insert into {account} values ('mallory')"),
    ("source", "update {account} set name = 'mallory'"),
    ("source", "delete from {account}"),
    ("source", "drop table {account}"),
    ("source", "select * from {outbox}"),
    ("source", "insert into {outbox} values ('row')"),
    ("source", "truncate {outbox}"),
    ("source", "create table tasks.{name} (id int)"),
    ("source", "grant select on {account} to {source}"),
    ("source", "alter table {account} owner to {source}"),
    ("source", "create trigger {name} before insert on {account} execute function public.{name}()"),
    ("source", "set role {tasks}"),
    ("source", "set role {debezium}"),
    ("source", "grant {tasks} to {source}"),
    ("source", "alter role {tasks} password 'taken'"),
    ("source", "alter role {debezium} set search_path = public"),
    ("source", "alter role {tasks} in database {database} set search_path = public"),
    ("source", "alter database {database} set search_path = public, pg_catalog"),
    ("source", "drop schema tasks cascade"),
    ("source", "alter publication {publication} add table public.{name}_own"),
    ("source", "alter publication {publication} owner to {source}"),
    ("source", "drop publication {publication}"),
    ("source", "create publication {name} for table {account}"),
    ("source", "create publication {name} for tables in schema tasks"),
    ("source", "create publication {name} for all tables"),
    ("source", "create subscription {name} connection '' publication {name}"),
    ("source", "select pg_create_logical_replication_slot('{name}', 'pgoutput')"),
    ("source", "create event trigger {name} on ddl_command_start execute function public.{name}()"),
    ("source", "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{tasks}'"),
    ("debezium", "select * from {account}"),
    ("debezium", "insert into {outbox} values ('row')"),
    ("debezium", "delete from {outbox}"),
    ("debezium", "alter publication {publication} add table {account}"),
    ("debezium", "create publication {name}"),
    ("debezium", "set role {tasks}"),
    ("debezium", "create function public.{name}_more() returns int language sql as 'select 1'"),
    ("monitor", "select * from {account}"),
    ("monitor", "select * from {outbox}"),
    ("monitor", "select * from public.{name}_own"),
    ("monitor", "select pg_drop_replication_slot('{name}')"),
    ("monitor", "select pg_create_logical_replication_slot('{name}', 'pgoutput')"),
    ("monitor", "create table public.{name}_more (id int)"),
    ("tasks", "select * from public.{name}_own"),
    ("tasks", "create publication {name}"),
    ("tasks", "create schema {name}"),
    ("tasks", "alter publication {publication} add table public.{name}_own"),
    ("tasks", "set role {source}"),
    ("tasks", "select pg_create_logical_replication_slot('{name}', 'pgoutput')"),
)


class Tables:
    """Tables of the tasks and one of the source's own, by what statements call them."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.names = {
            "account": f"tasks.{name}_account",
            "outbox": f"tasks.{name}_outbox",
            "name": name,
            "publication": OUTBOX,
            "database": settings.source_database,
            "source": settings.source_user,
            "debezium": settings.debezium_user,
            "tasks": settings.tasks_user,
        }

    def connect(self, role: str) -> psycopg.Connection:
        values = self.settings.environment()
        user, password = values[f"{role.upper()}_USER"], values[f"{role.upper()}_PASSWORD"]
        return psycopg.connect(make_conninfo(self.settings.source_dsn(), user=user, password=password), autocommit=True)


@pytest.fixture(scope="module")
def tables(stack: Servers) -> Iterator[Tables]:
    made = Tables(stack.settings, "borders")
    trigger = "returns trigger language plpgsql as 'begin return null; end'"
    with made.connect("tasks") as tasks, made.connect("source") as source:
        tasks.execute("create table tasks.borders_account (name text)")
        tasks.execute("create table tasks.borders_outbox (name text)")
        tasks.execute(f"grant select on tasks.borders_outbox to {stack.settings.debezium_user}")
        source.execute("create table public.borders_own (id int primary key)")
        source.execute(f"create function public.borders() {trigger}")
        yield made
        tasks.execute("drop table tasks.borders_account, tasks.borders_outbox")
        source.execute("drop table public.borders_own")
        source.execute("drop function public.borders")


@pytest.mark.parametrize(("role", "statement"), SOURCE)
def test_a_role_of_the_source_keeps_within_its_borders(role: str, statement: str, tables: Tables) -> None:
    with tables.connect(role) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(statement.format(**tables.names).encode())

    assert refused.value.sqlstate == PRIVILEGE, refused.value


def test_the_source_role_makes_tables_rows_and_publications_of_its_own(tables: Tables, name: str) -> None:
    with tables.connect("source") as source:
        for statement in (
            f"create schema {name}",
            f"create table {name}.orders (id int primary key)",
            f"insert into {name}.orders values (1)",
            f"create publication {name} for table {name}.orders",
            f"drop publication {name}",
            f"drop schema {name} cascade",
        ):
            source.execute(statement.encode())


@pytest.mark.parametrize("role", ["debezium", "tasks"])
def test_who_reads_beside_others_looks_for_functions_in_postgres_alone(role: str, tables: Tables) -> None:
    with tables.connect(role) as connection:
        assert connection.execute("show search_path").fetchone() == ("pg_catalog",)


@pytest.mark.parametrize("trapper", ["source", "subscriber", "monitoring"])
def test_a_function_in_a_shared_schema_does_not_trap_the_superuser(
    trapper: str, settings: Settings, stack: Servers, name: str
) -> None:
    # given a function that fits the statements of the roles' files better than Postgres' own of that name does
    base = {"source": settings.source_dsn(), "monitoring": settings.monitoring_dsn()}.get(
        trapper, settings.target_dsn()
    )
    values = settings.environment()
    user, password = values[f"{trapper.upper()}_USER"], values[f"{trapper.upper()}_PASSWORD"]
    with psycopg.connect(make_conninfo(base, user=user, password=password), autocommit=True) as connection:
        connection.execute(
            "create function public.format(text, text) returns text language plpgsql as $$ begin"
            f" create role {name}; return pg_catalog.format($1, variadic array[$2]); end $$".encode()
        )
        try:
            # when the superuser runs them, as at each start
            for database in databases(settings):
                database.set_up(values)

            # then it is not the one that is called
            assert connection.execute("select from pg_roles where rolname = %s", [name]).fetchone() is None
        finally:
            connection.execute("drop function public.format(text, text)")


def test_what_an_earlier_version_granted_is_taken_away(settings: Settings, stack: Servers, tables: Tables) -> None:
    # given a source database in which its user acts for the tasks, owns the database and publishes the outbox
    source, tasks = settings.source_user, settings.tasks_user
    with psycopg.connect(stack.source.superuser_dsn(settings.source_database), autocommit=True) as superuser:
        superuser.execute(f"grant {tasks} to {source}".encode())
        superuser.execute(f"alter database {settings.source_database} owner to {source}".encode())
        superuser.execute(f"alter publication {OUTBOX} owner to {source}".encode())
    with tables.connect("source") as connection:
        connection.execute("select * from tasks.borders_account")

    # when the servers are started again
    databases(settings)[0].set_up(settings.environment())

    # then it may no more
    with tables.connect("source") as connection:
        for statement in ("select * from {account}", "drop publication {publication}", "set role {tasks}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.format(**tables.names).encode())
