"""What each release let out is booked in bits."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table; what left before is not booked."""
    op.create_table(
        "volume",
        sa.Column("release", _TEXT, primary_key=True, nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("scenario", "developer", "month")),
        sa.Column("bits", sa.BigInteger(), nullable=False, autoincrement=False),
    )
    op.create_index("volume_scenario", "volume", ["scenario", "month"])
    op.create_index("volume_developer", "volume", ["developer", "month"])


def downgrade() -> None:
    """Refuse: a record is never unmade."""
    raise NotImplementedError("the record does not go back")
