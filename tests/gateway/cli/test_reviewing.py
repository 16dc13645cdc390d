"""`shuyu review`: what the seats and the second look see at a terminal, and the lots, verified."""

from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import reviewing
from gateway.cli.domain import opened
from gateway.cli.processes import lottery_of
from gateway.home import Home, HomeError, make_home, open_home
from jobs.record import documents, holds
from jobs.record.event import Event
from jobs.record.holds import Hold
from jobs.steps import rereview
from jobs.steps.lots import KIND, Lottery, keep_lots
from sandbox.order import OutputName
from tests.gateway.api.held import CANARY, HELD, hold
from tests.gateway.api.released import TABLE, digest, release
from tests.gateway.cli.conftest import Served


@pytest.mark.req("H-06")
def test_a_seat_sees_the_case_laid_out_with_its_difference_at_a_terminal(served: Served) -> None:
    release(served.domain)
    hold(served.domain)
    newer = Hold(
        job=HELD.id,
        epoch=HELD.epoch,
        output=OutputName("O5"),
        digest=digest(b"newer"),
        file="O5.csv",
        media_type="text/csv; charset=utf-8",
        preview="grade,n\nA,\u202e125\n",
        findings_json='[{"reason": {"rule": "egress.small", "place": "row 1, column n"}}]',
    )
    with served.domain.record.writing() as tx:
        holds.add_holds(tx, [newer], Event("egress.held", HELD.id, "test"))

    listed = served.run(reviewing.app, "officer", "list")
    shown = served.run(reviewing.app, "officer", "show", HELD.id)

    assert HELD.id in listed.output
    assert (listed.exit_code, shown.exit_code) == (0, 0)
    for said in (
        CANARY,
        "n ← egress.small",
        "⟨U+202E⟩125",
        "last version",
        "R-1",
        "the same bytes",
    ):
        assert said in shown.output
    assert "\u202e" not in shown.output


@pytest.mark.req("H-06")
def test_a_drawn_release_is_looked_at_and_objected_to_at_a_terminal(served: Served) -> None:
    out = release(served.domain)
    with served.domain.record.writing() as tx:
        rereview.begin(tx, out, Event("release.drawn", out.job, "system"))
    words = ("judge", out.id, "--objection", "--words", "逐行看过", "--signed", digest(TABLE))

    runs = [
        served.run(reviewing.app, "auditor", *each)
        for each in (("drawn",), ("again", out.id), words, ("drawn",))
    ]

    assert [run.exit_code for run in runs] == [0, 0, 0, 0]
    assert "waiting" in runs[0].output
    assert digest(TABLE) in runs[1].output
    assert "objection" in runs[3].output
    assert served.run(reviewing.app, "officer", "again", out.id).exit_code == 1


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a home with an empty record."""
    made = make_home(tmp_path / "home", name="test.example")
    with opened(made):
        pass
    return made


def verified(home: Home) -> tuple[int, str]:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(
        reviewing.app, ["lots", "--verify", "--home", str(home.path)]
    )
    return done.exit_code, done.output


@pytest.mark.req("H-06")
def test_whoever_has_the_record_verifies_the_lots_and_a_seed_that_is_kept_back_is_found(
    home: Home,
) -> None:
    with opened(home) as record:
        keep_lots(record, Lottery(secret=home.lots_secret(), rate=Fraction(1, 20)))
        with record.reading() as tx:
            today = documents.listed(tx, KIND)[0].id

    good = verified(home)
    with opened(home) as record, record.writing() as tx:
        past = {"commitment": "sha256:" + "0" * 64, "rate": "1/20"}
        tx.note(Event("lots.committed", "2020-01-01", "system", past))
    bad = verified(home)

    assert good[0] == 0
    assert today in good[1]
    assert "every lot holds" in good[1]
    assert bad[0] == 1
    assert "its seed was not revealed" in bad[1]


@pytest.mark.parametrize(("set_here", "rate"), [("0.01", "1/20"), ("0.05", "1/20"), ("0.2", "1/5")])
def test_the_setting_may_ask_for_more_second_looks_than_the_rulebooks_and_not_for_fewer(
    home: Home, set_here: str, rate: str
) -> None:
    settings = home.path / "shuyu.toml"
    text = settings.read_text("utf-8")
    settings.write_text(
        text.replace("rereview_rate = 0.05", f"rereview_rate = {set_here}"), "utf-8"
    )

    lottery = lottery_of(open_home(home.path))

    assert (str(lottery.rate), lottery.secret) == (rate, home.lots_secret())


@pytest.mark.parametrize("rate", ["1.5", "-0.1", "nan", '"all"'])
def test_a_rate_that_is_no_share_is_told(home: Home, rate: str) -> None:
    settings = home.path / "shuyu.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("rereview_rate = 0.05", f"rereview_rate = {rate}"), "utf-8")

    with pytest.raises(HomeError, match="rereview_rate"):
        open_home(home.path)


def test_the_secret_of_the_lots_is_made_once_for_the_domains_eyes_alone(home: Home) -> None:
    path = home.path / "keys" / "lots.key"
    first = home.lots_secret()
    mode = path.stat().st_mode & 0o777
    path.unlink()
    anew = home.lots_secret(), home.lots_secret()
    path.write_bytes(b"short")

    assert mode == 0o600
    assert anew[0] == anew[1] != first
    with pytest.raises(HomeError, match=r"lots\.key does not hold 32 bytes"):
        home.lots_secret()
