"""What the cache's answers take of the server's memory: one hash an input, against one string an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from api.cache.encoding import encode
from api.cache.keys import answer_key

if TYPE_CHECKING:
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


def measure(server: redis.Redis, inputs: int, endpoints: int, hashes: bool) -> Taken:
    """Fill an empty server with the answers of so many endpoints to so many inputs."""
    server.flushdb(asynchronous=False)
    before = int(server.info("memory")["used_memory"])
    names = []
    pipeline = server.pipeline(transaction=False)
    for number in range(inputs):
        key = answer_key("credit", "20261121180000", {"age_in_years": number})
        for field, answer in list(ANSWERS.items())[:endpoints]:
            name = key if hashes else f"{key}:{field}"
            if hashes:
                pipeline.hset(name, field, encode(answer))
                pipeline.expire(name, TTL_SECONDS, nx=True)
            else:
                pipeline.set(name, encode(answer), ex=TTL_SECONDS)
            names.append(name)
        if not number % 1000:
            pipeline.execute()
    pipeline.execute()
    grown = int(server.info("memory")["used_memory"]) - before
    sample = sorted(set(names))[::97]
    usage = sum(int(server.memory_usage(name, samples=0) or 0) for name in sample) / len(sample)
    return Taken(grown * 1000 // inputs, round(usage * len(set(names)) * 1000 / inputs))
