"""What the cache's answers take of the server's memory: one hash an input, against one string an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from api.cache.encoding import encode
from api.cache.keys import answer_key

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

TTL_SECONDS = 3600
ANSWERS = {
    "decisions": b'{"decision":"ACCEPT"}',
    "probabilities": b'{"probability":0.2306}',
    "risk_categories": b'{"risk_category":"medium_risk"}',
}


class Taken(NamedTuple):
    """Bytes a thousand inputs: what the server's memory grew by, and what `MEMORY USAGE` says of the keys."""

    grown: int
    keys: int


def measure(connect: Callable[[], redis.Redis], inputs: int, endpoints: int, hashes: bool) -> Taken:
    """Fill a server that was just started with the answers of so many endpoints to so many inputs."""
    with connect() as server:
        before = int(server.info("memory")["used_memory"])
        names = [name for number in range(inputs) for name in _keep(server, number, endpoints, hashes)]
        grown = int(server.info("memory")["used_memory"]) - before
        sample = names[::97]
        usage = sum(int(server.memory_usage(name, samples=0) or 0) for name in sample) / len(sample)
    return Taken(round(grown * 1000 / inputs), round(usage * len(names) * 1000 / inputs))


def _keep(server: redis.Redis, number: int, endpoints: int, hashes: bool) -> list[str]:
    """The keys of one input."""
    key = answer_key("credit", "20261121180000", {"age_in_years": number})
    answers = list(ANSWERS.items())[:endpoints]
    pipeline = server.pipeline(transaction=False)
    for field, answer in answers:
        if hashes:
            pipeline.hset(key, field, encode(answer))
            pipeline.expire(key, TTL_SECONDS, nx=True)
        else:
            pipeline.set(f"{key}:{field}", encode(answer), ex=TTL_SECONDS)
    pipeline.execute()
    return [key] if hashes else [f"{key}:{field}" for field, _ in answers]
