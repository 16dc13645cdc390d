"""`shuyu consent` stands in for a channel such as 随申码: it signs, hands in, withdraws and lists."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import consents
from gateway.cli.domain import init
from gateway.home import open_home
from jobs.proof.consent import ConsentState
from jobs.proof.keys import PublicKey, make
from jobs.steps.consents import register_channel
from sandbox.data.consent_marks import mark_key
from tests.gateway.api.channel import CANARY, SC, channel_of
from tests.gateway.api.channel import CHANNEL as PARTY
from tests.gateway.api.domain import LOANS, Template
from tests.gateway.cli.conftest import Served
from tests.gateway.cli.serving import serving


@pytest.fixture
def counter(tmp_path: Path, template: Template) -> Iterator[Served]:
    domain = template.copied(tmp_path)
    channel = channel_of(domain)
    key = make(tmp_path / "channel.pem", name=PARTY)
    with domain.record.writing() as tx:
        register_channel(tx, PARTY, key.public, actor="setup")
    with serving(channel.domain.app) as url:
        yield Served(channel.domain, url)
    domain.record.close()


def give(counter: Served, folder: Path) -> str:
    words = ("give", SC, "--asset", LOANS, "--recipient", "P-BANK", "--unit", CANARY)
    columns = ("--column", "state", "--column", "grade", "--column", "loan_amount")
    result = counter.run(
        consents.app, "clerk", *words, *columns, "--key", str(folder / "channel.pem")
    )
    assert result.exit_code == 0, result.output
    assert CANARY not in result.output
    return next(word for word in result.output.split() if word.startswith("C-"))


@pytest.mark.req("G-02")
def test_a_consent_is_given_listed_and_withdrawn_at_the_command_line(
    counter: Served, tmp_path: Path
) -> None:
    consent = give(counter, tmp_path)

    own = counter.run(consents.app, "clerk", "own", "--unit", CANARY).output
    gone = counter.run(consents.app, "clerk", "withdraw", consent).output

    assert consent in own
    assert ConsentState.WITHDRAWN in gone
    assert CANARY not in own + gone


def test_a_refusal_is_told_with_its_rule(counter: Served, tmp_path: Path) -> None:
    words = ("give", SC, "--asset", LOANS, "--recipient", "P-RIVAL", "--column", "state")
    key = ("--unit", CANARY, "--key", str(tmp_path / "channel.pem"))

    result = counter.run(consents.app, "clerk", *words, *key)

    assert result.exit_code == 3
    assert "consent.recipient" in result.output


def test_a_channel_is_registered_at_the_domain_with_a_key_made_elsewhere(tmp_path: Path) -> None:
    home, run = tmp_path / "domain", CliRunner()
    init(home, name="shuyu.test")
    shown = run.invoke(consents.app, ["new-key", PARTY, str(tmp_path / "key.pem")]).output.strip()

    result = run.invoke(consents.app, ["channel", PARTY, shown, "--home", str(home)])

    assert result.exit_code == 0, result.output
    assert PublicKey.parse(shown).id in result.output
    opened = open_home(home)
    assert opened.mark_key() == mark_key(opened.pseudonym_key.read_bytes())
    assert opened.consent_key.stat().st_mode & 0o777 == 0o600
