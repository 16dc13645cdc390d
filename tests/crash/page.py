"""Draws docs/crash-table.md from the crash table: `python -m tests.crash.page` writes it anew."""

from pathlib import Path

from tests.crash.blow import CHECKPOINT
from tests.crash.gateway_rows import GATEWAY
from tests.crash.keeper_rows import KEEPER
from tests.crash.row import Process, Row
from tests.crash.worker_rows import WORKER

PAGE = Path(__file__).parents[2] / "docs" / "crash-table.md"
_HEAD = """\
# The crash table

Drawn from `tests/crash/*_rows.py` by `python -m tests.crash.page`.

Every write of the straight line, in order. Each is broken twice by `tests/crash`: the process that makes it is
killed (SIGKILL) right before the write is kept, and right after it is kept and before anybody was told. Then
the process is started again, and this must hold: every submission that was answered is there, and asked again with
the same key it is the same job; the job comes to the end that it would have come to; it is released once, charged
once, and never before its decision stands in the log; its certificate and files verify; the log is whole; and
five seconds after the worker is back no container, mount, view, room, quarantine or staged file of it is left.

`steps` rows run with the steps in a process of their own: on SQLite, and where the write is a transaction on
PostgreSQL too. `processes` rows run with the real gateway, worker, keeper, Ray and containers. `make attack` walks
all of them and then kills 500 processes at random under load; `make test` walks all `steps` rows, a sample
of the others, and kills 12.
"""
_WHO = {
    Process.GATEWAY: "gateway",
    Process.WORKER: "worker",
    Process.TASK: "Ray task",
    Process.KEEPER: "keeper",
}


def page() -> str:
    """Return the page as the table has it now."""
    parts = [
        ("The gateway", GATEWAY),
        ("The worker, and the tasks that it gives to Ray", WORKER),
        ("The keeper", KEEPER),
    ]
    return "\n".join([_HEAD, *(f"## {title}\n\n{_table(rows)}\n" for title, rows in parts)])


def _table(rows: tuple[Row, ...]) -> str:
    head = ("write", "by", "what is kept", "killed before", "killed after", "broken in")
    lines = [head, tuple("---" for _ in head), *map(_line, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _line(row: Row) -> tuple[str, ...]:
    broken = ", ".join(
        name for name, journey in (("steps", row.stepped), ("processes", row.walked)) if journey
    )
    return (row.name, _WHO[row.process], _kept(row), row.before, row.after, broken)


def _kept(row: Row) -> str:
    if row.write == CHECKPOINT:
        return "transaction: a signature over the log"
    if ":" in row.write:
        place = row.write.replace(":", ".")
        return f"`{place}`" + (f", call {row.nth}" if row.nth > 1 else "")
    return "transaction: " + ", ".join(f"`{kind}`" for kind in (row.write, *row.notes))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
