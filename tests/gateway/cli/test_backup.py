import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.app import app
from tests.gateway.cli.estate import Estate
from tests.jobs.record.estate import holds
from tests.sandbox.data.tables import CANARY


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return Estate.made(tmp_path_factory.mktemp("estate") / "home")


@pytest.fixture
def estate(template: Estate, tmp_path: Path) -> Estate:
    return template.copied(tmp_path / "home")


def restored(estate: Estate, folder: Path, *more: str) -> Result:
    secrets = ("--secrets", str(estate.home.path / "keys"))
    words = ("restore", str(folder), "--into", str(folder.parent / "new"), *secrets, *more)
    return estate.run(*words)


def last_checkpoint(estate: Estate) -> Path:
    return estate.home.path / "keys" / "last-checkpoint"


def test_a_domain_is_backed_up_and_comes_back_by_two_commands(
    estate: Estate, tmp_path: Path
) -> None:
    made = estate.run("backup", str(tmp_path / "B"))
    done = restored(estate, tmp_path / "B", "--accept-loss", "the disk broke")

    assert (made.exit_code, done.exit_code) == (0, 0), done.output
    assert "备份完成" in made.output
    assert "已恢复并核验" in done.output
    again = CliRunner(env={"SHUYU_HOME": str(tmp_path / "new")})
    assert again.invoke(app, ["log", "verify"]).exit_code == 0
    assert "BP-LOANS" in again.invoke(app, ["asset", "list"]).output
    found = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert [path for path in found if holds(path, CANARY)]


@pytest.mark.req("D-17")
def test_a_domain_that_came_back_waits_for_a_persons_word_and_closes_its_budgets(
    estate: Estate, tmp_path: Path
) -> None:
    estate.run("backup", str(tmp_path / "B"))

    done = restored(estate, tmp_path / "B")

    assert "shuyu record accept" in done.output
    again = CliRunner(env={"SHUYU_HOME": str(tmp_path / "new"), "COLUMNS": "200"})
    assert "RolledBackError" in again.invoke(app, ["asset", "list"]).output
    accept = ["record", "accept", "--reason", "the disk broke", "--yes"]
    assert again.invoke(app, accept).exit_code == 0
    assert again.invoke(app, ["asset", "list"]).exit_code == 0


def test_a_loss_that_is_known_is_refused_without_a_reason(estate: Estate, tmp_path: Path) -> None:
    estate.run("backup", str(tmp_path / "B"))
    estate.run("asset", "destroy", "BP-LOANS", "--reason", "终止", "--to", str(tmp_path / "D"),
               env=estate.two())  # fmt: skip

    done = restored(estate, tmp_path / "B")

    assert (done.exit_code, "LossError" in done.output) == (1, True)
    assert not (tmp_path / "new").exists()


def test_the_last_checkpoint_of_a_stopped_domain_shows_that_nothing_was_lost(
    estate: Estate, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    estate.run("backup", str(tmp_path / "B"))
    note.write_bytes(last_checkpoint(estate).read_bytes())

    done = restored(estate, tmp_path / "B", "--nothing-lost", str(note), "--json")

    assert json.loads(done.output)["ready"] is True


def test_programs_read_what_was_made_as_json(estate: Estate, tmp_path: Path) -> None:
    made = estate.run("backup", str(tmp_path / "B"), "--json", "--without-data")

    told = json.loads(made.output)
    assert (told["domain"], told["data"]) == ("estate.test", False)
    assert {part["scope"] for part in told["parts"]} == {"record"}


def test_without_anybody_to_trust_nothing_is_restored(estate: Estate, tmp_path: Path) -> None:
    estate.run("backup", str(tmp_path / "B"))

    done = estate.run("restore", str(tmp_path / "B"), "--into", str(tmp_path / "new"))

    assert (done.exit_code, "--keys" in done.output) == (1, True)


def test_a_recipient_that_is_none_is_told_and_nothing_is_left(
    estate: Estate, tmp_path: Path
) -> None:
    made = estate.run("backup", str(tmp_path / "B"), "--with-keys", "age1nonsense")

    assert (made.exit_code, "BackupKeyError" in made.output) == (1, True)
    assert not [path for path in tmp_path.iterdir() if "B" in path.name]
