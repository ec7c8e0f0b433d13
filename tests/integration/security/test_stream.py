"""Rows go all the way over TLS, each server being who its certificate says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import psycopg

from tests.runs import as_processes
from tests.stream import PipelineFile, Topic, flower, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commands import Finished
    from tests.secured import SecuredStack
    from tests.stream import SubscriberProcess

pytestmark = as_processes


def settled(secured: SecuredStack) -> bool:
    """Whether each row of the source is copied and has one prediction."""
    counts = "select (select count(*) from iris_data), count(*), count(distinct source_id) from iris_prediction"
    with psycopg.connect(secured.settings.source_dsn()) as source:
        rows = source.execute("select count(*) from iris_data").fetchone()
    with psycopg.connect(secured.settings.target_dsn()) as target:
        try:
            return rows is not None and target.execute(counts).fetchone() == (rows[0],) * 3
        except psycopg.errors.UndefinedTable:
            return False


def remote_ports(pid: int) -> set[int]:
    """The ports that a process is connected to."""
    return {found.raddr.port for found in psutil.Process(pid).net_connections("tcp") if found.raddr}


def test_rows_flow_over_tls_alone(
    secured: SecuredStack, run: Callable[..., Finished], subscribe: Callable[..., SubscriberProcess]
) -> None:
    # given rows before and after the connectors begin, so that both the snapshot and the log are read
    for module, *arguments in (
        ("data_generator", "--rate", "0", "--rows", "60"),
        ("connectors",),
        ("data_generator", "--rate", "0", "--rows", "40"),
    ):
        done = run(module, *arguments)
        assert done.returncode == 0, done.stderr

    # when they are predicted
    subscriber = subscribe()

    # then each is, once, and copied
    wait_until("all rows copied and predicted", lambda: settled(secured))

    # and nobody speaks in the clear
    settings = secured.settings
    for server, users in (
        (secured.source, {settings.debezium_user}),
        (secured.target, {settings.subscriber_user, settings.sink_user}),
    ):
        with psycopg.connect(server.superuser_dsn("postgres")) as connection:
            sessions = connection.execute(
                "select usename, ssl from pg_stat_activity join pg_stat_ssl using (pid) where usename is not null"
            ).fetchall()
        assert users <= {user for user, _ in sessions}
        assert all(ssl for _, ssl in sessions)
    secured_port = int(secured.kafka.rpartition(":")[2])
    for pid in (subscriber.pid, secured.connect.pid):
        assert secured_port in remote_ports(pid)
        assert settings.kafka_port not in remote_ports(pid)


def test_who_was_let_in_before_waits_for_a_password_that_is_taken_away(
    secured: SecuredStack, subscribe: Callable[..., SubscriberProcess], name: str, tmp_path: Path, api: str
) -> None:
    # given a subscriber that reads
    topic = Topic(secured.settings.kafka_bootstrap_servers, name)
    pipeline = PipelineFile(tmp_path, name, api)
    topic.write([flower(0)])
    subscriber = subscribe(pipeline.path)
    with psycopg.connect(secured.settings.target_dsn(), autocommit=True) as target:
        pipeline.wait_for(target, 1)

        # when Kafka knows it no more
        secured.forget_reader()
        secured.broker.kill()
        secured.broker.restart()
        wait_until("saying so", lambda: subscriber.waits_for("invalid credentials"))
        assert subscriber.running

        # then it goes on as soon as it is known again
        secured.make_reader()
        topic.write(flower(i) for i in range(1, 20))
        pipeline.wait_for(target, 20)
        pipeline.assert_exactly_once(target, range(20))
