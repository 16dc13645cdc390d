import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.cli.domain import at, brought_up, init, opened
from gateway.cli.log import app as log_app
from gateway.cli.processes import serve, up, work
from gateway.cli.record import app
from gateway.home import Home, open_home
from jobs.record import budgets, documents, log
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.rules import scopes
from sandbox.asset import AssetId


@dataclass(frozen=True, slots=True)
class Kept:
    """A home that `shuyu init` made."""

    home: Home

    @property
    def file(self) -> Path:
        return self.home.path / "record" / "record.db"

    @property
    def older(self) -> Path:
        return self.home.path / "older.db"

    def accept(self, *words: str, answer: str = "") -> Result:
        said = ["accept", "--reason", "磁盘损坏", "--home", str(self.home.path), *words]
        return CliRunner(env={"COLUMNS": "500"}).invoke(app, said, input=answer)

    def start(self, process: Callable[..., None]) -> Result:
        alone = Typer()
        alone.command()(process)
        words = ["--home", str(self.home.path)]
        return CliRunner(env={"COLUMNS": "500"}).invoke(alone, words)

    def kinds(self) -> list[str]:
        with at(self.home.path) as (_, record), record.reading() as tx:
            return [each.event.kind for each in log.entries(tx)]

    def work(self) -> None:
        """Register an asset, and sign the log, as the worker does."""
        with opened(self.home) as record, record.writing() as tx:
            paper = Document(kind="asset", id="LOANS@1", body="{}", at=tx.now)
            documents.add(tx, paper, Event("asset.registered", "LOANS@1", "test"))
        shutil.copy(self.file, self.older)  # whole: whoever closes it last puts its log into it
        with opened(self.home) as record:
            with record.writing() as tx:
                tx.note(Event("job.queued", "J-1", "test"))
            with record.writing() as tx:
                log.checkpoint(tx, self.home.key("log"))

    def roll_back(self) -> None:
        for part in self.file.parent.iterdir():
            part.unlink()
        shutil.copy(self.older, self.file)

    def run(self, statement: str) -> None:
        with sqlite3.connect(self.file) as base:
            base.execute(statement)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return made(tmp_path / "home")


def made(folder: Path, name: str = "shuyu.test") -> Kept:
    alone = Typer()
    alone.command()(init)
    done = CliRunner().invoke(alone, [str(folder), "--name", name])
    assert done.exit_code == 0
    return Kept(open_home(folder))


def test_init_makes_the_record_says_whose_it_is_and_signs_it(kept: Kept) -> None:
    assert kept.kinds() == ["domain.made"]

    note = (kept.home.path / "keys" / "last-checkpoint").read_text("utf-8")
    assert kept.home.ring("log").open(note).head.size == 1


@pytest.mark.parametrize("process", [serve, work, up])
@pytest.mark.req("D-17")
def test_no_process_starts_on_an_older_record(kept: Kept, process: Callable[..., None]) -> None:
    kept.work()
    kept.roll_back()

    done = kept.start(process)

    assert done.exit_code == 1
    assert "RolledBackError" in done.output
    assert "the log has 2 entries where 3 were signed" in done.output
    assert "日志现有 2 条，而此前已签名 3 条" in done.output
    assert "shuyu record accept" in done.output


def test_a_person_sees_both_sizes_accepts_with_a_reason_and_the_domain_goes_on(kept: Kept) -> None:
    kept.work()
    kept.roll_back()

    declined = kept.accept(answer="n\n")
    accepted = kept.accept(answer="y\n")

    assert (declined.exit_code, accepted.exit_code) == (1, 0)
    assert "signed    3" in accepted.output
    assert "found now   2" in accepted.output
    assert "every privacy budget is closed" in accepted.output
    assert kept.kinds() == ["domain.made", "asset.registered", "record.rollback_accepted"]
    verified = CliRunner().invoke(log_app, ["verify", "--home", str(kept.home.path)])
    assert verified.exit_code == 0


def test_an_asset_that_no_charge_ever_fell_on_is_closed_too(kept: Kept) -> None:
    kept.work()
    kept.roll_back()

    kept.accept("--yes")

    asset, year = AssetId("LOANS"), scopes.year_of(datetime.now(UTC))
    with at(kept.home.path) as (_, record), record.reading() as tx:
        closed = budgets.balances(tx, (scopes.lifetime(asset), scopes.asset_year(asset, year)))
    assert [balance.limit for balance in closed.values()] == [0, 0]


def test_there_is_nothing_to_accept_in_a_domain_that_is_well(kept: Kept) -> None:
    done = kept.accept("--yes")

    assert done.exit_code == 1
    assert "NothingToAcceptError" in done.output


def test_a_clock_that_was_ahead_stops_the_domain_until_a_person_accepts_it(kept: Kept) -> None:
    kept.work()
    kept.run("UPDATE log_head SET at = '2999-01-01T00:00:00.000000Z'")

    refused = kept.start(serve)
    accepted = kept.accept("--yes")

    assert (refused.exit_code, "ClockError" in refused.output) == (1, True)
    assert "系统时钟" in refused.output
    assert accepted.exit_code == 0
    assert kept.kinds()[-1] == "record.clock_accepted"


@pytest.mark.parametrize("process", [serve, work])
def test_a_record_that_is_gone_is_not_made_anew(kept: Kept, process: Callable[..., None]) -> None:
    kept.work()
    kept.file.unlink()

    done = kept.start(process)

    assert (done.exit_code, "RecordGoneError" in done.output) == (1, True)
    assert not kept.file.exists()


@pytest.mark.parametrize("process", [serve, work])
def test_a_record_of_another_domain_or_version_starts_nothing(
    kept: Kept, tmp_path: Path, process: Callable[..., None]
) -> None:
    other = made(tmp_path / "other", "other.test")
    shutil.copy(other.file, kept.file)

    foreign = kept.start(process)
    other.run("UPDATE alembic_version SET version_num = '9999'")
    newer = other.start(process)

    assert (foreign.exit_code, "OtherDomainError" in foreign.output) == (1, True)
    assert (newer.exit_code, "NewerSchemaError" in newer.output) == (1, True)
    assert "更新版本" in newer.output


def test_a_database_that_is_none_starts_nothing_and_shows_no_password(kept: Kept) -> None:
    settings = kept.home.path / "shuyu.toml"
    text = settings.read_text("utf-8")
    secret = "postgresql+psycopg://shuyu:hunter2-secret@127.0.0.1:9/none"
    settings.write_text(text.replace('record = ""', f'record = "{secret}"'), "utf-8")

    done = kept.start(serve)

    assert (done.exit_code, "RecordDownError" in done.output) == (1, True)
    assert "hunter2" not in done.output


def test_a_new_domain_may_be_given_another_database_before_it_is_used(kept: Kept) -> None:
    moved = kept.home.path / "moved.db"
    settings = kept.home.path / "shuyu.toml"
    text = settings.read_text("utf-8").replace('record = ""', f'record = "sqlite:///{moved}"')
    settings.write_text(text, "utf-8")

    with brought_up(kept.home.path) as (_, record), record.reading() as tx:
        kinds = [each.event.kind for each in log.entries(tx)]

    assert kinds == ["domain.made"]
    assert kept.kinds() == ["domain.made"]


def test_a_record_of_an_older_version_asks_for_the_processes_that_bring_it_up(kept: Kept) -> None:
    (kept.home.path / "keys" / "last-checkpoint").unlink()
    kept.run("UPDATE log_head SET domain = ''")

    shown = CliRunner().invoke(log_app, ["show", "--home", str(kept.home.path)])
    with brought_up(kept.home.path):
        pass

    assert (shown.exit_code, "shuyu up" in shown.output) == (1, True)
    assert kept.kinds() == ["domain.made", "domain.adopted"]
