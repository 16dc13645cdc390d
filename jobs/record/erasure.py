"""What of the record's rows is data: how a row reads without it, and how the database lets go of it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, tuple_, update

from jobs.job import JobId
from jobs.proof.bodies import dump, load
from jobs.record.database import Reading, Record, Writing
from jobs.record.engine import POSTGRESQL, RecordDownError, plainly
from jobs.record.holds import Hold
from jobs.record.schema import blob, hold, inspection
from sandbox.asset import Digest

NOTHING_FOUND = "[]"
"""What findings read as once their words were destroyed."""
PAGE = 500
"""Rows that are read at once; of blobs, which have up to 16 MiB each, only one."""
Values = Mapping[str, Any]
_IN_SQLITE = ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
_IN_POSTGRESQL = tuple(f"VACUUM FULL {table.name}" for table in (hold, inspection, blob))
_WORDED = inspection.c.findings != NOTHING_FOUND
_HELD = (hold.c.job, hold.c.epoch, hold.c.output)


def scrubbed(table: Table, row: Values) -> Values | None:
    """Return `row` as it stands once its data were destroyed; nothing for a row that is all data."""
    if table.name == blob.name:
        return None
    if table.name == hold.name:
        shown = load(Hold, row["body"])
        return {**row, "body": dump(replace(shown, preview="", findings_json=NOTHING_FOUND))}
    if table.name == inspection.name:
        return {**row, "findings": NOTHING_FOUND}
    return row


def forget_holds(tx: Writing, jobs: Collection[JobId]) -> int:
    """Destroy the previews and findings that reviewers saw of these jobs; return of how many outputs."""
    done = 0
    for part in _parts(jobs):
        for row in tx.rows(select(hold).where(hold.c.job.in_(part))):
            after = scrubbed(hold, row._asdict()) or {}
            same = zip(_HELD, (row.job, row.epoch, row.output), strict=True)
            if after["body"] != row.body:
                key = [column == value for column, value in same]
                done += tx.change(update(hold).where(*key).values(body=after["body"]))
    return done


def forget_findings(tx: Writing, jobs: Collection[JobId]) -> int:
    """Destroy the words of the findings about these jobs' outputs; rule and verdict stay."""
    emptied = update(inspection).values(findings=NOTHING_FOUND)
    worded = inspection.c.findings != NOTHING_FOUND
    return sum(
        tx.change(emptied.where(inspection.c.job.in_(part), worded)) for part in _parts(jobs)
    )


def worded(tx: Reading, jobs: Collection[JobId]) -> Iterator[tuple[str, bytes]]:
    """Yield what of these jobs' rows is data: where it stands, and what stands there."""
    for part in _parts(jobs):
        for row in tx.rows(select(hold).where(hold.c.job.in_(part))):
            if (scrubbed(hold, row._asdict()) or {})["body"] != row.body:
                yield f"record/hold/{row.job}.{row.epoch}/{row.output}", row.body.encode()
        for row in tx.rows(select(inspection).where(inspection.c.job.in_(part), _WORDED)):
            yield f"record/inspection/{row.id}", row.findings.encode()


def forget_blobs(tx: Writing, digests: Collection[Digest]) -> int:
    """Destroy code bundles; return how many there were."""
    return sum(tx.change(delete(blob).where(blob.c.digest.in_(part))) for part in _parts(digests))


def is_kept(tx: Reading, digest: Digest) -> bool:
    """Say whether the record still has these bytes."""
    return tx.one(select(blob.c.digest).where(blob.c.digest == digest)) is not None


def paged(tx: Reading, table: Table) -> Iterator[dict[str, Any]]:
    """Yield every row of `table` in the order of its key, a page at a time."""
    keys = list(table.primary_key)
    size = 1 if table.name == blob.name else PAGE
    ordered = select(table).order_by(*keys).limit(size)
    marks = tuple_(*(bindparam(f"after_{key.name}", type_=key.type) for key in keys))
    following = ordered.where(tuple_(*keys) > marks)
    rows = tx.rows(ordered)
    while rows:
        yield from (row._asdict() for row in rows)
        last = rows[-1]._asdict()
        rows = tx.rows(following, {f"after_{key.name}": last[key.name] for key in keys})


def compact(record: Record) -> None:
    """Rewrite the tables that data were taken out of, so that their files hold no byte of it.

    SQLite writes its whole file anew and empties its write-ahead log; raise `RecordDownError` where
    somebody else is in the way. PostgreSQL rewrites the three tables; its own write-ahead log runs over
    by itself in time.
    """
    engine = record._writers  # noqa: SLF001 - it needs the database outside of any transaction
    postgresql = engine.dialect.name == POSTGRESQL
    with plainly(), closing(engine.raw_connection()) as connection:
        if postgresql and connection.driver_connection is not None:
            connection.driver_connection.autocommit = True
        for command in _IN_POSTGRESQL if postgresql else _IN_SQLITE:
            with closing(connection.cursor()) as cursor:
                cursor.execute(command)
                busy = not postgresql and any(row[0] for row in cursor.fetchall())
            if busy:
                raise RecordDownError("the record is in use: its write-ahead log was not emptied")
        connection.detach()  # never lent out again with its own ways


def _parts(names: Collection[str]) -> Iterator[list[str]]:
    listed = sorted(names)
    for start in range(0, len(listed), PAGE):
        yield listed[start : start + PAGE]
