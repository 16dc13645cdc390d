from importlib import import_module
from pathlib import Path

from jobs.record import log
from tests.crash.blow import CHECKPOINT
from tests.crash.page import PAGE, page
from tests.crash.steps import JOURNEYS, Walk
from tests.crash.table import NAMED, ROWS
from tests.crash.writers import syncing
from tests.jobs.steps.town import GRANT, Keys

BESIDE = {
    "gateway.anchoring.": "an anchor is others' word for the log: tried again, and nothing waits for it",
    "gateway.cli.witness:": "a witness is another process, of another organisation",
    "jobs.proof.folder:": "keys are made and changed by a command, not by a job",
    "jobs.proof.keys:": "keys are made and changed by a command, not by a job",
    "jobs.backup.agekeys:": "backups stand beside the line",
    "jobs.backup.making:": "backups stand beside the line",
    "jobs.backup.restore:": "backups stand beside the line",
    "jobs.backup.sealing:": "backups stand beside the line",
    "jobs.record.shelf:Shelf.destroy": "a deletion, which the record orders and repeats",
    "jobs.record.watermark:Watermark.replace": "a person's acceptance of an older record, by a command",
}
"""Where files are synced beside the straight line, and why a crash there is not this table's."""


def test_every_kind_of_event_that_the_journeys_note_is_named_by_a_row(
    sqlite_url: str, tmp_path: Path
) -> None:
    keys = Keys.fresh()
    walks = [
        Walk(
            journey=each,
            scenario=GRANT.scenario,
            url=sqlite_url,
            folder=tmp_path,
            keys=keys,
            key=name,
        )
        for name, each in JOURNEYS.items()
    ]
    with walks[0].town() as town:
        town.settle()
        before = town.log_size()

        for walk in walks:
            assert walk.whole(town).state is walk.journey.end

        with town.record.reading() as tx:
            noted = {entry.event.kind for entry in log.entries(tx, after=before - 1, limit=10_000)}
    assert noted - NAMED == set()
    assert len(noted) > 15


def test_every_function_that_syncs_a_file_is_named_by_a_row() -> None:
    functions = frozenset(name for name in NAMED if ":" in name)

    unnamed = {name for name in syncing(through=functions) if not name.startswith(tuple(BESIDE))}
    assert unnamed == set()


def test_without_the_table_every_such_function_would_be_found() -> None:
    found = syncing(through=frozenset())

    assert {"jobs.record.shelf:Shelf.stage", "jobs.record.quarantine:Quarantine.keep"} < found


def test_every_function_that_a_row_names_is_there() -> None:
    for name in sorted(name for name in NAMED if ":" in name):
        module, _, path = name.partition(":")
        found = import_module(module)
        for each in path.split("."):
            found = getattr(found, each)
        assert callable(found)


def test_no_two_rows_have_one_name_and_each_is_broken_somewhere() -> None:
    names = [row.name for row in ROWS]

    assert len(set(names)) == len(names)
    assert all(row.walked or row.stepped for row in ROWS)
    assert CHECKPOINT in NAMED


def test_the_page_is_drawn_from_the_table() -> None:
    assert PAGE.read_text("utf-8") == page()
