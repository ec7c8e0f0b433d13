"""A published table is named in full."""

import pytest

from connectors.databases import split_table
from connectors.errors import DefinitionError


def test_a_table_is_split_from_its_schema() -> None:
    assert split_table(" public.iris_data ") == ("public", "iris_data")


@pytest.mark.parametrize("name", ["iris_data", "public.iris_.*", ".iris", "public.", 'a."b"', ""])
def test_patterns_and_bare_names_are_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match=r"must be schema\.table"):
        split_table(name)
