"""`shuyu image`: how images come into a domain, who answers for them, and what the log says of it."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.app import app
from gateway.cli.calling import FAILED, REFUSED
from gateway.cli.domain import opened
from gateway.cli.intake import enter, sign_of, trust_of
from gateway.cli.office import who
from gateway.governance.parties import Party, Person, add_party, add_person
from gateway.governance.rules import load_rules
from gateway.governance.tokens import issue_token
from gateway.home import Home, make_home
from jobs.grant import PartyId, PersonId
from jobs.record import log
from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.runner.client import KeeperClient
from sandbox.runner.keeper import KeeperSettings
from sandbox.runner.register import Entry, believed, signed
from tests.gateway.governance.town import PARTIES
from tests.sandbox.images.forge import Image, brought, tarred
from tests.sandbox.images.wheels import folder_of, wheel
from tests.sandbox.runner.conftest import serving

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
CANARY = "CANARY-7f3ae1"
REVIEWER, ADMIN = "u-odr", "u-adm"


@dataclass(frozen=True, slots=True)
class Town:
    home: Home
    tokens: dict[str, str]

    def run(self, *words: str, by: str = "") -> Result:
        env = {"SHUYU_HOME": str(self.home.path), "COLUMNS": "300"}
        given = {**env, "SHUYU_TOKEN": self.tokens[by]} if by else env
        return CliRunner(env=given).invoke(app, ["image", *words])

    def done(self, *words: str, by: str = "") -> str:
        result = self.run(*words, by=by)
        assert result.exit_code == 0, result.output
        return result.output

    @property
    def images(self) -> dict[str, ImageDigest]:
        return dict(KeeperClient(self.home.path / "run" / "keeper.sock").found().images)

    def noted(self, digest: str) -> list[str]:
        """The kinds of the events about an image, and who did it."""
        with opened(self.home) as record, record.reading() as tx:
            found = log.entries(tx, only=log.Filter(subject=digest))
        return [f"{one.event.kind} {one.event.facts['name']} {one.event.actor}" for one in found]


@pytest.fixture(scope="module")
def town(engine_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home, duties = (
        make_home(tmp_path_factory.mktemp("town") / "home", name="image.test"),
        load_rules().duties,
    )
    roles = {REVIEWER: "outside_data_reviewer", ADMIN: "domain_admin"}
    with opened(home) as record:
        _, kind, called, uscc = next(each for each in PARTIES if each[0] == "P-IMPL")
        party = Party(id=PartyId("P-IMPL"), kind=kind, name_zh=called, name_en=called, uscc=uscc)
        add_party(record, party, by="test", duties=duties)
        for name, role in roles.items():
            person = Person(id=PersonId(name), party=party.id, name=name, roles=(role,))
            add_person(record, person, by="test", duties=duties)
        tokens = {who: issue_token(record, PersonId(who), days=9, by="test") for who in roles}
    settings = KeeperSettings(home=home.path, engine=engine_host, warm=0, trust=trust_of(home))
    with serving(settings):
        yield Town(home, tokens)


def rows(size: int) -> bytes:
    rng = random.Random(5)
    lines = (
        f"{CANARY},91310{rng.randrange(10**13)},{rng.randrange(10**6)}" for _ in range(size // 40)
    )
    return "\n".join(lines).encode()


def archive(tmp_path: Path, **files: bytes) -> str:
    layer = tarred({"mark": str(tmp_path).encode(), **files})
    return str(brought(tmp_path / "image.tar", Image(layers=(layer,)).saved()))


def test_an_image_that_is_imported_is_signed_for_listed_and_has_a_bill(
    town: Town, tmp_path: Path
) -> None:
    digest = town.done("import", archive(tmp_path), "--name", "third-party").strip()

    assert town.images["third-party"] == digest
    assert digest in town.done("list")
    assert json.loads(town.done("bill", digest))["bomFormat"] == "CycloneDX"
    lines = json.loads((town.home.path / "images" / "register.json").read_bytes())
    assert lines[-1]["key"] == town.home.key("grant").id
    assert list((town.home.path / "run" / "images").iterdir()) == []


@pytest.mark.req("F-08")
def test_an_image_with_data_in_it_waits_for_the_reviewer_of_outside_data(
    town: Town, tmp_path: Path
) -> None:
    source = archive(tmp_path, **{"app/enterprises.csv": rows(5 * 1024**2)})

    held = town.run("import", source, "--name", "with-data")

    assert held.exit_code == REFUSED
    assert "app/enterprises.csv" in held.output
    assert "with-data" not in town.images
    (digest,) = set(re.findall(r"sha256:[0-9a-f]{64}", held.output))
    assert digest in town.done("held")
    assert "app/enterprises.csv" in town.done("held", digest)
    for by, reason in ((ADMIN, "可以"), (REVIEWER, " "), (REVIEWER, "x" * 100_000)):
        assert town.run("accept", digest, "--reason", reason, by=by).exit_code == FAILED
    assert "with-data" not in town.images

    town.done("accept", digest, "--reason", "公开的行政区划代码", by=REVIEWER)

    assert town.images["with-data"] == digest
    lines = json.loads((town.home.path / "images" / "register.json").read_bytes())
    entry = lines[-1]["entry"]
    assert (entry["accepted_by"], entry["reason"]) == (REVIEWER, "公开的行政区划代码")
    assert digest not in town.done("held")
    noted = [f"image.held with-data {who()}", f"image.signed with-data {REVIEWER}"]
    assert town.noted(digest) == noted
    told = held.output + json.dumps(lines) + town.done("list")
    assert CANARY not in told


def test_a_held_image_can_be_let_go(town: Town, tmp_path: Path) -> None:
    source = archive(tmp_path, **{"app/x.csv": rows(2 * 1024**2)})
    held = town.run("import", source, "--name", "unwanted")
    (digest,) = set(re.findall(r"sha256:[0-9a-f]{64}", held.output))

    town.done("discard", digest)

    assert digest not in town.done("held")
    again = town.run("accept", digest, "--reason", "x", by=REVIEWER)
    assert (again.exit_code, "no image" in again.output) == (FAILED, True)


def test_an_image_is_built_on_one_of_the_domain_and_runs_from_its_register(
    town: Town, built: dict[str, ImageDigest], tmp_path: Path
) -> None:
    module = {"treasure/__init__.py": "FOUND = 1\n"}
    source = folder_of(tmp_path / "app", wheel(tmp_path / "wheels", "treasure", module))
    town.done("register", built["reader"], "--name", "reader")
    words = ("build", str(source), "--name", "app", "--wheels", str(tmp_path / "wheels"))

    digest = town.done(*words, "--base", "reader").strip()

    assert town.images["app"] == digest
    listed = json.loads(town.done("bill", digest))["components"]
    assert {"treasure", "pyarrow"} <= {one["name"] for one in listed}
    unknown = town.run(*words, "--base", "nothing")
    assert (unknown.exit_code, "no image is registered as nothing" in unknown.output) == (1, True)


def test_a_register_that_somebody_altered_is_told_of_and_no_image_of_it_runs(
    town: Town, built: dict[str, ImageDigest]
) -> None:
    enter(town.home, built["python"], name="python")
    file = town.home.path / "images" / "register.json"
    sound = file.read_bytes()
    assert "python" in town.images  # control

    file.write_bytes(
        sound.replace(b'"name": "python"', b'"name": "reader"').replace(
            b'"name":"python"', b'"name":"reader"'
        )
    )
    told, left = town.run("list"), town.images
    found = KeeperClient(town.home.path / "run" / "keeper.sock").found()
    file.write_bytes(sound)

    assert (told.exit_code, "altered" in told.output) == (FAILED, True)
    assert left == {}
    assert any("改动" in one.what.zh for one in found.missing)
    assert "python" in town.images


def test_what_a_revoked_key_signed_for_is_signed_for_again(
    town: Town, built: dict[str, ImageDigest]
) -> None:
    enter(town.home, built["python"], name="python")
    old = town.home.key("grant").id
    env = {"SHUYU_HOME": str(town.home.path)}
    revoked = CliRunner(env=env).invoke(app, ["key", "revoke", old, "--reason", "x"])
    assert revoked.exit_code == 0, revoked.output
    assert town.images == {}

    town.done("register", built["python"], "--name", "python")

    assert town.images == {"python": built["python"]}


def test_where_no_keeper_answers_nothing_is_begun(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", name="alone.test")
    with opened(home):
        pass
    alone = Town(home, {})

    told = alone.run("import", archive(tmp_path), "--name", "x")

    assert (told.exit_code, "shuyu keep" in told.output) == (FAILED, True)
    assert not (home.path / "run" / "images").exists()
    assert list((home.path / "images").iterdir()) == []


@pytest.mark.parametrize("suite", ["ed25519-sha256", "sm2-sm3"])
def test_a_line_is_signed_and_judged_by_the_keys_of_either_suite(
    tmp_path: Path, suite: str
) -> None:
    home = make_home(tmp_path / "home", name="suite.test", suite=suite)
    entry = Entry(name="x", digest=ImageDigest("sha256:" + "0" * 64))

    line = signed(entry, sign_of(home))

    assert believed((line,), trust_of(home)) == (entry,)
    with pytest.raises(ImageError):
        believed((replace(line, entry=replace(entry, name="y")),), trust_of(home))
