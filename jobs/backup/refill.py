"""Rows from a backup into a database that has none, whichever of the two it came from."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, LargeBinary, MetaData, Table, func, insert, select, text, update

from jobs.backup.making import line_of
from jobs.backup.manifest import Manifest, TableFacts
from jobs.errors import JobsError, RecordBrokenError
from jobs.record import migrations
from jobs.record.database import Clock, Reading, Record
from jobs.record.engine import POSTGRESQL, make_engine, plainly
from jobs.record.erasure import paged
from jobs.record.faults import NewerSchemaError
from jobs.record.migrations import Form, form_of
from jobs.record.schema import blob, inspection

_BATCH = 500


class NotEmptyError(JobsError):
    """The database to restore into has tables already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The decrypted rows of a backup, as files of JSON lines."""

    whole: Path
    """Every table, without what is data."""
    secret: tuple[Path, ...]
    """The rows that are data, of each scenario whose key is left."""


@contextmanager
def refilled(rows: Rows, said: Manifest, url: str, *, clock: Clock) -> Iterator[Record]:
    """Fill the empty database at `url` in one transaction, and give the record that it is now.

    Raise `NotEmptyError` where it has tables, `NewerSchemaError` for a backup of a newer Shuyu, and
    `RecordBrokenError` where rows are not those that were signed. What raises here or inside the `with`
    leaves the database as empty as it was.
    """
    engine = make_engine(url)
    try:
        with plainly(), engine.execution_options(writing=True).begin() as connection:
            _fill(connection, rows, said, clock)
    finally:
        engine.dispose()
    record = Record.open(url, clock=clock)
    try:
        record.migrate()
        yield record
    except BaseException:
        _emptied(record)
        raise
    finally:
        record.close()


def _fill(connection: Connection, rows: Rows, said: Manifest, clock: Clock) -> None:
    if form_of(connection) is not Form.NONE:
        raise NotEmptyError("the database to restore into has tables already: give an empty one")
    _lay_tables(connection, said.schema)
    tables = MetaData()
    tables.reflect(connection)
    for table in reversed(tables.sorted_tables):
        if table.name != "alembic_version":
            connection.execute(table.delete())  # a new record's log head
    _insert(connection, tables, rows.whole)
    tx = Reading(connection, now=clock())
    for facts in said.tables:
        _demand_same(tx, tables.tables[facts.name], facts)
    for path in rows.secret:
        _complete(connection, tables, path)
    _count_on(connection)


def _lay_tables(connection: Connection, revision: str) -> None:
    """Make the tables as they were in `revision`; the record brings them to its own form later."""
    config = Config()
    folder = str(Path(migrations.__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError:
        raise NewerSchemaError from None


def _insert(connection: Connection, tables: MetaData, path: Path) -> None:
    batch: list[dict[str, Any]] = []
    last: Table | None = None
    for table, row in _read(tables, path):
        if batch and (table is not last or len(batch) == _BATCH):
            connection.execute(insert(last), batch)  # type: ignore[arg-type] # set with the batch
            batch = []
        batch.append(row)
        last = table
    if batch and last is not None:
        connection.execute(insert(last), batch)


def _complete(connection: Connection, tables: MetaData, path: Path) -> None:
    """Put the rows that are data in the place of what stands there without them."""
    for table, row in _read(tables, path):
        keys = [column == row[column.name] for column in table.primary_key]
        if table.name == blob.name:
            if connection.execute(select(table.c.digest).where(*keys)).first() is None:
                connection.execute(insert(table), row)
        elif connection.execute(update(table).where(*keys).values(**row)).rowcount != 1:
            raise RecordBrokenError(f"the backup has a row of {table.name} that its record has not")


def _demand_same(tx: Reading, table: Table, facts: TableFacts) -> None:
    counted, hashed = 0, hashlib.sha256()
    for row in paged(tx, table):
        hashed.update(line_of(table, row))
        counted += 1
    if (counted, f"sha256:{hashed.hexdigest()}") != (facts.rows, facts.digest):
        raise RecordBrokenError(f"the rows of {table.name} are not those that were signed")


def _read(tables: MetaData, path: Path) -> Iterator[tuple[Table, dict[str, Any]]]:
    with path.open("rb") as lines:
        for line in lines:
            name, row = json.loads(line)
            table = tables.tables.get(name)
            if table is None or set(row) != set(table.c.keys()):
                raise RecordBrokenError("the backup has a row of no table of its own form")
            yield table, {column.name: _value(column, row[column.name]) for column in table.c}


def _value(column: Any, value: Any) -> Any:  # noqa: ANN401 - a column's own type
    return base64.b64decode(value) if isinstance(column.type, LargeBinary) else value


def _count_on(connection: Connection) -> None:
    """Let PostgreSQL go on numbering inspections where the backup's numbers end."""
    if connection.dialect.name == POSTGRESQL:
        last = connection.execute(select(func.max(inspection.c.id))).scalar()
        if last is not None:
            number = text("SELECT setval(pg_get_serial_sequence('inspection', 'id'), :last)")
            connection.execute(number, {"last": last})


def _emptied(record: Record) -> None:
    engine = record._writers  # noqa: SLF001 - the tables themselves go
    with plainly(), engine.begin() as connection:
        tables = MetaData()
        tables.reflect(connection)
        tables.drop_all(connection)
