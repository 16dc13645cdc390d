"""Documents of the office: parties, people, tokens, assets, scenarios; one row each, by version."""

from dataclasses import asdict, dataclass
from dataclasses import replace as replaced
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, select, update

from jobs.errors import NotFoundError, StaleError
from jobs.proof.bodies import stamp, unstamp
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import document as table

_ONE = select(table).where(table.c.kind == bindparam("kind"), table.c.id == bindparam("id"))
_VERSIONS = (
    select(table)
    .where(
        table.c.kind == bindparam("kind"),
        table.c.id >= bindparam("first"),
        table.c.id < bindparam("end"),
    )
    .order_by(table.c.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of the office as it now stands."""

    kind: str
    id: str
    state: str = ""
    org: str = ""
    """The party that it belongs to; empty where it belongs to none."""
    version: int = 1
    """Counts its changes; the store writes it."""
    body: str
    """JSON, which the office parses."""
    at: datetime
    """When this version was written; with a zone."""


def add(tx: Writing, doc: Document, event: Event) -> None:
    """Keep a new document; raise `ConflictError` where its kind has this id."""
    tx.insert(table, _row(doc))
    tx.note(event)


def replace(tx: Writing, doc: Document, *, was_version: int, event: Event) -> Document:
    """Keep `doc` in the place of version `was_version`, and return it under the next version.

    Raise `StaleError` where the record has another version, `NotFoundError` where it has none.
    """
    kept = replaced(doc, version=was_version + 1)
    same = (table.c.kind == doc.kind, table.c.id == doc.id, table.c.version == was_version)
    if not tx.change(update(table).where(*same).values(**_row(kept))):
        get(tx, doc.kind, doc.id)
        raise StaleError(f"{doc.kind} {doc.id} is no longer at version {was_version}")
    tx.note(event)
    return kept


def get(tx: Reading, kind: str, id: str) -> Document:  # noqa: A002 - the document's own word
    """Return the document; raise `NotFoundError` where there is none."""
    row = tx.one(_ONE, {"kind": kind, "id": id})
    if row is None:
        raise NotFoundError(f"no {kind} {id}")
    return _document(row._asdict())


def listed(
    tx: Reading, kind: str, *, state: str | None = None, org: str | None = None
) -> list[Document]:
    """Return the documents of `kind`, by id."""
    asked = {"kind": kind, "state": state, "org": org}
    named = {name: value for name, value in asked.items() if value is not None}
    return [_document(row._asdict()) for row in tx.rows(_listed(tuple(named)), named)]


def versions(tx: Reading, kind: str, name: str) -> list[Document]:
    """Return the documents of `kind` that are versions of `name`: those called `name@…`, by id."""
    span = {"kind": kind, "first": f"{name}@", "end": f"{name}A"}  # A follows @
    return [_document(row._asdict()) for row in tx.rows(_VERSIONS, span)]


@cache
def _listed(columns: tuple[str, ...]) -> Select[Any]:
    """Build the statement once: building it costs four times as much as sending it."""
    return (
        select(table)
        .where(*(table.c[name] == bindparam(name) for name in columns))
        .order_by(table.c.id)
    )


def _row(doc: Document) -> dict[str, object]:
    return {**asdict(doc), "at": stamp(doc.at)}


def _document(row: dict[str, str]) -> Document:
    return Document(**{**row, "at": unstamp(row["at"])})  # type: ignore[arg-type]
