"""An index of the jobs that have started, so that counting a grant's uses does not read its jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index what has started; a job that never starts is not in it, and costs it nothing."""
    started = sa.text("epoch > 0")
    op.create_index(
        "job_started", "job", ["grant_id"], sqlite_where=started, postgresql_where=started
    )


def downgrade() -> None:
    """Refuse: a record is never unmade."""
    raise NotImplementedError("the record does not go back")
