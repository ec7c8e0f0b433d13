"""The process that runs pipelines is set up for millions of rows."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

from subscriber.commands.memory import SWITCH_SECONDS, settle

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


def test_stages_take_turns_within_a_millisecond_and_what_stays_is_not_looked_at() -> None:
    settle()

    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert gc.get_freeze_count() > 0
