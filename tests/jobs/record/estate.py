"""A whole domain home with real data in it: what backups, retention and destruction are about."""

import csv
import shutil
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Self

import pyarrow.parquet as pq

from jobs.backup.making import Source
from jobs.grant import Grant, GrantId, ScenarioId
from jobs.job import Job
from jobs.proof import bodies
from jobs.proof.bodies import digest_of
from jobs.proof.folder import KeyFolder
from jobs.proof.keys import Suite
from jobs.proof.statement import Input
from jobs.record import documents
from jobs.record.database import Record
from jobs.record.documents import Document
from jobs.record.erasure import paged
from jobs.record.event import Event
from jobs.record.schema import metadata
from jobs.record.shelf import Shelf
from jobs.record.watermark import Watermark
from jobs.release import Release, Seat
from jobs.steps import budget
from jobs.steps.carry import ran
from jobs.steps.facts import ASSETS
from jobs.steps.release import release
from jobs.steps.submit import Bundle, Submission
from sandbox.asset import Asset
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.view import View, compile_view
from sandbox.egress.inspection import Cleared, Held, Inspected
from sandbox.order import Artifact, Ended, Outcome, OutputName, ViewTerms
from tests.jobs.steps.town import (
    COUNTING,
    GRANT,
    O2,
    O3,
    RAW,
    REPORTING,
    TABLE,
    Clock,
    Keys,
    Town,
    clear,
    verdict,
)
from tests.sandbox.data.tables import HEAD, declared

DOMAIN = "shuyu.test"
CODE = b"print('CANARY-CODE-11')\n"
LOANS, TAXES = "BP-LOANS", "BP-TAXES"
OVER = {"SC-1": LOANS, "SC-2": TAXES}
"""The asset of each scenario."""
PSEUDONYM_KEY = b"p" * 32
_COLUMNS = {
    "person": 'role = "unit"\ngrade = "L3"\nkind = "string"',
    "remark": 'role = "attribute"\ngrade = "L3"\nkind = "string"',
    "amount": 'role = "measure"\ngrade = "L2"\nkind = "float"\nlower = 0\nupper = 1000',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """A home with two assets, and a scenario over each; what happens in it goes through its town."""

    home: Path
    town: Town
    assets: dict[str, Asset]

    @classmethod
    def made(cls, home: Path, url: str = "") -> Self:
        """Make the home with its keys, and settle the empty record at `url`, or in the home."""
        for name in ("keys", "record", "data", "views", "quarantine", "shelf", "images", "run"):
            (home / name).mkdir(mode=0o700, parents=True)
        folder = keys_of(home)
        folder.make()
        (home / "keys" / "pseudonym.key").write_bytes(PSEUDONYM_KEY)
        (home / "shuyu.toml").write_text(f'name = "{DOMAIN}"\nrecord = "{url}"\n')
        (home / "images" / "register.json").write_text("{}")
        town = town_in(home, url)
        town.record.migrate()
        town.record.found(domain=DOMAIN, hashing=folder.suite.hashing)
        estate = cls(home=home, town=town, assets={})
        for scenario, asset in OVER.items():
            estate.take_in(asset)
            town.issue(estate.grant(scenario))
        return estate

    def copied(self, home: Path) -> Self:
        """Return the same estate in a new home, its record in it too; this one's must be closed."""
        shutil.copytree(self.home, home, copy_function=shutil.copy)
        return type(self)(home=home, town=town_in(home), assets=dict(self.assets))

    @property
    def source(self) -> Source:
        return Source(
            record=self.town.record, home=self.home, domain=DOMAIN, key=self.town.keys.release
        )

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.home / "shelf")

    def take_in(self, asset: str) -> None:
        """Ingest a table of three people whose texts bear a canary of this asset."""
        meta = parse_meta(declared(_COLUMNS, HEAD.replace("BP-LOANS", asset)))
        file = self.home / "incoming.csv"
        with file.open("w", newline="") as out:
            rows = [(f"{canary(asset)}-p{n}", f"{canary(asset)}-r{n}", n) for n in range(3)]
            csv.writer(out).writerows([tuple(_COLUMNS), *rows])
        self.assets[asset] = added = ingest(file, meta, data=self.home / "data")
        file.unlink()
        paper = Document(
            kind=ASSETS,
            id=f"{asset}@1",
            state="registered",
            body=bodies.dump(added),
            at=self.town.clock(),
        )
        with self.town.record.writing() as tx:
            documents.add(tx, paper, Event("asset.registered", paper.id, "P-adm", {}))
            budget.set_asset(
                tx, added.id, epsilon=Fraction(30), delta=Fraction(1, 10**9), actor="P-adm"
            )

    def grant(self, scenario: str, *more: str) -> Grant:
        terms = tuple(
            ViewTerms(
                asset=self.assets[asset].id,
                snapshot=self.assets[asset].snapshot,
                columns=("person", "remark", "amount"),
                pseudonyms=("person",),
            )
            for asset in (OVER.get(scenario, LOANS), *more)
        )
        return replace(
            GRANT, id=GrantId(f"{scenario}.v1"), scenario=ScenarioId(scenario), assets=terms
        )

    def view(self, scenario: str) -> View:
        """Compile the view of a scenario's asset, as its first job does."""
        return compile_view(
            self.grant(scenario).assets[0],
            scope=scenario,
            key=PSEUDONYM_KEY,
            data=self.home / "data",
            views=self.home / "views",
        )

    def ran(self, job: Job, name: OutputName, content: bytes) -> Job:
        """End a run that left one file, and said something."""
        terms = self.grant(job.grant.partition(".")[0]).assets[0]
        view = self.view(job.grant.partition(".")[0])
        inputs = (Input(asset=terms.asset, snapshot=terms.snapshot, view=view.digest),)
        outcome = Outcome(
            ended=Ended.FINISHED,
            artifacts=(Artifact(name, "txt", content),),
            seconds=1.5,
            note=f"said by the job: {content.decode()}",
            views=(view.digest,),
        )
        return ran(job, outcome, inputs=inputs, hands=self.town.hands)

    def held(self, scenario: str = "SC-1") -> Job:
        """Bring a job with code to where its report waits for people; the report bears the canary."""
        bundle = Bundle(files=(("main.py", CODE),))
        asked = Submission(scenario=ScenarioId(scenario), work=REPORTING, bundle=bundle)
        job, _ = self.town.start(self.town.ask(asked))
        content = report(scenario)
        held = Held(
            name=O2,
            findings=(RAW.at("row 3"),),
            digest=digest_of(content),
            preview=content.decode(),
            file="O2.txt",
            media_type="text/plain",
        )
        return self.town.decided(self.ran(job, O2, content), Inspected((held,)))

    def reviewed(self, scenario: str = "SC-1") -> Release:
        """Let a report out that people have read."""
        job, content = self.held(scenario), report(scenario)
        signed = (digest_of(content),)
        for seat, person, party in (
            (Seat.OPERATOR, "P-op", "operator"),
            (Seat.SECURITY, "P-sec", "bureau"),
        ):
            word = verdict(job, seat, person, party=party)
            job = self.town.says(replace(word, signed=signed))
        out = Cleared(
            name=O2, file="O2.txt", media_type="text/plain", content=content, digest=signed[0]
        )
        return release(job, (out,), hands=self.town.hands, seals=self.town.seals)

    def released(self, scenario: str = "SC-1") -> Release:
        """Let a table out, the same bytes from every scenario."""
        job, _ = self.town.start(self.town.submit(COUNTING, scenario=ScenarioId(scenario)))
        approved = self.town.decided(self.ran(job, O3, TABLE), Inspected((clear(),)))
        return self.town.release(approved)

    def found(self, text: str) -> list[str]:
        """Return every file below the home that holds `text`, the database's own among them."""
        files = sorted(path for path in self.home.rglob("*") if path.is_file())
        return [str(path.relative_to(self.home)) for path in files if holds(path, text)]


def town_in(home: Path, url: str = "") -> Town:
    """Open the record of a home, with its keys, as a town."""
    folder, clock = keys_of(home), Clock()
    mark = Watermark(path=home / "keys" / "last-checkpoint")
    at = url or f"sqlite:///{home / 'record' / 'record.db'}"
    record = Record.open(at, clock=clock, watermark=mark)
    keys = Keys(**{part: folder.signing(part) for part in ("grant", "release", "log")})
    return Town(record=record, folder=home, clock=clock, keys=keys)


def holds(path: Path, text: str) -> bool:
    """Say whether a file holds `text`, in a compressed column too."""
    if path.suffix == ".parquet":
        return text in str(pq.read_table(path).to_pylist())
    return text.encode() in path.read_bytes()


def canary(asset: str) -> str:
    """Return what stands in every text of this asset, and in what is made of it."""
    return f"CANARY-7f3a-{asset}"


def report(scenario: str) -> bytes:
    """Return what the jobs of a scenario report: it quotes its asset."""
    return f"The scorecard of {canary(OVER[scenario])}.\n".encode()


def keys_of(home: Path) -> KeyFolder:
    return KeyFolder(path=home / "keys", name=DOMAIN, suite=Suite.ED25519)


def dumped(record: Record) -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    with record.reading() as tx:
        return {
            table.name: [bodies.dump(row) for row in paged(tx, table)]
            for table in metadata.sorted_tables
        }
