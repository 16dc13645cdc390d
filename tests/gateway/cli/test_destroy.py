from pathlib import Path

import pytest

from gateway.cli.domain import opened
from gateway.governance.exit import publish_terms, strictest
from gateway.governance.office import unlocked
from gateway.governance.rules import load_rules
from gateway.home import make_home
from jobs.grant import GrantState
from jobs.record import grants
from jobs.steps import destroy, retention
from jobs.steps.retention import Terms
from tests.gateway.cli.estate import ADMIN, AUDITOR, Estate, enter
from tests.gateway.governance.town import Clock, settle, town_of
from tests.jobs.record.estate import holds
from tests.sandbox.data.tables import CANARY

ASSET = ("asset", "destroy", "BP-LOANS", "--reason", "授权终止 agreement ended")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return Estate.made(tmp_path_factory.mktemp("estate") / "home")


@pytest.fixture
def estate(template: Estate, tmp_path: Path) -> Estate:
    return template.copied(tmp_path / "home")


def found(estate: Estate) -> list[Path]:
    files = [path for path in estate.home.path.rglob("*") if path.is_file()]
    return [path for path in files if holds(path, CANARY)]


@pytest.mark.req("M-03")
def test_an_asset_is_destroyed_by_two_people_and_anybody_can_check_the_certificate(
    estate: Estate, tmp_path: Path
) -> None:
    assert found(estate)  # control
    paper = tmp_path / "D.json"

    done = estate.run(*ASSET, "--to", str(paper), env=estate.two())

    assert done.exit_code == 0, done.output
    assert found(estate) == []
    checked = estate.run("verify-destruction", str(paper), "--keys", estate.trusted)
    assert (checked.exit_code, "核验通过" in checked.output) == (0, True)
    assert f"{ADMIN} → {AUDITOR}" in checked.output
    assert estate.run("log", "verify").exit_code == 0
    assert "certified" in estate.run("destruction", "list").output


@pytest.mark.parametrize(
    ("admin", "auditor"), [(ADMIN, ADMIN), (AUDITOR, AUDITOR), (AUDITOR, ADMIN)]
)
def test_one_person_or_another_role_destroys_nothing(
    estate: Estate, admin: str, auditor: str
) -> None:
    done = estate.run(*ASSET, env=estate.two(admin, auditor))

    assert (done.exit_code, "RoleError" in done.output) == (1, True)
    assert found(estate)


def test_a_token_that_is_not_good_destroys_nothing(estate: Estate) -> None:
    done = estate.run(*ASSET, env={**estate.two(), "SHUYU_AUDITOR_TOKEN": "nonsense"})

    assert (done.exit_code, "UnknownTokenError" in done.output) == (1, True)
    assert found(estate)


def test_a_certificate_that_was_altered_is_refused(estate: Estate, tmp_path: Path) -> None:
    paper = tmp_path / "D.json"
    estate.run(*ASSET, "--to", str(paper), env=estate.two())
    content = paper.read_text()
    paper.write_text(content.replace("A", "B", 1))

    checked = estate.run("verify-destruction", str(paper), "--keys", estate.trusted)

    assert (checked.exit_code, "核验未通过" in checked.output) == (1, True)


def test_a_certificate_is_handed_out_again_and_finishing_what_is_done_signs_it_again(
    estate: Estate, tmp_path: Path
) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    estate.run(*ASSET, "--to", str(first), env=estate.two())
    with opened(estate.home) as record, record.reading() as tx:
        [(plan, _)] = destroy.plans(tx)

    estate.run("destruction", "certificate", plan.id, "--to", str(second))
    done = estate.run("destruction", "finish", plan.id, "--to", str(tmp_path / "3.json"))

    assert first.read_bytes() == second.read_bytes()
    assert done.exit_code == 0
    checked = estate.run("verify-destruction", str(tmp_path / "3.json"), "--keys", estate.trusted)
    assert checked.exit_code == 0


@pytest.mark.req("J-04")
def test_what_is_held_is_not_destroyed_before_the_hold_is_lifted(
    estate: Estate, tmp_path: Path
) -> None:
    estate.run("retention", "hold", "BP-LOANS", "--reason", "法院调取 a court asks")

    assert "LegalHoldError" in estate.run(*ASSET, env=estate.two()).output
    assert "BP-LOANS" in estate.run("retention", "show").output
    estate.run("retention", "lift", "BP-LOANS", "--reason", "结案 closed")
    done = estate.run(*ASSET, "--to", str(tmp_path / "D"), env=estate.two())
    assert done.exit_code == 0


def test_retention_shows_floors_and_sweeps_nothing_early(estate: Estate) -> None:
    shown = estate.run("retention", "show").output

    assert all(kept in shown for kept in ("notes", "previews", "findings", "code", "shelf"))
    assert "notes 0" in estate.run("retention", "sweep").output


@pytest.mark.req("M-02")
def test_a_scenario_ends_with_its_grant_when_it_is_destroyed(tmp_path: Path) -> None:
    home, rules = make_home(tmp_path / "home", name="estate.test"), load_rules()
    with opened(home) as record:
        settle(record, rules)
        tokens = enter(record)
        active = town_of(record, rules, Clock()).active()
    estate = Estate(home, tokens)

    words = ("scenario", "destroy", active.id, "--reason", "提前终止", "--to", str(tmp_path / "D"))
    done = estate.run(*words, env=estate.two())

    assert done.exit_code == 0, done.output
    with opened(home) as record, record.reading() as tx:
        after = unlocked(tx, active.id).scenario
        assert after.grant is not None
        assert grants.get(tx, after.grant).state is GrantState.ENDED
    assert (after.state, after.decisions[-1].action) == ("ended", "execute_deletion")
    again = estate.run(*words, env=estate.two())
    assert again.exit_code == 0


def test_the_record_keeps_to_the_longest_time_that_any_rulebook_asks(estate: Estate) -> None:
    asked = strictest(load_rules().rulebooks.values())

    with opened(estate.home) as record:
        publish_terms(record, asked)
        with record.reading() as tx:
            assert retention.terms(tx) == asked
    assert asked == Terms()  # a longer one must be published before a sweep keeps to it
