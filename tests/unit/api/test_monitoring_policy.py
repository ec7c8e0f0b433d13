"""Where answers go, and how they and a model's reference look on the way."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.monitoring.answers import kept
from api.monitoring.policy import Destination, destination, retry_delay
from api.monitoring.records import decoded, waiting
from api.monitoring.reference import Bins, Categories, ReferenceDistribution
from api.monitoring.settings import MonitoringSettings
from api.monitoring.tables import UnfitRecord
from tests.recording import answer


@given(age=st.floats(0, 1e6), queued=st.integers(0, 10**6), limit=st.integers(1, 10**6), patience=st.floats(0, 1e6))
def test_a_database_that_is_there_gets_everything(age: float, queued: int, limit: int, patience: float) -> None:
    there, away = (
        destination(connected=connected, age_seconds=age, queued=queued, limit=limit, patience_seconds=patience)
        for connected in (True, False)
    )

    assert there is Destination.DATABASE
    assert away is (Destination.FILE if age >= patience or queued * 2 >= limit else Destination.MEMORY)


def test_tries_grow_rarer_up_to_a_bound() -> None:
    delays = [retry_delay(failures) for failures in range(1, 20)]

    assert delays == sorted(delays)
    assert 0 < delays[0] < delays[-1] <= 2


@pytest.mark.parametrize("number", range(6))
def test_an_answer_comes_back_from_the_file_as_it_was(number: int) -> None:
    one = waiting(kept(answer(number)))

    assert decoded(one.encoded()) == one


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b"\xff", b'{"endpoint": 1}'])
def test_what_is_no_answer_is_unfit(record: bytes) -> None:
    with pytest.raises(UnfitRecord):
        decoded(record)


def test_what_no_table_takes_is_named() -> None:
    one = answer(0)
    for unfit, words in (
        (dataclasses.replace(one, endpoint="elsewhere"), "elsewhere"),
        (dataclasses.replace(one, request_id="1"), "no UUID"),
        (dataclasses.replace(one, features={}), "without .*age_in_years"),
    ):
        with pytest.raises(UnfitRecord, match=words):
            waiting(kept(unfit))


def test_a_reference_has_a_row_for_each_distribution() -> None:
    reference = ReferenceDistribution(
        "v1",
        {"age_in_years": Bins((30.0, 40.0), (5, 6, 7), 19, 75), "foreign_worker": Categories({"yes": 9, "no": 1})},
        {"decisions": Categories({"ACCEPT": 7, "DECLINE": 3})},
    )

    assert reference.rows() == [
        ("v1", "feature", "age_in_years", [30.0, 40.0], 19, 75, None, [5, 6, 7]),
        ("v1", "feature", "foreign_worker", None, None, None, ["yes", "no"], [9, 1]),
        ("v1", "answer", "decisions", None, None, None, ["ACCEPT", "DECLINE"], [7, 3]),
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MONITORING_PORT", "0", "greater than 0"),
        ("MONITORING_SSLMODE", "maybe", "verify-full"),
        ("MONITORING_SSLROOTCERT", "/nowhere/ca.pem", "there is no file"),
        ("MONITORING_QUEUE_ROWS", "-1", "greater than 0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=words) as caught:
        MonitoringSettings(_env_file=None)
    assert caught.value.errors()[0]["loc"] == (name.lower(),)


def test_a_trusted_server_needs_its_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITORING_SSLMODE", "verify-full")
    with pytest.raises(ValidationError, match="MONITORING_SSLMODE=verify-full needs it"):
        MonitoringSettings(_env_file=None)


def test_the_password_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITORING_PASSWORD", "hidden-word")
    settings = MonitoringSettings(_env_file=None)

    assert "hidden-word" not in f"{settings!r} {settings.model_dump_json()}"
    assert "hidden-word" in settings.dsn()
