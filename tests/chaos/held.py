"""What the processes hold: connections, threads, open files; compared with what they held before the first fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from tests.chaos.world import World

# what comes and goes by itself: threads of a pool, files of a log's segments, a connection that is just being replaced
CONNECTIONS: Final = 2
ALLOWED: Final = {"subscriber": (6, 12), "api": (40, 40), "broker": (30, 150), "connect": (30, 60)}


@dataclass
class Held:
    """Connections by server and login, threads and open files by process."""

    connections: dict[str, int] = field(default_factory=dict)
    threads: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)


def look(world: World) -> Held:
    """What is held now."""
    held = Held()
    for name in ("source", "target"):
        with world.superuser(name) as connection:
            query = "select usename, count(*) from pg_stat_activity where backend_type = 'client backend' group by 1"
            for login, count in connection.execute(query):
                if login != "postgres":
                    held.connections[f"{name} {login}"] = count
    named = {f"subscriber-{member.number}": member for member in world.lasting}
    for name, server in {
        **named,
        "api": world.api,
        "broker": world.stack.broker,
        "connect": world.stack.connect,
    }.items():
        process = psutil.Process(server.pid)
        held.threads[name], held.files[name] = process.num_threads(), process.num_fds()
    return held


def leaked(before: Held, after: Held) -> list[str]:
    """What is held beyond what was, and beyond what comes and goes."""
    said = [
        f"connections to {name}: {count}, and {before.connections.get(name, 0)} before the first fault"
        for name, count in after.connections.items()
        # who had none, as subscribers that were there for a while, is to have none
        if count > (before.connections[name] + CONNECTIONS if name in before.connections else 0)
    ]
    for place, what in enumerate(("threads", "files")):
        held, held_before = getattr(after, what), getattr(before, what)
        said += [
            f"{what} of {name}: {count}, and {held_before[name]} before the first fault"
            for name, count in held.items()
            if count > held_before[name] + ALLOWED[name.partition("-")[0]][place]
        ]
    return said
