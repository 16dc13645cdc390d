import fcntl
import stat
import threading
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.cli.domain import init, opened
from gateway.cli.keys import app
from gateway.cli.processes import _heed_keys
from gateway.home import Home, open_home
from jobs.proof.folder import replaced
from jobs.proof.keys import Suite
from jobs.record import log
from jobs.record.audit import verify_log


def made(path: Path, *words: str) -> Home:
    """Make a domain as a person does."""
    command = Typer()
    command.command()(init)
    done = CliRunner().invoke(command, [str(path), *words])
    assert done.exit_code == 0, done.output
    return open_home(path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return made(tmp_path / "home")


def key(home: Home, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*words, "--home", str(home.path)])


def test_every_key_is_listed_with_its_span_and_reason(home: Home) -> None:
    first = home.public("log").id
    assert key(home, "rotate", "log", "--reason", "yearly").exit_code == 0

    told = key(home, "list").output

    now = home.public("log").id
    assert now != first
    assert [line.split()[1:5:2] for line in told.splitlines() if "signs" in line]
    (gone,) = (line for line in told.splitlines() if first in line)
    assert ("retired" in gone, "yearly" in gone) == (True, True)
    assert all(home.public(part).id in told for part in ("release", "grant", "log"))


def test_a_rotation_says_what_to_hand_out_anew(home: Home) -> None:
    done = key(home, "rotate", "release", "--reason", "yearly")

    assert home.public("release").text() in done.output
    assert str(home.trusted) in done.output
    assert stat.S_IMODE(home.trusted.stat().st_mode) == 0o600


def test_a_revocation_tells_of_fresh_proofs_and_of_grants_that_end(home: Home) -> None:
    done = key(home, "revoke", home.public("grant").id, "--reason", "stolen laptop")

    assert done.exit_code == 0, done.output
    assert ("shuyu release proof" in done.output, "approved anew: 0" in done.output) == (True, True)
    assert home.key("grant").public == home.public("grant")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("revoke", "00000000", "--reason", "x"), "no part of this domain has a key 00000000"),
        (("rotate", "log", "--reason", ""), "give a reason"),
        (("rotate", "pseudonym", "--reason", "x"), "pseudonym"),
        (("rotate", "log"), "--reason"),
    ],
)
def test_what_cannot_be_done_is_told_in_plain_words(
    home: Home, words: tuple[str, ...], told: str
) -> None:
    done = key(home, *words)

    assert done.exit_code != 0
    assert told in done.output
    assert "Traceback" not in done.output


def test_two_changes_of_keys_do_not_meet(home: Home) -> None:
    with (home.path / "run" / "keys.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = key(home, "rotate", "log", "--reason", "yearly")

    assert (done.exit_code, "another command changes the keys" in done.output) == (1, True)


@pytest.mark.parametrize("suite", Suite)
def test_a_domain_of_either_suite_changes_every_key_and_its_log_stays_whole(
    tmp_path: Path, suite: Suite
) -> None:
    home = made(tmp_path / "home", "--suite", suite.value)
    for part in ("release", "grant", "log"):
        assert key(home, "rotate", part, "--reason", "yearly").exit_code == 0
        done = key(home, "revoke", home.public(part).id, "--reason", "lost")
        assert done.exit_code == 0, done.output

    with opened(home) as record:
        with record.writing() as tx:
            signed = log.checkpoint(tx, home.key("log"))
        report = verify_log(record, home.ring("log"))

    assert signed.head.hashing is home.hashing is suite.hashing
    assert report.signed == report.head.size == signed.head.size
    assert all(len(home.ring(part).keys) == 3 for part in ("release", "grant", "log"))


def test_a_running_process_ends_when_the_keys_change(home: Home) -> None:
    stop = threading.Event()
    _heed_keys(home, stop)
    assert not stop.wait(0.7)

    replaced(home.trusted, home.trusted.read_bytes() + b"\n")

    assert stop.wait(5)
