import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from gateway.cli.domain import owner_of
from gateway.cli.log import app
from gateway.home import Home, make_home
from jobs.record import guard, log
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.schema import log_entry

WHEN = datetime(2024, 3, 2, 4, 0, tzinfo=UTC)
CANARY = "CANARY-7f3a91"


@dataclass
class Hourly:
    """A clock that moves on by an hour whenever it is asked."""

    now: datetime = WHEN

    def __call__(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now


@dataclass(frozen=True, slots=True)
class Kept:
    """A domain home with a log of 8 entries after its first, and a checkpoint over seven in all."""

    home: Home
    record: Record

    def run(self, *words: str) -> Result:
        settings = {"SHUYU_HOME": str(self.home.path), "COLUMNS": "200"}
        return CliRunner(env=settings).invoke(app, list(words))

    def note(self, name: str) -> str:
        with self.record.reading() as tx:
            signed = log.last_checkpoint(tx, self.home.ring("log"))
        assert signed is not None
        path = self.home.path / name
        path.write_text(signed.note)
        return str(path)

    def shown(self, *words: str) -> list[dict[str, Any]]:
        lines = self.run("show", "--json", *words).output.splitlines()
        return [json.loads(line) for line in lines]

    def seqs(self, *words: str) -> list[int]:
        return [line["seq"] for line in self.shown(*words)]

    def time_of(self, seq: int) -> str:
        return str(self.shown("--after", str(seq - 1), "--limit", "1")[0]["at"])[:19]

    def bend(self, seq: int) -> None:
        with self.record._writers.begin() as connection:
            connection.execute(
                update(log_entry).where(log_entry.c.seq == seq).values(subject=CANARY)
            )


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Kept]:
    """Give a domain home in which nothing happened yet but that it was made."""
    home = make_home(tmp_path / "domain", name="town")
    record = Record.open(home.record_url, clock=Hourly())
    guard.found(record, owner_of(home), key=lambda: home.key("log"))
    yield Kept(home, record)
    record.close()


@pytest.fixture
def kept(made: Kept) -> Kept:
    for number in range(1, 9):
        note_event(made.record, number)
        if number == 6:
            with made.record.writing() as tx:
                log.checkpoint(tx, made.home.key("log"))
    return made


def note_event(record: Record, number: int) -> None:
    kind = "job.queued" if number % 2 else "asset.added"
    with record.writing() as tx:
        tx.note(Event(kind, f"S-{number % 3}", f"P-{number % 4}", {"n": number, "标": "记"}))


def test_a_whole_log_is_told_with_its_size_root_and_signatures(kept: Kept) -> None:
    result = kept.run("verify")

    with kept.record.reading() as tx:
        root = log.head(tx).root.hex()
    signed = f"up to entry   6, {kept.time_of(6)} UTC"
    assert result.exit_code == 0
    for told in ("日志完整", "is whole", "held  2\n", " 9\n", root, signed, "yet      2\n"):
        assert told in result.output


def test_a_log_that_no_key_vouches_for_any_more_is_told_so(made: Kept) -> None:
    trusted = made.home.trusted
    key = made.home.public("log").id
    away = '[[{}]]\nkey = "{}"\nsize = 1\nat = "2024-03-02T04:00:00.000000Z"\n'
    text = trusted.read_text() + away.format("revoked", key)
    (made.home.path / "revoked.toml").write_text(text)

    result = made.run("verify", "--keys", str(made.home.path / "revoked.toml"))

    assert (result.exit_code, "尚无 none yet" in result.output) == (0, True)


def test_a_bent_log_is_told_with_its_entry_and_exit_code_and_no_value(kept: Kept) -> None:
    kept.bend(3)

    result = kept.run("verify")

    assert result.exit_code == 1
    assert "entry 3: its row or its hashes were altered" in result.output
    assert CANARY not in result.output


def test_a_log_is_verified_from_a_checkpoint_and_against_others(kept: Kept, tmp_path: Path) -> None:
    note = kept.note("seen.note")
    kept.bend(3)

    assert "verified before     7" in kept.run("verify", "--since", note).output
    assert kept.run("verify", "--known", note, "--known", note).exit_code == 1
    (tmp_path / "none").write_bytes(b"\xff" * 99)
    for wrong in (tmp_path / "none", kept.home.path / "shuyu.toml"):
        result = kept.run("verify", "--since", str(wrong))
        assert (result.exit_code, "核验未通过" in result.output) == (1, True)
    assert kept.run("verify", "--since", str(tmp_path / "missing")).exit_code == 2


def test_an_export_is_verified_with_the_keys_alone(kept: Kept, tmp_path: Path) -> None:
    folder, keys = tmp_path / "export", str(kept.home.trusted)
    exported = kept.run("export", str(folder))
    assert (exported.exit_code, "not signed yet" in exported.output) == (0, True)

    nowhere = {"SHUYU_HOME": str(tmp_path / "nowhere")}
    words = ["verify", "--export", str(folder), "--keys", keys]
    whole = CliRunner(env=nowhere).invoke(app, words)
    (folder / "tile" / "0" / "000.p" / "7").write_bytes(bytes(7 * 32))
    bent = CliRunner(env=nowhere).invoke(app, words)

    assert (whole.exit_code, "The export is whole" in whole.output) == (0, True)
    assert (bent.exit_code, "tile/0/000.p/7" in bent.output) == (1, True)
    assert kept.run("export", str(folder)).exit_code == 1
    assert kept.run("verify", "--export", str(folder)).exit_code == 2


def test_entries_are_shown_by_every_filter(kept: Kept) -> None:
    assert kept.seqs() == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert kept.seqs("--kind", "job.") == [7, 5, 3, 1]
    assert kept.seqs("--subject", "S-0") == [6, 3]
    assert kept.seqs("--actor", "P-1", "--limit", "1") == [5]
    assert kept.seqs("--before", "3") == [2, 1, 0]
    assert kept.seqs("--after", "6") == [7, 8]
    assert kept.seqs("--after", "1", "--before", "4") == [2, 3]
    assert kept.seqs("--since", kept.time_of(4), "--until", kept.time_of(6)) == [5, 4]
    assert kept.seqs("--since", kept.time_of(7) + "+00:00") == [8, 7]
    assert kept.seqs("--since", kept.time_of(7) + "-08:00") == []
    assert kept.seqs("--until", "2024-03-02") == []


def test_an_entry_is_one_line_of_json_or_one_row_with_its_facts(kept: Kept) -> None:
    assert kept.shown("--limit", "1") == [
        {
            "seq": 8,
            "at": f"{kept.time_of(8)}.000000Z",
            "kind": "asset.added",
            "subject": "S-2",
            "actor": "P-0",
            "facts": {"n": 8, "标": "记"},
        }
    ]
    assert '"标": "记"' in kept.run("show", "--facts").output
    assert "标" not in kept.run("show").output


@pytest.mark.parametrize("wrong", ["yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_told(kept: Kept, wrong: str) -> None:
    assert kept.run("show", "--since", wrong).exit_code == 2
