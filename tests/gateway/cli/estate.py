"""A domain home that commands work on: people, and one asset whose every text bears a canary."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from typer.testing import CliRunner, Result

from gateway.cli.app import app
from gateway.cli.domain import opened
from gateway.governance.parties import Party, Person, add_party, add_person
from gateway.governance.rules import load_rules
from gateway.governance.tokens import issue_token
from gateway.home import Home, make_home, open_home
from jobs.grant import PartyId, PersonId
from jobs.record.database import Record
from tests.gateway.governance.town import PARTIES
from tests.sandbox.data.tables import declared, write_csv

ADMIN, AUDITOR = "u-adm", "u-aud"
_ROLES = {
    ADMIN: ("domain_admin",),
    AUDITOR: ("auditor",),
}


def enter(record: Record) -> dict[str, str]:
    """Enter the people of the institution who destroy and certify, and issue each a token."""
    duties = load_rules().duties
    for name, roles in _ROLES.items():
        person = Person(id=PersonId(name), party=PartyId("P-IMPL"), name=name, roles=roles)
        add_person(record, person, by="test", duties=duties)
    return {who: issue_token(record, PersonId(who), days=9, by="test") for who in _ROLES}


@dataclass(frozen=True, slots=True)
class Estate:
    home: Home
    tokens: dict[str, str]

    @classmethod
    def made(cls, path: Path) -> Self:
        """Make the home, enter everybody, and take the loan book in."""
        home, rules = make_home(path, name="estate.test"), load_rules()
        with opened(home) as record:
            for name, kind, called, uscc in PARTIES:
                if name in {"P-IMPL", "P-PROV"}:
                    party = Party(
                        id=PartyId(name), kind=kind, name_zh=called, name_en=name, uscc=uscc
                    )
                    add_party(record, party, by="test", duties=rules.duties)
            tokens = enter(record)
        estate = cls(home, tokens)
        file = write_csv(path.parent)
        (path.parent / "asset.toml").write_bytes(declared())
        done = estate.run("asset", "add", str(file), "--meta", str(path.parent / "asset.toml"))
        assert done.exit_code == 0, done.output
        return estate

    def copied(self, path: Path) -> Self:
        shutil.copytree(self.home.path, path, copy_function=shutil.copy)
        return type(self)(open_home(path), self.tokens)

    def run(self, *words: str, env: dict[str, str] | None = None) -> Result:
        given = {"SHUYU_HOME": str(self.home.path), "COLUMNS": "200", **(env or {})}
        return CliRunner(env=given).invoke(app, list(words))

    def two(self, admin: str = ADMIN, auditor: str = AUDITOR) -> dict[str, str]:
        """Return the environment in which these two people destroy something."""
        first, second = self.tokens[admin], self.tokens[auditor]
        return {"SHUYU_TOKEN": first, "SHUYU_AUDITOR_TOKEN": second}

    @property
    def trusted(self) -> str:
        return str(self.home.trusted)
