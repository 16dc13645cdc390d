"""The first form of the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make every table, and the empty log's head."""
    _make_the_log()
    _make_jobs()
    _make_budgets()
    _make_inspections()
    _make_releases()
    _make_documents()


def downgrade() -> None:
    """Refuse: a record is never unmade."""
    raise NotImplementedError("the record has no earlier form")


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, _TEXT, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), primary_key=key, nullable=False, autoincrement=False)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _of_a_job() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["job"], ["job.id"])


def _make_the_log() -> None:
    head = op.create_table("log_head", _number("id", key=True), _number("size"), _bytes("peaks"))
    op.bulk_insert(head, [{"id": 1, "size": 0, "peaks": b""}])
    op.create_table(
        "log_entry",
        _number("seq", key=True),
        *(_text(name) for name in ("at", "kind", "subject", "actor", "facts")),
        _bytes("nodes"),
    )
    for name in ("subject", "kind", "actor"):
        op.create_index(f"log_entry_{name}", "log_entry", [name, "seq"])
    op.create_table("log_checkpoint", _number("size", key=True), _text("note"))


def _make_jobs() -> None:
    op.create_table(
        "job",
        _text("id", key=True),
        *(_text(name) for name in ("grant_id", "developer", "state")),
        _number("epoch"),
        _text("body"),
    )
    for name, column in (("state", "state"), ("grant", "grant_id"), ("developer", "developer")):
        op.create_index(f"job_{name}", "job", [column, "id"])
    op.create_table(
        "idempotency",
        _text("person", key=True),
        _text("key", key=True),
        _text("request"),
        _text("job"),
        _of_a_job(),
    )
    op.create_table("granted", _text("id", key=True), *map(_text, ("developer", "state", "body")))
    op.create_index("granted_developer", "granted", ["developer"])


def _make_budgets() -> None:
    op.create_table(
        "budget", _text("scope", key=True), *map(_number, ("ceiling", "reserved", "spent"))
    )
    op.create_table(
        "charge",
        _text("job", key=True),
        _number("epoch", key=True),
        _number("rho"),
        *map(_text, ("state", "events", "at")),
        _of_a_job(),
    )
    op.create_table(
        "charge_scope",
        _text("job", key=True),
        _number("epoch", key=True),
        _text("scope", key=True),
        sa.ForeignKeyConstraint(["job", "epoch"], ["charge.job", "charge.epoch"]),
    )
    op.create_index("charge_scope_scope", "charge_scope", ["scope"])


def _make_inspections() -> None:
    for table, part in (("hold", "output"), ("verdict", "seat")):
        op.create_table(
            table,
            _text("job", key=True),
            _number("epoch", key=True),
            _text(part, key=True),
            _text("body"),
            _of_a_job(),
        )
    op.create_table(
        "inspection",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        _text("job"),
        _number("epoch"),
        *map(_text, ("output", "verdict", "digest")),
        _number("size"),
        *map(_text, ("findings", "at")),
        _of_a_job(),
    )
    op.create_index("inspection_job", "inspection", ["job"])
    op.create_index("inspection_at", "inspection", ["at"])
    op.create_table(
        "inspection_rule",
        sa.Column("inspection", sa.Integer(), nullable=False),
        _text("rule"),
        sa.ForeignKeyConstraint(["inspection"], ["inspection.id"]),
        sa.PrimaryKeyConstraint("inspection", "rule"),
    )
    op.create_index("inspection_rule_rule", "inspection_rule", ["rule"])


def _make_releases() -> None:
    op.create_table(
        "release",
        _text("id", key=True),
        *map(_text, ("job", "grant_id", "developer")),
        _number("downloads"),
        _text("body"),
        _of_a_job(),
    )
    op.create_index("release_job", "release", ["job"], unique=True)
    op.create_index("release_developer", "release", ["developer", "id"])
    op.create_table("blob", _text("digest", key=True), _bytes("content"))


def _make_documents() -> None:
    op.create_table(
        "document",
        _text("kind", key=True),
        _text("id", key=True),
        *map(_text, ("state", "org")),
        _number("version"),
        *map(_text, ("body", "at")),
    )
    op.create_index("document_state", "document", ["kind", "state"])
    op.create_index("document_org", "document", ["kind", "org"])
