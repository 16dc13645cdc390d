import traceback
from pathlib import Path

import duckdb
import pytest

from sandbox.data.engine import engine, literal, name
from sandbox.errors import DataError
from tests.sandbox.data.tables import CANARY, write_csv, write_parquet


@pytest.mark.parametrize("query", ["SELECT * FROM read_csv({})", "COPY (SELECT 1) TO {}"])
def test_the_engine_reaches_no_file_that_it_was_not_given(query: str, tmp_path: Path) -> None:
    asked = query.format(literal(str(write_csv(tmp_path))))

    with pytest.raises(DataError), engine(work=tmp_path / "work") as connection:
        connection.execute(asked)

    # The control: a plain connection does as it is asked.
    duckdb.connect().execute(asked)


def test_the_engine_reads_the_folders_that_it_was_given(tmp_path: Path) -> None:
    path = write_parquet(tmp_path)

    with engine(work=tmp_path / "work", reads=[tmp_path]) as connection:
        found = connection.execute(f"SELECT count(*) FROM {literal(str(path))}").fetchall()

    assert found == [(4,)]


def test_the_engine_cannot_be_opened_from_within(tmp_path: Path) -> None:
    with pytest.raises(DataError), engine(work=tmp_path) as connection:
        connection.execute("SET enable_external_access = true")


def test_what_the_engine_says_of_an_error_is_not_passed_on(tmp_path: Path) -> None:
    asked = f"SELECT CAST({literal(CANARY)} AS INTEGER)"

    with pytest.raises(DataError) as caught, engine(work=tmp_path) as connection:
        connection.execute(asked).fetchall()

    assert CANARY not in "".join(traceback.format_exception(caught.value))
    # The control: the engine itself quotes the value.
    with pytest.raises(duckdb.Error, match=CANARY):
        duckdb.connect().execute(asked).fetchall()


def test_names_and_texts_are_quoted_for_sql(tmp_path: Path) -> None:
    with engine(work=tmp_path) as connection:
        relation = connection.sql("SELECT {} AS {}".format(literal("it's"), name('a "b')))
        assert (relation.columns, relation.fetchall()) == (['a "b'], [("it's",)])
