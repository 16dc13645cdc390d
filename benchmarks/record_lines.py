"""The egress log that record.py searches, and what it asks of it."""

import json
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from jobs.grant import GrantId, PartyId
from jobs.job import JobId
from jobs.proof.bodies import dump, stamp
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.findings import Search
from jobs.record.schema import inspection, inspection_rule, job
from sandbox.egress.finding import Rule
from sandbox.reason import Said

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def mix(lines: int) -> list[Search]:
    """Return what people ask of an egress log of so many lines; a quarter of it finds nothing."""
    old = NOON + timedelta(seconds=30 * lines // 3)
    acme, grant = PartyId("P-3"), GrantId("SC-7.v1")
    return [
        Search(),
        Search(before=lines // 20, verdict="held"),
        Search(text="RULE_7"),
        Search(text="合并类别"),
        Search(text="row 12, column c3"),
        Search(text=f"J-{lines // 9:026}"),
        Search(text="no such text anywhere"),
        Search(text="證明"),
        Search(job=JobId(f"J-{lines // 8:026}")),
        Search(developer=acme),
        Search(developer=acme, text="no such text"),
        Search(developer=PartyId("nobody")),
        Search(grant=grant, verdict="blocked"),
        Search(rule="egress.rule_11"),
        Search(rule="egress.rule_11", developer=acme, verdict="blocked"),
        Search(rule="egress.none"),
        Search(verdict="blocked"),
        Search(since=old, until=old + timedelta(days=1)),
        Search(since=old, verdict="nothing"),
        Search(since=old, until=old + timedelta(days=2), rule="egress.rule_5"),
    ]


def fill(record: Record, lines: int) -> None:
    """Write an egress log of so many lines: three of five outputs are cleared, the others have findings."""
    dice = random.Random(7)
    jobs = [_job(number) for number in range(lines // 4)]
    rows: list[Mapping[str, object]] = []
    rules: list[Mapping[str, object]] = []
    for number in range(lines):
        found = [_finding(dice) for _ in range(dice.choices((0, 1, 2, 5), (60, 25, 10, 5))[0])]
        rows.append(_line(number, dump(found), dice))
        broken = {each["rule"] for each in (one["reason"] for one in json.loads(dump(found)))}
        rules.extend({"inspection": number + 1, "rule": rule} for rule in sorted(broken))
    with record.writing() as tx:
        for table, each in ((job, jobs), (inspection, rows), (inspection_rule, rules)):
            for start in range(0, len(each), 5000):
                tx.insert_all(table, each[start : start + 5000])
        tx.note(Event("bench.filled", "B-1", "bench"))


def _job(number: int) -> Mapping[str, object]:
    return {
        "id": f"J-{number:026}",
        "grant_id": f"SC-{number % 50}.v1",
        "developer": f"P-{number % 20}",
        "state": "released",
        "epoch": 1,
        "body": "{}",
    }


def _finding(dice: random.Random) -> object:
    units = dice.randrange(2, 10)
    rule = Rule(
        id=f"egress.rule_{dice.randrange(40)}",
        stage=5,
        why=Said(zh=f"分组少于 {units} 个受保护单位", en=f"a group has fewer than {units} units"),
        fix=Said(zh="合并类别，或删除该分组", en="merge categories, or leave the group out"),
        clause="Shanghai art. 22",
    )
    exact = Said(zh=f"实际为 {units - 1} 个", en=f"it has {units - 1}")
    return rule.at(f"row {dice.randrange(2000)}, column c{dice.randrange(60)}", exact=exact)


def _line(number: int, found: str, dice: random.Random) -> Mapping[str, object]:
    return {
        "id": number + 1,
        "job": f"J-{number // 4:026}",
        "epoch": 1,
        "output": f"O{number % 8}",
        "verdict": "cleared" if found == "[]" else dice.choice(("held", "blocked")),
        "digest": f"sha256:{dice.getrandbits(256):064x}",
        "size": dice.randrange(1_000_000),
        "findings": found,
        "at": stamp(NOON + timedelta(seconds=30 * number)),
    }
