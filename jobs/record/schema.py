"""The tables of the record: what is asked for stands in columns, the words stand in bodies.

Times are texts that sort (`bodies.stamp`); budget amounts are whole pico-rho.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

metadata = MetaData()
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Sorts by its bytes, as SQLite does: ids and times are compared as texts."""

STARTED = text("epoch > 0")
"""Which jobs have started: a literal, since a partial index serves only a condition it knows."""


def _text(name: str, *more: ForeignKey, key: bool = False) -> Column[str]:
    return Column(name, _TEXT, *more, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


log_head = Table(
    "log_head",
    metadata,
    _number("id", key=True),
    _number("size"),
    _bytes("peaks"),
    _text("domain"),
    _text("hashing"),
    _text("at"),
)
"""One row: its lock is the turn to write (PostgreSQL).

`domain` is whose record it is, `hashing` what its tree is hashed with, `at` its last entry's time;
the first and the last are empty until somebody writes.
"""

log_entry = Table(
    "log_entry",
    metadata,
    _number("seq", key=True),
    _text("at"),
    _text("kind"),
    _text("subject"),
    _text("actor"),
    _text("facts"),
    _bytes("nodes"),
    Index("log_entry_subject", "subject", "seq"),
    Index("log_entry_kind", "kind", "seq"),
    Index("log_entry_actor", "actor", "seq"),
)
"""`nodes` holds the hashes of the subtrees that this leaf completed, the leaf's own first."""

log_checkpoint = Table("log_checkpoint", metadata, _number("size", key=True), _text("note"))

job = Table(
    "job",
    metadata,
    _text("id", key=True),
    _text("grant_id"),
    _text("developer"),
    _text("state"),
    _number("epoch"),
    _text("body"),
    Index("job_state", "state", "id"),
    Index("job_grant", "grant_id", "id"),
    Index("job_developer", "developer", "id"),
    Index("job_started", "grant_id", sqlite_where=STARTED, postgresql_where=STARTED),
)

idempotency = Table(
    "idempotency",
    metadata,
    _text("person", key=True),
    _text("key", key=True),
    _text("request"),
    _text("job", ForeignKey("job.id")),
)

granted = Table(
    "granted",
    metadata,
    _text("id", key=True),
    _text("developer"),
    _text("state"),
    _text("body"),
    Index("granted_developer", "developer"),
)

budget = Table(
    "budget",
    metadata,
    _text("scope", key=True),
    _number("ceiling"),
    _number("reserved"),
    _number("spent"),
)

charge = Table(
    "charge",
    metadata,
    _text("job", ForeignKey("job.id"), key=True),
    _number("epoch", key=True),
    _number("rho"),
    _text("state"),
    _text("events"),
    _text("at"),
)

charge_scope = Table(
    "charge_scope",
    metadata,
    _text("job", key=True),
    _number("epoch", key=True),
    _text("scope", key=True),
    ForeignKeyConstraint(["job", "epoch"], ["charge.job", "charge.epoch"]),
    Index("charge_scope_scope", "scope"),
)

hold = Table(
    "hold",
    metadata,
    _text("job", ForeignKey("job.id"), key=True),
    _number("epoch", key=True),
    _text("output", key=True),
    _text("body"),
)

verdict = Table(
    "verdict",
    metadata,
    _text("job", ForeignKey("job.id"), key=True),
    _number("epoch", key=True),
    _text("seat", key=True),
    _text("body"),
)

inspection = Table(
    "inspection",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    _text("job", ForeignKey("job.id")),
    _number("epoch"),
    _text("output"),
    _text("verdict"),
    _text("digest"),
    _number("size"),
    _text("findings"),
    _text("at"),
    Index("inspection_job", "job"),
    Index("inspection_at", "at"),
)

inspection_rule = Table(
    "inspection_rule",
    metadata,
    Column("inspection", Integer, ForeignKey("inspection.id"), nullable=False),
    _text("rule"),
    PrimaryKeyConstraint("inspection", "rule"),
    Index("inspection_rule_rule", "rule"),
)

release = Table(
    "release",
    metadata,
    _text("id", key=True),
    _text("job", ForeignKey("job.id")),
    _text("grant_id"),
    _text("developer"),
    _number("downloads"),
    _text("body"),
    Index("release_job", "job", unique=True),
    Index("release_developer", "developer", "id"),
)

anchoring = Table(
    "anchoring",
    metadata,
    _text("target", key=True),
    _number("size", key=True),
    _text("state"),
    _number("tries"),
    _text("body"),
    _text("at"),
)
"""Where a checkpoint over `size` entries was sent, and what came back for it."""

consent = Table(
    "consent",
    metadata,
    _text("id", key=True),
    _text("mark"),
    _text("asset"),
    _text("columns"),
    _text("scenario"),
    _text("recipient"),
    _text("channel"),
    _text("starts"),
    _text("ends"),
    _number("remaining"),
    _text("state"),
    _text("body"),
    Index("consent_read", "scenario", "asset", "recipient", "state"),
    Index("consent_mark", "mark"),
)
"""`columns` are sorted names as JSON; `remaining` is how many releases may still be made under it."""

consent_use = Table(
    "consent_use",
    metadata,
    _text("consent", ForeignKey("consent.id"), key=True),
    _text("release", key=True),
    _text("at"),
    Index("consent_use_release", "release"),
)

volume = Table(
    "volume",
    metadata,
    _text("release", key=True),
    _text("scenario"),
    _text("developer"),
    _text("month"),
    _number("bits"),
    Index("volume_scenario", "scenario", "month"),
    Index("volume_developer", "developer", "month"),
)
"""`month` is China's, such as `2026-11`; `bits` are counted after compression."""

blob = Table("blob", metadata, _text("digest", key=True), _bytes("content"))

document = Table(
    "document",
    metadata,
    _text("kind", key=True),
    _text("id", key=True),
    _text("state"),
    _text("org"),
    _number("version"),
    _text("body"),
    _text("at"),
    Index("document_state", "kind", "state"),
    Index("document_org", "kind", "org"),
)
