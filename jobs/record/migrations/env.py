"""What Alembic runs for a migration: on the connection that `upgrade` was given."""

from alembic import context

from jobs.record.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
