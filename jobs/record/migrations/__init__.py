"""The steps from one form of the tables to the next, run by Alembic inside one transaction."""

from enum import StrEnum
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from jobs.record.faults import NewerSchemaError, not_a_record

_LOCK = 7308895191  # any number, the same in every process: the turn to migrate
_OURS = {"alembic_version", "log_head"}


class Form(StrEnum):
    """How the tables that are found stand to those of this version."""

    NONE = "none"
    """There is no table at all."""
    OLDER = "older"
    NEWEST = "newest"


def form_of(connection: Connection) -> Form:
    """Return the form of the tables behind `connection`.

    Raise `NewerSchemaError` where a newer Shuyu wrote them, and `NotARecordError` where they are
    somebody else's.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return Form.NONE
    if not tables >= _OURS:
        raise not_a_record()
    scripts = ScriptDirectory.from_config(_config())
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision == scripts.get_current_head():
        return Form.NEWEST
    if revision not in {script.revision for script in scripts.walk_revisions()}:
        raise NewerSchemaError
    return Form.OLDER


def upgrade(connection: Connection) -> None:
    """Bring the tables behind `connection` to the newest form; raise as `form_of` does."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if form_of(connection) is Form.NEWEST:
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
