"""A published table is named in full, and no two share a topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import SettingError
from connectors.tables import Table, parse, parse_list

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)


def test_a_table_is_split_from_its_schema() -> None:
    assert parse(" public.iris_data ") == Table("public", "iris_data")
    assert parse_list("public.iris_data, shop.Orders") == [Table("public", "iris_data"), Table("shop", "Orders")]


@pytest.mark.parametrize("name", ["iris_data", "public.iris_.*", ".iris", "public.", 'a."b"', "a.b.c", "a.b-c", ""])
def test_patterns_and_bare_names_are_refused(name: str) -> None:
    with pytest.raises(SettingError, match=r"must be schema\.table"):
        parse(name)


def test_a_topic_is_named_for_its_table_and_for_its_schema_unless_that_is_public() -> None:
    assert parse("public.iris_data").topic == "postgres-source-iris_data"
    assert parse("shop.orders").topic == "postgres-source-shop-orders"


@given(tables=st.sets(st.builds(Table, NAMES, NAMES), min_size=2))
def test_no_two_tables_share_a_topic(tables: set[Table]) -> None:
    assert len({table.topic for table in tables}) == len(tables)
