"""The log's head names its domain, its hashing and its last time; anchors outside are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the head's facts; the time of the last entry is read from the log."""
    for name, first in (("domain", ""), ("hashing", "sha256"), ("at", "")):
        op.add_column("log_head", sa.Column(name, _TEXT, nullable=False, server_default=first))
    op.execute("UPDATE log_head SET at = COALESCE((SELECT MAX(at) FROM log_entry), '')")
    op.create_table(
        "anchoring",
        sa.Column("target", _TEXT, primary_key=True, nullable=False),
        sa.Column("size", sa.BigInteger(), primary_key=True, nullable=False, autoincrement=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("body", _TEXT, nullable=False),
        sa.Column("at", _TEXT, nullable=False),
    )


def downgrade() -> None:
    """Refuse: a record is never unmade."""
    raise NotImplementedError("the record does not go back")
