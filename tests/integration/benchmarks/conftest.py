"""What is measured on the servers of the test run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks.running import Running
from stack.progress import Progress
from stack.servers import Stack

if TYPE_CHECKING:
    from stack.services import Services
    from tests.servers import Servers


@pytest.fixture
def running(stack: Servers, services: Services, api: str) -> Running:
    if not isinstance(stack, Stack):
        pytest.skip("what servers in containers take is not measured")
    running = Running(Progress(Console(stderr=True)), stack=stack)
    running.services = services
    return running
