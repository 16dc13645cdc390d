"""Consents are kept, and what was released under each."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_CONSENT = ("mark", "asset", "columns", "scenario", "recipient", "channel", "starts", "ends")


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "consent",
        sa.Column("id", _TEXT, primary_key=True, nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in _CONSENT),
        sa.Column("remaining", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("body", _TEXT, nullable=False),
    )
    op.create_index("consent_read", "consent", ["scenario", "asset", "recipient", "state"])
    op.create_index("consent_mark", "consent", ["mark"])
    op.create_table(
        "consent_use",
        sa.Column("consent", _TEXT, sa.ForeignKey("consent.id"), primary_key=True, nullable=False),
        sa.Column("release", _TEXT, primary_key=True, nullable=False),
        sa.Column("at", _TEXT, nullable=False),
    )
    op.create_index("consent_use_release", "consent_use", ["release"])


def downgrade() -> None:
    """Refuse: a record is never unmade."""
    raise NotImplementedError("the record does not go back")
