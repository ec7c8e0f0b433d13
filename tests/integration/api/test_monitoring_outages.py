"""Nothing is lost while the monitoring database is away, and none of it comes twice."""

from __future__ import annotations

import os
import resource
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

import psycopg

from api.monitoring.answers import ANSWER_TABLES, kept
from api.monitoring.records import waiting
from api.monitoring.spill import Spill
from tests.recording import Load, RecorderProcess, answer
from tests.runs import as_processes
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from api.monitoring.recorder import Recorder
    from tests.recording import MonitoringDatabase
    from tests.servers import Servers

    Start = Callable[..., Recorder]

RATE = 500
# the most that `kill -9` may lose: what came in the time-out of a write, and a margin for a busy machine
LOST_SECONDS = 4.0


def counted(recorder: Recorder, name: str) -> float:
    """The value of one of the recorder's metrics."""
    return float(getattr(recorder.metrics, name)._value.get())


def more_spilled(recorder: Recorder, than: float) -> bool:
    return counted(recorder, "spilled") > than


def dropped(recorder: Recorder) -> float:
    reasons = ("full", "refused", "corrupt", "closed")
    return float(sum(recorder.metrics.dropped.labels(reason)._value.get() for reason in reasons))


def test_a_server_killed_under_load_loses_nothing(
    monitoring: MonitoringDatabase, recorder: Start, stack: Servers
) -> None:
    # given answers that flow into the database
    recording = recorder()
    load = Load(recording, RATE)
    try:
        wait_until("rows", lambda: counted(recording, "written") > RATE)

        # when the server is killed, twice, each time for long enough that answers go to the file
        for _ in range(2):
            enough = counted(recording, "spilled") + RATE
            stack.target.kill()
            wait_until("answers in the file", partial(more_spilled, recording, enough))
            stack.target.restart()
            wait_until("the file is read", lambda: not monitoring.files())
    finally:
        ids = load.stop()

    # then every answer has its row, once
    wait_until("every row", lambda: monitoring.holds(ids))
    assert dropped(recording) == 0
    assert counted(recording, "replayed") == counted(recording, "spilled")
    assert counted(recording, "written") + counted(recording, "spilled") == len(ids)


@as_processes
def test_a_frozen_server_loses_nothing_and_keeps_nobody_waiting(
    monitoring: MonitoringDatabase, recorder: Start, stack: Servers
) -> None:
    recording = recorder()
    load = Load(recording, RATE)
    backends: list[int] = []
    try:
        wait_until("rows", lambda: counted(recording, "written") > RATE)
        with psycopg.connect(monitoring.dsn) as connection:
            backends = [
                row[0]
                for row in connection.execute(
                    "select pid from pg_stat_activity where application_name = 'api monitoring' and datname = %s"
                    " and pid <> pg_backend_pid()",
                    [monitoring.name],
                )
            ]

        # when the server and the recorder's backend stand still
        freeze(stack, backends)
        wait_until("answers in the file", lambda: counted(recording, "spilled") > 2 * RATE)
        thaw(stack, backends)
        wait_until("the file is read", lambda: not monitoring.files())
    finally:
        thaw(stack, backends)
        ids = load.stop()

    wait_until("every row", lambda: monitoring.holds(ids))
    assert dropped(recording) == 0
    # a request is not held up by it; the bound is of a machine that is busy with other things
    assert load.slowest < 0.5


def freeze(stack: Servers, backends: list[int]) -> None:
    stack.target.send(signal.SIGSTOP)
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)


def thaw(stack: Servers, backends: list[int]) -> None:
    stack.target.send(signal.SIGCONT)
    for pid in backends:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            continue


def test_a_full_file_drops_what_does_not_fit_and_counts_it(
    monitoring: MonitoringDatabase, recorder: Start, stack: Servers
) -> None:
    # given a small file and a small memory, and a server that is away
    recording = recorder(monitoring_spill_max_bytes=100_000, monitoring_queue_rows=500)
    wait_until("a connection", lambda: counted(recording, "connected") == 1)
    stack.target.kill()
    load = Load(recording, RATE)
    try:
        # when more comes than they hold
        wait_until("a loss", lambda: dropped(recording) > RATE)
        assert sum(file.stat().st_size for file in monitoring.files()) <= 100_000
        stack.target.restart()
        lost = dropped(recording)
        wait_until("rows again", lambda: counted(recording, "written") > 0)
    finally:
        ids = load.stop()

    # then the rest is in the database, and the count of the lost is exact
    wait_until("the rest", lambda: len(monitoring.ids()) == len(ids) - dropped(recording))
    assert dropped(recording) >= lost
    assert set(monitoring.ids()) <= set(ids)
    # the oldest were kept
    assert set(ids[:100]) <= set(monitoring.ids())


def test_the_next_start_reads_what_the_last_one_left(
    monitoring: MonitoringDatabase, recorder: Start, stack: Servers
) -> None:
    # given answers that came while the server was away, and the end of their process
    stack.target.kill()
    made = [answer(i) for i in range(3_000)]
    before = recorder()
    for one in made:
        before.record(one)
    before.close()
    assert monitoring.files()
    assert dropped(before) == 0

    # when a recorder starts with the server back
    stack.target.restart()
    after = recorder()

    wait_until("every row", lambda: monitoring.holds([one.request_id for one in made]))
    wait_until("no file", lambda: not monitoring.files())
    assert counted(after, "replayed") == len(made)


def test_steady_traffic_does_not_hold_up_what_waits(monitoring: MonitoringDatabase, recorder: Start) -> None:
    # given answers that come faster than one batch is written after the other
    recording = recorder()
    load = Load(recording, 4 * RATE)
    try:
        wait_until("rows", lambda: counted(recording, "written") > RATE)

        # when there is more to read from a file than one turn takes
        left = [answer(i) for i in range(3_000)]
        spill = Spill(monitoring.folder, 10_000_000)
        spill.append([waiting(kept(one)).encoded() for one in left])
        spill.close()

        # then it is read all the same
        wait_until("the file is read", lambda: not monitoring.files())
        assert counted(recording, "replayed") == len(left)
    finally:
        ids = load.stop()
    wait_until("every row", lambda: monitoring.holds([*ids, *(one.request_id for one in left)]))


def test_a_process_without_a_free_file_descriptor_loses_nothing(
    monitoring: MonitoringDatabase, recorder: Start
) -> None:
    # given a recorder that has its database
    recording = recorder()
    wait_until("a connection", lambda: counted(recording, "connected") == 1)
    made = [answer(i) for i in range(30)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    # when neither a connection can be guarded nor a file be opened
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        for one in made:
            recording.record(one)
        wait_until("a try", lambda: recording.metrics.write_seconds._sum.get() > 0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    wait_until("every row", lambda: monitoring.holds([one.request_id for one in made]))
    assert dropped(recording) == 0


def test_a_server_that_lets_us_in_and_takes_nothing_is_tried_ever_more_rarely(
    monitoring: MonitoringDatabase, recorder: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a server whose disk is full
    recording = recorder()
    wait_until("a connection", lambda: counted(recording, "connected") == 1)
    with psycopg.connect(monitoring.dsn, autocommit=True) as connection:
        connection.execute(
            "create function full_disk() returns trigger language plpgsql as"
            " $$ begin raise disk_full using message = 'the disk is full'; end $$"
        )
        for table in ANSWER_TABLES:
            connection.execute(
                f"create trigger full_disk before insert on {table} execute function full_disk()".encode()
            )
    capsys.readouterr()

    # when answers come for as long as would do for many tries
    load = Load(recording, RATE)
    try:
        wait_until("answers in the file", lambda: counted(recording, "spilled") > 8 * RATE)
        said = capsys.readouterr()
        with psycopg.connect(monitoring.dsn, autocommit=True) as connection:
            connection.execute("drop function full_disk cascade")
        wait_until("the file is read", lambda: not monitoring.files())
    finally:
        ids = load.stop()

    # then it was said once, and nothing is lost
    assert (said.out + said.err).count("the disk is full") == 1
    wait_until("every row", lambda: monitoring.holds(ids))
    assert dropped(recording) == 0


def test_a_torn_and_a_damaged_record_are_counted_and_the_others_kept(
    monitoring: MonitoringDatabase, recorder: Start
) -> None:
    # given a file whose process was killed in the midst of a record, and a record that a disk has damaged
    made = [answer(i) for i in range(10)]
    spill = Spill(monitoring.folder, 1_000_000)
    spill.append([waiting(kept(one)).encoded() for one in made])
    spill.close()
    (file,) = monitoring.files()
    lines = file.read_bytes().split(b"\n")
    lines[4] = lines[4].replace(b"age_in_years", b"age_in_yearz")
    file.write_bytes(b"\n".join(lines)[:-30])

    recording = recorder()

    whole = [one.request_id for i, one in enumerate(made) if i not in {4, 9}]
    wait_until("the others", lambda: monitoring.holds(whole))
    wait_until("the count", lambda: recording.metrics.dropped.labels("corrupt")._value.get() == 2)
    assert not monitoring.files()


def test_a_process_takes_over_what_a_killed_one_left(monitoring: MonitoringDatabase, stack: Servers) -> None:
    # given two processes that share a folder, and a server that is away
    stack.target.kill()
    one = RecorderProcess(monitoring, "one", RATE)
    other = RecorderProcess(monitoring, "other", RATE)
    try:
        wait_until("a file each", lambda: len(monitoring.files()) == 2)
        wait_until("answers", lambda: len(one.recorded()) > 4 * RATE)

        # when one is killed, and the server comes back
        one.kill()
        killed = time.time()
        stack.target.restart()

        # then the other writes the answers of both, but for the last of the killed one
        sure = {request_id for request_id, moment in one.recorded().items() if moment < killed - LOST_SECONDS}
        assert sure
        wait_until("the killed one's", lambda: sure <= set(monitoring.ids()))
        wait_until("no file of it", lambda: len(monitoring.files()) <= 1)
        assert other.stop() == 0, other.log()
    finally:
        one.kill()
        other.kill()

    found = monitoring.ids()
    assert len(found) == len(set(found))
    assert set(other.recorded()) <= set(found)
    assert set(found) <= set(other.recorded()) | set(one.recorded())


def test_a_killed_process_loses_no_more_than_its_last_moments(monitoring: MonitoringDatabase) -> None:
    process = RecorderProcess(monitoring, "killed", RATE)
    try:
        wait_until("answers", lambda: len(process.recorded()) > 3 * RATE)
    finally:
        process.kill()
    killed = time.time()

    recorded, found = process.recorded(), set(monitoring.ids())
    lost = [killed - moment for request_id, moment in recorded.items() if request_id not in found]
    print(f"lost {len(lost)} of {len(recorded)}, the oldest {max(lost, default=0):.2f} s before the kill")
    assert max(lost, default=0) < LOST_SECONDS
    assert found <= set(recorded)


def test_a_database_that_is_not_there_yet_is_waited_for(monitoring: MonitoringDatabase, stack: Servers) -> None:
    # given a role that may not sign in
    user = monitoring.settings.monitoring_user
    made = [answer(i) for i in range(100)]
    recording = None
    with psycopg.connect(stack.target.superuser_dsn("postgres"), autocommit=True) as server:
        server.execute(f"alter role {user} nologin".encode())
        try:
            recording = monitoring.recorder()
            for one in made:
                recording.record(one)
            wait_until("the file", lambda: counted(recording, "spilled") == len(made))
        finally:
            server.execute(f"alter role {user} login".encode())
    try:
        wait_until("the rows", lambda: monitoring.holds([one.request_id for one in made]))
    finally:
        recording.close()
