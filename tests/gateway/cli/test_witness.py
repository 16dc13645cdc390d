"""`shuyu witness` and `shuyu anchor` as real processes on the loopback."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.anchoring.cosigner import Cosigner
from gateway.anchoring.offer import ForkError, OvertakenError, UnreachableError
from gateway.cli import witness as cli_witness
from gateway.cli.anchors import app
from gateway.cli.domain import opened
from gateway.home import SETTINGS, Home, make_home
from jobs.proof.cosignature import WitnessKey, vouchers
from jobs.proof.keys import SigningKey
from jobs.record.database import Record
from tests.gateway.anchoring.outside import CANARY, Domain, now

LOG = SigningKey.unsaved("shuyu.test/log")
SHUYU = [sys.executable, "-m", "gateway.cli.app"]
DYING = """
import os, signal, sys, uvicorn
from pathlib import Path
from gateway.anchoring.witness import Witness, rings
from gateway.anchoring.witness_app import witness_app
from jobs.proof import keys
from jobs.proof.cosignature import WitnessKey
from jobs.proof.keys import PublicKey
folder, log, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
name = WitnessKey.parse((folder / "witness.pub").read_text()).name
die = lambda: os.kill(os.getpid(), signal.SIGKILL)  # asked between the write and the answer
made = Witness(folder, key=keys.load(folder / "witness.key", name=name),
               logs=rings((PublicKey.parse(log),)), clock=die)
uvicorn.run(witness_app(made), port=port, log_level="error")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A witness that runs, by what it says at its start."""

    process: subprocess.Popen[str]
    url: str
    key: WitnessKey


@contextmanager
def running(folder: Path, *more: str, log: str = LOG.public.text()) -> Iterator[Shown]:
    """Run the command over `folder`."""
    words = ["witness", str(folder), "--log", log, "--port", "0", *more]
    process = subprocess.Popen([*SHUYU, *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[-1]
        key = WitnessKey.parse(process.stdout.readline().split()[-1])
        yield Shown(process=process, url=url, key=key)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def asked(folder: Path, *more: str) -> Iterator[tuple[Cosigner, subprocess.Popen[str]]]:
    """Run the command over `folder`, and give a client with the key that it shows."""
    with running(folder, *more) as shown:
        yield Cosigner(shown.url, key=shown.key, clock=now), shown.process


def log_of(path: Path) -> Domain:
    record = Record.open(f"sqlite:///{path}", clock=now)
    record.migrate()
    return Domain(record=record, key=LOG)


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[tuple[Domain, Domain]]:
    """Two logs under one key: the true one, and the one that a forger would show."""
    pair = log_of(tmp_path / "one.db"), log_of(tmp_path / "two.db")
    yield pair
    for each in pair:
        each.record.close()


def test_a_witness_refuses_a_fork_and_a_rollback_and_remembers_over_a_restart(
    tmp_path: Path, logs: tuple[Domain, Domain]
) -> None:
    log, fork = logs
    older, folder = log.grown(3), tmp_path / "w"
    with asked(folder, "--name", "witness.test/w1") as (client, _):
        first = log.offer(log.grown(2))
        line = client.vouch(first)
        with pytest.raises(ForkError):
            client.vouch(fork.offer(fork.grown(6, what="another history"), since=5))

    with asked(folder) as (client, process):
        with pytest.raises(ForkError):
            client.vouch(fork.offer(fork.grown(1, what="another history"), since=5))
        with pytest.raises(OvertakenError):
            client.vouch(log.offer(older))
        assert client.name == "witness:witness.test/w1"
        assert client.vouch(log.offer(log.grown(1), since=5))
        process.send_signal(signal.SIGTERM)
        process.wait(10)

    assert client.check(first.checkpoint.note, line)
    assert (folder / "witness.key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_witness_that_dies_between_write_and_answer_stands_by_what_it_wrote(
    tmp_path: Path, logs: tuple[Domain, Domain]
) -> None:
    log, fork = logs
    folder = tmp_path / "w"
    with asked(folder) as (client, _):
        client.vouch(log.offer(log.grown(3)))
        key = client
    offer = log.offer(log.grown(2), since=3)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", DYING, str(folder), LOG.public.text(), str(port)]
    with subprocess.Popen(command) as dying:
        kept = WitnessKey.parse((folder / "witness.pub").read_text())
        while dying.poll() is None:
            time.sleep(0.05)
            with pytest.raises(UnreachableError):  # not up yet, then killed
                Cosigner(f"http://127.0.0.1:{port}", key=kept, clock=now).vouch(offer)
        assert dying.returncode == -signal.SIGKILL

    with asked(folder) as (client, _):
        with pytest.raises(ForkError):
            client.vouch(fork.offer(fork.grown(9, what="another history"), since=3))
        assert client.vouch(offer)
    assert client.name == key.name


def test_of_many_requests_at_once_no_two_histories_are_cosigned(
    tmp_path: Path, logs: tuple[Domain, Domain]
) -> None:
    offers = [
        (each, each.grown(1, what=what))
        for _ in range(6)
        for each, what in zip(logs, ("one", "another"), strict=True)
    ]
    with asked(tmp_path / "w") as (client, _), ThreadPoolExecutor(8) as pool:

        def ask(pair: tuple[Domain, object]) -> str:
            try:
                client.vouch(pair[0].offer(pair[1]))  # type: ignore[arg-type]  # a checkpoint
            except Exception as error:  # noqa: BLE001 - each kind is counted below
                return type(error).__name__
            return str(logs.index(pair[0]))

        answers = list(pool.map(ask, offers))

    assert len({each for each in answers if each in {"0", "1"}}) == 1
    assert set(answers) <= {"0", "1", "ForkError", "OvertakenError"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path / "domain", name="shuyu.test")
    with opened(made) as record:
        Domain(record=record, key=made.key("log")).note(3)
    return made


def tell(home: Home, **settings: str) -> None:
    text = (home.path / SETTINGS).read_text("utf-8")
    for name, value in settings.items():
        text = text.replace(f'\n{name} = ""', f'\n{name} = "{value}"')
    (home.path / SETTINGS).write_text(text, "utf-8")


def anchor(home: Home, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*words, "--home", str(home.path)])


def kinds(home: Home) -> list[str]:
    with opened(home) as record:
        return Domain(record=record, key=home.key("log")).kinds()


def test_a_domain_is_anchored_and_exported_from_the_command_line(
    tmp_path: Path, home: Home
) -> None:
    folder, hub, out = tmp_path / "w", tmp_path / "hub", tmp_path / "out"
    hub.mkdir()
    with running(folder, log=home.public("log").text()) as shown:
        tell(home, witness=shown.url, witness_key=shown.key.text(), hub=str(hub))
        said = [anchor(home, "now"), anchor(home, "list"), anchor(home, "export", str(out))]

    assert [each.exit_code for each in said] == [0, 0, 0], said
    assert said[0].output.count("held") == 2
    assert said[1].output.count("held") >= 2
    (note,) = out.glob("*.note")
    (voucher,) = vouchers(note.read_text("utf-8"), [shown.key])
    assert abs(voucher.at - now()).total_seconds() < 120
    assert CANARY not in "".join(path.read_text("utf-8") for path in folder.glob("*.note"))


def test_a_fork_is_told_in_red_and_resolved_with_a_reason(
    tmp_path: Path, home: Home, logs: tuple[Domain, Domain]
) -> None:
    forger = Domain(record=logs[0].record, key=home.key("log"))
    with running(tmp_path / "w", log=home.public("log").text()) as shown:
        tell(home, witness=shown.url, witness_key=shown.key.text())
        client = Cosigner(shown.url, key=shown.key, clock=now)
        client.vouch(forger.offer(forger.grown(2, what="another history")))
        said = [
            anchor(home, "now"),
            anchor(home, "resolve", client.name, "--reason", "a restored machine"),
            anchor(home, "resolve", client.name, "--reason", "again"),
            anchor(home, "list"),
        ]

    assert [each.exit_code for each in said] == [1, 0, 1, 0], said
    assert "fork: " in said[0].output
    assert "分叉" in said[0].output
    assert "waiting" in said[3].output


def test_the_gateway_anchors_as_long_as_it_runs(tmp_path: Path, home: Home) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = (home.path / SETTINGS).read_text("utf-8").replace("port = 8700", f"port = {port}")
    (home.path / SETTINGS).write_text(settings, "utf-8")
    tell(home, hub=str(hub))

    until = time.monotonic() + 90
    with subprocess.Popen([*SHUYU, "serve", "--home", str(home.path)]) as gateway:
        while "anchor.held" not in kinds(home) and time.monotonic() < until:
            time.sleep(0.5)
        gateway.terminate()
        ended = gateway.wait(20)

    assert ended == 0
    assert kinds(home) == ["anchor.held"]
    assert CANARY not in (hub / "anchors.jsonl").read_text("utf-8")


def test_without_targets_now_says_where_to_set_them(home: Home) -> None:
    said = anchor(home, "now")

    assert said.exit_code == 0
    assert "shuyu.toml" in said.output


@pytest.mark.parametrize("words", [("--log", "nonsense"), ("--log", "a+b+c")])
def test_a_witness_without_a_good_key_of_a_log_does_not_start(
    tmp_path: Path, words: tuple[str, str]
) -> None:
    said = CliRunner().invoke(watching, [str(tmp_path / "w"), *words])

    assert said.exit_code == 1
    assert not (tmp_path / "w").exists()


def test_a_witness_keeps_the_name_that_it_was_made_with(tmp_path: Path) -> None:
    with running(tmp_path / "w", "--name", "witness.test/w1"):
        pass

    words = [str(tmp_path / "w"), "--log", LOG.public.text(), "--name", "witness.test/w2"]
    said = CliRunner().invoke(watching, words)

    assert said.exit_code == 1
    assert "witness.test/w1" in said.output


watching = Typer()
watching.command()(cli_witness.witness)
