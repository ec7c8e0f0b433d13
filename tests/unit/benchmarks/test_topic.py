import json

import pytest

from benchmarks.topic import CHUNK, Template, captured


def test_a_message_is_the_captured_one_but_for_what_varies() -> None:
    kept = captured()
    row = json.loads(kept.value)["payload"]

    ((key, value),) = Template(kept).messages(row["id"], 1)

    assert key == kept.key.encode()
    made = json.loads(value)["payload"]
    assert list(made) == list(row)
    # with the captured row's values in place of those drawn, each byte is the same
    text = json.dumps(made, separators=(",", ":"))
    assert value.count(text.encode()) == 1
    assert value.replace(text.encode(), json.dumps(row, separators=(",", ":")).encode()) == kept.value.encode()
    assert len(made["timestamp"]) == len(row["timestamp"])


@pytest.mark.parametrize("features", [1, 4, 400])
def test_a_table_of_other_columns_has_them_in_schema_and_row(features: int) -> None:
    template = Template(captured(), features)

    messages = list(template.messages(CHUNK - 1, 2))

    for (_, value), row_id in zip(messages, (CHUNK - 1, CHUNK), strict=True):
        message = json.loads(value)
        named = [field["field"] for field in message["schema"]["fields"]]
        assert named == list(message["payload"]) == ["id", "timestamp", *template.columns, "target"]
        assert len(template.columns) == features
        assert message["payload"]["id"] == row_id
    times = [json.loads(value)["payload"]["timestamp"] for _, value in messages]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_headers_tell_the_time_of_the_commit() -> None:
    headers = Template(captured()).header_values(1_700_000_000_123)

    assert headers == [("__op", b"c"), ("__source_ts_ms", b"1700000000123")]
