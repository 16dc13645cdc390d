import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from jobs.proof.keys import PublicKey
from jobs.proof.merkle import Hashing
from jobs.proof.ring import KeyRing
from jobs.record import budgets, findings, log
from jobs.record.audit import verify_log
from jobs.record.budgets import Balance
from jobs.record.database import Record
from jobs.record.findings import Search
from jobs.record.migrations import Form, _config
from jobs.record.schema import metadata
from tests.jobs.record.cluster import Cluster
from tests.jobs.record.examples import event

Rows = list[dict[str, object]]
RELEASED = ("0001", "0002", "0003", "0004", "0005")
KEY = PublicKey.parse("old.test/log+a0a88eb1+Ac5n5R0OargUuKobWmYmUNbg0ugmL7jQ/ZqUBnBWGmOJ")
CHECKPOINT = (
    "old.test/log\n3\nOgm6JosHHwydt8SsSXewyQrACSIEjG5nVDQaBptcTIY=\n\n— old.test/log "
    "oKiOse+esyUM6Hw27U30cHSOEvQ3NQwmbykLDdx5mIdh9HK+0Rt4jh+wbt/cYfaVGualewFZ4atTcUtVL/B2/H+RcQY=\n"
)
FIRST = "0393e380330f025131534e99d5d7ccee04fc0a330ff9ea205493eda60586cac5"
LAST = "0fd70cbfae7921cef72b09b31b01a6814fa1b15d7f7be30390d7b47e0db0d9e8"
AT = "2026-03-02T04:00:0{}.000000Z"


def _entry(seq: int, what: tuple[str, str, str, str], nodes: str) -> dict[str, object]:
    kind, subject, actor, facts = what
    return {
        "seq": seq,
        "at": AT.format(seq + 1),
        "kind": kind,
        "subject": subject,
        "actor": actor,
        "facts": facts,
        "nodes": bytes.fromhex(nodes),
    }


OLD: dict[str, Rows] = {
    "log_entry": [
        _entry(
            0,
            ("job.submitted", "J-1", "P-dev", "{}"),
            "7a4fdcb7754e87c2acadc56a8b9e8c2791b366f75e7d7e71bb5dd60d6d21700a",
        ),
        _entry(
            1,
            ("budget.reserved", "J-1", "system", '{"pico_rho":7}'),
            f"b247af7744faded91560ca16a0418962fa2c8f575caa2def728ba504eedff0ff{FIRST}",
        ),
        _entry(
            2,
            ("asset.registered", "LOANS@1", "admin:root", '{"rows":3,"title":"普惠金融"}'),
            LAST,
        ),
    ],
    "log_checkpoint": [{"size": 3, "note": CHECKPOINT}],
    "job": [
        {
            "id": "J-1",
            "grant_id": "SC-1.v1",
            "developer": "acme",
            "state": "released",
            "epoch": 1,
            "body": '{"id":"J-1"}',
        }
    ],
    "idempotency": [{"person": "P-dev", "key": "k", "request": "sha256:0", "job": "J-1"}],
    "granted": [{"id": "SC-1.v1", "developer": "acme", "state": "live", "body": "{}"}],
    "budget": [
        {"scope": "asset:LOANS", "ceiling": 2**62, "reserved": 0, "spent": 7},
        {"scope": "grant:SC-1.v1", "ceiling": 50, "reserved": 5, "spent": 7},
    ],
    "charge": [
        {"job": "J-1", "epoch": 1, "rho": 7, "state": "spent", "events": "[]", "at": AT.format(2)}
    ],
    "charge_scope": [
        {"job": "J-1", "epoch": 1, "scope": "asset:LOANS"},
        {"job": "J-1", "epoch": 1, "scope": "grant:SC-1.v1"},
    ],
    "hold": [{"job": "J-1", "epoch": 1, "output": "O1", "body": "{}"}],
    "verdict": [{"job": "J-1", "epoch": 1, "seat": "operator", "body": "{}"}],
    "inspection": [
        {
            "id": 41,
            "job": "J-1",
            "epoch": 1,
            "output": "O1",
            "verdict": "held",
            "digest": "sha256:0",
            "size": 12,
            "findings": '[{"reason":{"rule":"egress.small_groups"}}]',
            "at": AT.format(2),
        }
    ],
    "inspection_rule": [{"inspection": 41, "rule": "egress.small_groups"}],
    "release": [
        {
            "id": "R-1",
            "job": "J-1",
            "grant_id": "SC-1.v1",
            "developer": "acme",
            "downloads": 2,
            "body": "{}",
        }
    ],
    "blob": [{"digest": "sha256:1", "content": b"\x00\xff code"}],
    "document": [
        {
            "kind": "asset",
            "id": "LOANS@1",
            "state": "registered",
            "org": "P-PROV",
            "version": 1,
            "body": '{"名":"x"}',
            "at": AT.format(3),
        }
    ],
}
"""A record as the first version wrote it, in the order in which rows may refer to others."""
SINCE: dict[str, dict[str, Rows]] = {
    "0003": {
        "anchoring": [
            {
                "target": "hub",
                "size": 3,
                "state": "held",
                "tries": 1,
                "body": "{}",
                "at": AT.format(3),
            }
        ]
    },
    "0004": {
        "consent": [
            {
                **dict.fromkeys(("mark", "asset", "scenario", "recipient", "channel"), "x"),
                "id": "C-1",
                "columns": '["名"]',
                "starts": AT.format(1),
                "ends": AT.format(9),
                "remaining": 3,
                "state": "live",
                "body": "{}",
            }
        ],
        "consent_use": [{"consent": "C-1", "release": "R-1", "at": AT.format(2)}],
    },
    "0005": {
        "volume": [
            {
                "release": "R-1",
                "scenario": "SC-1",
                "developer": "acme",
                "month": "2026-03",
                "bits": 96,
            }
        ]
    },
}
"""What a version keeps that the ones before it had no table for."""
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from sqlalchemy import event
from jobs.record.database import Record

record = Record.open(sys.argv[1], clock=lambda: datetime.now(UTC))
changes = 0

@event.listens_for(record._writers, "after_cursor_execute")
def kill(connection, cursor, statement, parameters, context, many):
    global changes
    changes += statement.split()[0] in ("CREATE", "ALTER", "UPDATE")
    if changes == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

record.migrate()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Record]]:
    """Open records in new databases, by name."""
    made: list[Record] = []

    def opened(name: str) -> Record:
        url = f"sqlite:///{tmp_path / name}"
        if request.param == "postgresql":
            cluster = request.getfixturevalue("cluster")
            assert isinstance(cluster, Cluster)
            cluster.make(name)
            url = cluster.url(name)
        made.append(Record.open(url, clock=lambda: datetime.now(UTC)))
        return made[-1]

    yield opened
    for record in made:
        record.close()


@pytest.mark.parametrize("revision", RELEASED)
def test_a_record_of_any_released_version_comes_over_whole(
    fresh: Callable[[str], Record], revision: str
) -> None:
    record = fresh(f"old_{revision}")
    rows = _wrote(record, revision)

    assert record.form() is (Form.NEWEST if revision == RELEASED[-1] else Form.OLDER)
    record.migrate()

    assert record.form() is Form.NEWEST
    assert _kept(record, rows) == rows
    with record._writers.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    _demand_alive(record)


def test_a_new_record_has_the_same_tables(fresh: Callable[[str], Record]) -> None:
    record = fresh("new")

    assert record.form() is Form.NONE
    record.migrate()
    record.migrate()

    assert record.form() is Form.NEWEST
    with record._writers.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_migration_that_is_killed_leaves_the_old_record_and_the_next_one_ends_it(
    fresh: Callable[[str], Record],
) -> None:
    record = fresh("killed")
    rows = _wrote(record, "0001")
    url = record._writers.url.render_as_string(hide_password=False)

    for change in (4, 8):  # in the middle, and after the last but before the end
        done = subprocess.run([sys.executable, "-c", KILLED, url, str(change)], check=False)
        assert done.returncode == -9
        assert record.form() is Form.OLDER
        assert _revision(record) == "0001"
        assert _kept(record, rows) == rows

    record.migrate()
    assert record.form() is Form.NEWEST
    assert _kept(record, rows) == rows
    _demand_alive(record)


def _wrote(record: Record, revision: str) -> dict[str, Rows]:
    """Write a record as the version of `revision` did; return every row of it."""
    with record._writers.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        head = "UPDATE log_head SET size = 3, peaks = :peaks"
        connection.execute(text(head), {"peaks": bytes.fromhex(FIRST + LAST)})
        rows = dict(OLD)
        for since, more in SINCE.items():
            if since <= revision:
                rows |= more
                connection.execute(text("UPDATE log_head SET at = :at"), {"at": AT.format(3)})
        for table, each in rows.items():
            _insert(connection, table, each)
    return rows


def _insert(connection: Connection, table: str, rows: Rows) -> None:
    names = list(rows[0])
    places = ", ".join(f":{name}" for name in names)
    connection.execute(text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"), rows)


def _kept(record: Record, rows: dict[str, Rows]) -> dict[str, Rows]:
    """Return what the tables of `rows` hold now, in the columns that `rows` has."""
    found: dict[str, Rows] = {}
    with record._writers.connect() as connection:
        for table, each in rows.items():
            names = list(each[0])
            asked = f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(names[:3])}"
            found[table] = [
                {name: _plain(value) for name, value in zip(names, row, strict=True)}
                for row in connection.execute(text(asked))
            ]
    return found


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def _revision(record: Record) -> str:
    with record._writers.connect() as connection:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def _demand_alive(record: Record) -> None:
    """Look whether today's code works with what was written then."""
    report = verify_log(record, KeyRing.of(KEY))
    assert (report.head.size, report.checkpoints, report.signed) == (3, 1, 3)
    with record.reading() as tx:
        assert budgets.balance(tx, "grant:SC-1.v1") == Balance(limit=50, reserved=5, spent=7)
        (found,) = findings.search(tx, Search(rule="egress.small_groups"))
        assert found.number == 41
    record.found(domain="old.test", hashing=Hashing.SHA256)
    with record.writing() as tx:
        tx.note(event())
    with record.reading() as tx:
        kinds = [each.event.kind for each in log.entries(tx, after=2)]
    assert kinds == ["domain.adopted", "job.noted"]
    assert verify_log(record, KeyRing.of(KEY)).head.size == 5
