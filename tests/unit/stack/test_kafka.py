"""Which log folders a broker takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stack.errors import StackError
from stack.kafka import Broker

if TYPE_CHECKING:
    from pathlib import Path

CLASSPATH = "/maven/kafka-clients-4.10.1.jar:/maven/kafka-tools-4.10.1.jar"


def broker(folder: Path, written_by: str | None) -> Broker:
    """A broker over a folder that was formatted."""
    logs = folder / "data" / "kafka"
    logs.mkdir(parents=True)
    (logs / "meta.properties").write_text("")
    if written_by:
        (logs / "written-by").write_text(written_by)
    return Broker(folder, 9092, CLASSPATH, folder, tuned=False, more={})


@pytest.mark.parametrize("written_by", [None, "4.10.2", "5.0.0"])
def test_what_a_later_kafka_wrote_is_told_with_the_way_out(tmp_path: Path, written_by: str | None) -> None:
    with pytest.raises(StackError, match=r"another Kafka|Kafka [45].*4\.10\.1 cannot read: `make clean`"):
        broker(tmp_path, written_by).prepare()


@pytest.mark.parametrize("written_by", ["4.10.1", "4.2.1"])
def test_what_an_earlier_kafka_wrote_is_taken_over(tmp_path: Path, written_by: str) -> None:
    one = broker(tmp_path, written_by)
    one.prepare()
    assert (one.logs / "written-by").read_text() == "4.10.1"
