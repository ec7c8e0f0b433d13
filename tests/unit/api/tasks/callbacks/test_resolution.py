"""Names that are looked up, and those whose servers never answer."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from api.tasks.callbacks.resolution import addresses_of

SLOW = 40


def test_names_that_nobody_answers_hold_up_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        if host.startswith("slow"):
            over.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def look_up() -> list[str]:
        slow = [asyncio.ensure_future(addresses_of(f"slow{number}.example", 80)) for number in range(SLOW)]
        await asyncio.sleep(0)
        try:
            return await asyncio.wait_for(addresses_of("127.1", 80), 5)
        finally:
            over.set()
            told = await asyncio.gather(*slow, return_exceptions=True)
            assert {type(each) for each in told} == {socket.gaierror}

    assert asyncio.run(look_up()) == ["127.0.0.1"]
