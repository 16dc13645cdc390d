"""The bits that each release let out, by scenario, developer and month."""

from dataclasses import dataclass

from sqlalchemy import func, select

from jobs.grant import PartyId, ScenarioId
from jobs.record.database import Reading, Writing
from jobs.record.schema import volume as table
from jobs.release import ReleaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What one release let out."""

    release: ReleaseId
    scenario: ScenarioId
    developer: PartyId
    month: str
    """In China's time, such as `2026-11`."""
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """Bits that have left in a month."""

    scenario: int
    developer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What left under one scenario in one month."""

    scenario: str
    developer: str
    month: str
    releases: int
    bits: int


def add(tx: Writing, volume: Volume) -> None:
    """Book a release, in the transaction that makes it and that notes it."""
    tx.insert(
        table,
        {
            "release": volume.release,
            "scenario": volume.scenario,
            "developer": volume.developer,
            "month": volume.month,
            "bits": volume.bits,
        },
    )


def booked(tx: Reading, *, scenario: ScenarioId, developer: PartyId, month: str) -> Booked:
    """Return what has left under a scenario, and to a developer, in a month."""
    return Booked(
        scenario=_sum(tx, table.c.scenario == scenario, table.c.month == month),
        developer=_sum(tx, table.c.developer == developer, table.c.month == month),
    )


def listed(tx: Reading, *, month: str) -> list[Line]:
    """Return what left in a month, scenario by scenario, the most first."""
    bits = func.sum(table.c.bits)
    asked = (
        select(
            table.c.scenario, table.c.developer, func.count().label("releases"), bits.label("bits")
        )
        .where(table.c.month == month)
        .group_by(table.c.scenario, table.c.developer)
        .order_by(bits.desc(), table.c.scenario)
    )
    return [
        Line(
            scenario=row.scenario,
            developer=row.developer,
            month=month,
            releases=int(row.releases),
            bits=int(row.bits),
        )
        for row in tx.rows(asked)
    ]


def _sum(tx: Reading, *where: object) -> int:
    row = tx.one(select(func.coalesce(func.sum(table.c.bits), 0).label("bits")).where(*where))  # type: ignore[arg-type] # SQLAlchemy's own conditions
    return int(row.bits) if row else 0
