"""The real stack with a proxy on every road: servers, model API, connectors, subscribers and load."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import psycopg
import requests

from stack.cli import folder_of
from stack.servers import Stack, exclusive
from stack.services import Services
from stack.settings import Settings
from tests.chaos.answers import Answers
from tests.chaos.members import Member, clock
from tests.chaos.proxy import Proxy
from tests.chaos.writer import EXTREME_WIDTH, SQL, Writer
from tests.stream import FLOWERS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.process import Server
    from stack.progress import Progress

MEMBERS: Final = 3
# who joins and leaves beside them
GUESTS: Final = (3, 4)
TOPIC: Final = "postgres-source-chaos"
PARTITIONS: Final = 4
# ports above the model API's: consoles, proxies, and the broker's listeners behind two of these
CONSOLES, PROXIES, LISTENERS = 3, 10, 15
# a server starts anew while the others' faults keep the machine busy
READY_SECONDS: Final = 240.0
# larger than a segment of the log, which a limit on the size of files must let pass
BALLAST_ROWS: Final = 20_000


class World:
    """What faults are injected into; `started` runs it."""

    def __init__(self, port_offset: int, progress: Progress, rate: float, seed: int) -> None:
        self.settings = settings = Settings().moved(port_offset)
        self.folder = folder_of(port_offset)
        self.progress = progress
        base = settings.api_port
        api, target, broker, connect_source, connect_broker = range(base + PROXIES, base + PROXIES + 5)
        inner, outer = (base + LISTENERS, base + LISTENERS + 1), (broker, connect_broker)
        self.stack = Stack(settings, self.folder, more=routed(settings.kafka_port, inner, outer))
        self.services = Services(settings, self.folder)
        api_clock = self.folder / "run" / "clock-api"
        self.api = self.services.process(*("api", "api"), url=f"{settings.api_url}/v2/health/ready", port=base)
        self.api.environment = {**self.api.environment, **clock(api_clock)}
        self.faulty_api = Answers(settings.api_url)
        self.proxies = {
            "api": Proxy(api, int(self.faulty_api.address.rsplit(":", 1)[1])),
            "target": Proxy(target, settings.target_port),
            "broker": Proxy(broker, inner[0]),
            "connect-source": Proxy(connect_source, settings.source_port),
            "connect-broker": Proxy(connect_broker, inner[1]),
        }
        environment = self.services.environment | {
            "API_URL": f"http://127.0.0.1:{api}",
            "TARGET_PORT": str(target),
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker}",
            "SUBSCRIBER_PASSWORD": settings.subscriber_password.get_secret_value(),
        }
        self.members = [Member(n, base + CONSOLES + n, environment, self.folder) for n in range(MEMBERS + len(GUESTS))]
        # of each service whose clock may jump, the file that moves it, and where its answers tell the time
        self.clocks = {"api": (api_clock, f"{settings.api_url}/v2/health/live")} | {
            member.name: (member.clock, f"{member.address}/health/live") for member in self.members
        }
        # the connectors prepare the source through the proxy that Debezium reads it through
        self.source_port = str(connect_source)
        self.watch = self.services.process("connectors-watch", "connectors", "watch", SOURCE_PORT=self.source_port)
        self.writer = Writer(settings.source_dsn(), rate, seed)

    def server(self, name: str) -> Server:
        """A server by the name that a fault's target has."""
        if name.startswith("subscriber-"):
            return self.members[int(name.removeprefix("subscriber-"))]
        if name == "api":
            return self.api
        server: Server = getattr(self.stack, name)
        return server

    @property
    def lasting(self) -> list[Member]:
        """The subscribers that are there all the time, as faults let them."""
        return self.members[:MEMBERS]

    @contextmanager
    def started(self) -> Iterator[None]:
        """All of it runs within the block; its logs stay.

        Raises:
            StackError: something does not start.
        """
        with exclusive(self.folder), ExitStack() as ending:
            shutil.rmtree(self.folder / "data", ignore_errors=True)
            # a run that was killed may have left a clock that is ahead
            self._forget_clocks()
            ending.callback(self._forget_clocks)
            ending.callback(shutil.rmtree, self.folder / "data", ignore_errors=True)
            for proxy in self.proxies.values():
                ending.enter_context(proxy)
            ending.enter_context(self.faulty_api)
            # before the proxies end: through them Kafka Connect tells the broker that it leaves
            ending.callback(self._stop)
            self.stack.fetch(self.progress)
            for server in (*self._servers(), self.api, self.watch, *self.members):
                server.ready_seconds = READY_SECONDS
            self.stack.start(self.progress.say)
            self.progress.say("starting the model API, the connectors and the subscribers")
            self.services.run("train", "api.train", "--keep", "api.training.iris")
            self.api.restart()
            self._make_tables()
            self._connect()
            for member in self.lasting:
                member.start()
            for member in self.lasting:
                member.wait_ready()
            wait_until("the predictions' table", self._prepare_target, READY_SECONDS)
            self.writer.extreme_classes = self._classes([(*f[:3], EXTREME_WIDTH) for f, _ in FLOWERS])
            self.writer.start()
            yield

    def source(self) -> psycopg.Connection:
        return psycopg.connect(self.settings.source_dsn(), autocommit=True, connect_timeout=5)

    def target(self) -> psycopg.Connection:
        return psycopg.connect(self.settings.target_dsn(), autocommit=True, connect_timeout=5)

    def superuser(self, name: str) -> psycopg.Connection:
        """The superuser's connection to the source or the target."""
        s = self.settings
        server, database = (
            (self.stack.source, s.source_database) if name == "source" else (self.stack.target, s.target_database)
        )
        return psycopg.connect(server.superuser_dsn(database), autocommit=True, connect_timeout=5)

    def results(self) -> int:
        """How many predictions and dead letters there are."""
        with self.target() as target:
            query = (
                "select (select count(*) from chaos_prediction where stored_by <> 'ballast')"
                " + (select count(*) from dead_letter where pipeline = 'chaos')"
            )
            (count,) = target.execute(query).fetchone() or (0,)
            return int(count)

    def _make_tables(self) -> None:
        self.services.first_row()
        with self.source() as source:
            source.execute((SQL / "source.sql").read_bytes())
        s = self.settings
        settings: dict[str, Any] = {
            "members": "{" + ",".join(member.login for member in self.members) + "}",
            "password": s.subscriber_password.get_secret_value(),
            "subscriber": s.subscriber_user,
        }
        with self.superuser("target") as target:
            for name, value in settings.items():
                target.execute("select set_config(%s, %s, false)", [f"chaos.{name}", value])
            target.execute((SQL / "members.sql").read_bytes())

    def _connect(self) -> None:
        log = self.watch.log
        said_before = log.stat().st_size if log.exists() else 0
        self.watch.start()
        add = ("connectors", "add", "--table", "public.chaos")

        def running() -> bool:
            self.watch.check_running()
            return b"watching " in log.read_bytes()[said_before:]

        wait_until("the connectors", running, READY_SECONDS)
        server = self.services.process("connectors-add", *add, SOURCE_PORT=self.source_port)
        server.start()
        assert server.process is not None
        if server.process.wait(READY_SECONDS) != 0:
            raise server.failed("could not add the table")
        with self.source() as source:
            # its message makes the topic
            source.execute(
                "insert into chaos (id, version, sepal_length, sepal_width, petal_length, petal_width)"
                " values (0, 1, 5.1, 3.5, 1.4, 0.2)"
            )

    def _prepare_target(self) -> bool:
        with self.superuser("target") as target:
            if target.execute("select to_regclass('chaos_prediction'), to_regclass('dead_letter')").fetchone() == (
                *("chaos_prediction", "dead_letter"),
            ):
                target.execute((SQL / "letters.sql").read_bytes())
                # rows of nobody make the table's file larger than the limit that stands for a full disk
                target.execute(
                    "insert into chaos_prediction (model_version, stored_by)"
                    " select repeat('x', 1000), 'ballast' from generate_series(1, %s)",
                    [BALLAST_ROWS],
                )
                return True
        return False

    def _classes(self, rows: list[tuple[float, ...]]) -> list[int]:
        """What the model makes of rows of features."""
        names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
        inputs = [
            {"name": name, "shape": [len(rows)], "datatype": "FP64", "data": list(column)}
            for name, column in zip(names, zip(*rows, strict=True), strict=True)
        ]
        answer = requests.post(f"{self.settings.api_url}/v2/models/iris/infer", json={"inputs": inputs}, timeout=30)
        answer.raise_for_status()
        classes: list[int] = next(o["data"] for o in answer.json()["outputs"] if o["name"] == "iris_class")
        return classes

    def _forget_clocks(self) -> None:
        for file, _ in self.clocks.values():
            file.unlink(missing_ok=True)

    def _servers(self) -> list[Server]:
        stack = self.stack
        return [stack.source, stack.target, stack.broker, stack.connect, stack.cache, stack.archive]

    def _stop(self) -> None:
        for server in (*self.members, self.watch, self.api):
            server.stop()
        self.stack.stop()


def routed(port: int, inner: tuple[int, int], outer: tuple[int, int]) -> dict[str, dict[str, str]]:
    """The options for a listener of the subscribers and one of Connect at the broker, each reached through a proxy.

    Args:
        port: the broker's own, the controller's being one higher; nobody goes through a proxy to them.
        inner: where the two listeners are.
        outer: where the proxies before them are, which is what the broker tells its clients.
    """
    plain = {"PLAINTEXT": port, "CONTROLLER": port + 1}

    def text(ports: tuple[int, int]) -> str:
        every = {**plain, "MEMBERS": ports[0], "CONNECT": ports[1]}
        return ",".join(f"{name}://127.0.0.1:{number}" for name, number in every.items())

    return {
        "kafka": {
            "listeners": text(inner),
            "advertised.listeners": text(outer),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in (*plain, "MEMBERS", "CONNECT")),
        },
        "connect": {"bootstrap.servers": f"127.0.0.1:{outer[1]}"},
    }


def ports(settings: Settings) -> list[int]:
    """The ports of our own, beside those of the stack."""
    base = settings.api_port
    return [base, *range(base + CONSOLES, base + LISTENERS + 2)]
