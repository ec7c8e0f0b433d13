"""Every exception of psycopg becomes one of ours, and one a person may read."""

import psycopg
import pytest
from psycopg import errors as pg

from data_generator.database import one_line, translated
from data_generator.errors import DatabaseLostError, GeneratorError, TableError

PASSING = (psycopg.OperationalError, psycopg.InterfaceError)


def every_kind(kind: type[psycopg.Error]) -> list[type[psycopg.Error]]:
    return [kind, *(below for child in kind.__subclasses__() for below in every_kind(child))]


@pytest.mark.parametrize("kind", sorted(set(every_kind(psycopg.Error)), key=repr))
def test_every_exception_is_translated(kind: type[psycopg.Error]) -> None:
    with pytest.raises(GeneratorError) as caught, translated():
        raise kind("some\nlines")

    assert isinstance(caught.value, DatabaseLostError) == issubclass(kind, (*PASSING, pg.ReadOnlySqlTransaction))
    assert str(caught.value) == "some lines"


def test_a_duplicate_of_another_column_is_not_taken_for_our_own_batch() -> None:
    with pytest.raises(TableError), translated():
        raise pg.UniqueViolation("duplicate key")


def test_an_exception_without_words_is_named() -> None:
    assert one_line(ValueError()) == "ValueError"
