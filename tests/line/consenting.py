"""A channel of data subjects at the running domain, and the scenario that reads by what they consent to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.cli.demo_town import plan_on
from gateway.client import Client
from tests.line.domain import Domain

SCENARIO = "SC-SH-2026-0002"
ASSET = "BP-LOANS"
CHANNEL = "P-SSM"
CLERK = "u-clerk"
COLUMNS = ("grade", "annual_income")
ROWS, SCORES = "O1", "O2"
_COMMON = {
    "max_rows": 400,
    "max_bytes": 1 << 16,
    "frequency": "一次",
    "recipients": ["P-BANK"],
    "privacy_method": {"name": "consented_single_subject"},
    "schema": [
        {"name": "subject", "type": "string", "function": "subject", "measure": "loan_id"},
        {"name": "income", "type": "float", "function": "value", "measure": "annual_income"},
        {"name": "grade", "type": "string", "function": "value", "measure": "grade"},
    ],
}
_OUTPUTS = (
    {"id": ROWS, "form": "in_domain_dataset", "release_class": "review", "description": "逐户数据"},
    {
        "id": SCORES,
        "form": "score_service",
        "release_class": "auto_if_clean",
        "description": "核验",
    },
)


def plan_by_consent(image: str) -> dict[str, Any]:
    """Return the loan plan over those who consent: rows that people sign, and answers about subjects that are named."""
    plan = plan_on(image)
    [asset] = plan["assets"]
    kept = [each for each in asset["columns"] if each["name"] in {"loan_id", *COLUMNS}]
    hidden, open_ = plan["personal_information"]["routes"]
    consented = {**open_, "columns": list(COLUMNS), "route": "consented"}
    return {
        **plan,
        "scenario": SCENARIO,
        "title_zh": "经授权的逐户核验",
        "assets": [{**asset, "columns": kept}],
        "personal_information": {
            **plan["personal_information"],
            "routes": [hidden, consented],
        },
        "outputs": [{**_COMMON, **each} for each in _OUTPUTS],
    }


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel's clerk at the command line."""

    domain: Domain
    key: Path

    @classmethod
    def opened(cls, domain: Domain, folder: Path) -> Self:
        """Enter the channel and its clerk as the administrator does, and register its key."""
        home = ("--home", str(domain.home.path))
        named = ("--zh", "随申码", "--uscc", "91310000000000009P")
        said("party", "add", CHANNEL, "--kind", "consent_channel", *named, *home)
        said("person", "add", CLERK, "--of", CHANNEL, "--role", "channel_clerk", *home)
        domain.tokens[CLERK] = said("token", "issue", CLERK, *home).strip()
        key = folder / "channel.pem"
        public = said("consent", "new-key", CHANNEL, str(key)).strip()
        said("consent", "channel", CHANNEL, public, *home)
        return cls(domain, key)

    def give(self, unit: int) -> str:
        """Hand in what one subject consents to; return the consent's id."""
        asked = ("--asset", ASSET, "--recipient", "P-BANK", "--key", str(self.key), "--times", "3")
        columns = [word for name in COLUMNS for word in ("--column", name)]
        told = self.said("give", SCENARIO, *asked, *columns, unit=unit)
        return next(word for word in told.split() if word.startswith("C-"))

    def said(self, *words: str, unit: int | None = None) -> str:
        """Have the clerk type a command, and the subject's key where it is asked for."""
        typed = f"{unit}\n" if unit is not None else None
        return said("consent", *words, env=self.domain.env(CLERK), typed=typed)


@contextmanager
def consented_scenario(domain: Domain) -> Iterator[None]:
    """Have the scenario active, and revoked at the end."""
    domain.seat(plan_by_consent(domain.image))
    try:
        yield
    finally:
        domain.decide("u-lead", "revoke", scenario=SCENARIO)


def own(client: Client, unit: int) -> list[dict[str, Any]]:
    """Return what a subject has consented to, as its channel shows it."""
    return list(client.post("/consents/own", {"unit": str(unit)})["items"])


def said(*words: str, env: dict[str, str] | None = None, typed: str | None = None) -> str:
    """Return what `shuyu` prints to these words; it must have ended well."""
    given = {"COLUMNS": "250", **(env or {})}
    result = CliRunner(env=given).invoke(app, list(words), input=typed)
    assert result.exit_code == 0, result.output
    return result.output
