"""The catalogue: which assets, in which versions, are registered. Metadata only, never a row."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.governance.errors import IneligibleError
from gateway.governance.parties import party_of
from jobs.errors import ConflictError, NotFoundError
from jobs.proof import bodies
from jobs.record import documents
from jobs.record.database import Reading, Record
from jobs.record.event import Event
from sandbox.asset import Asset, AssetId, Grade
from sandbox.reason import Reason, Said

_GRADES = tuple(Grade)
Catalogue = Mapping[tuple[AssetId, int], Asset]
"""Registered assets by id and version."""


def register(record: Record, asset: Asset, *, by: str) -> None:
    """Enter one version of an asset; the same version again with the same content is no change.

    Raises `IneligibleError` (core data, a provider of the wrong kind, a grade below its columns'),
    `NotFoundError` for an unknown provider, `ConflictError` where the version has other content.
    """
    key = f"{asset.id}@{asset.version}"
    with record.writing() as tx:
        reasons = tuple(_reasons(asset, party_of(tx, asset.provider).kind))
        if reasons:
            raise IneligibleError(reasons)
        body = bodies.dump(asset)
        if _already(tx, key, body):
            return
        paper = documents.Document(
            kind="asset",
            id=key,
            state="registered",
            org=asset.provider,
            body=body,
            at=tx.now,
        )
        facts = {"snapshot": asset.snapshot, "grade": asset.grade, "provider": asset.provider}
        documents.add(tx, paper, Event("asset.registered", key, by, facts))


def registered(tx: Reading, asset: AssetId, version: int) -> Asset:
    """Return one registered version; raise `NotFoundError` without it."""
    return bodies.load(Asset, documents.get(tx, "asset", f"{asset}@{version}").body)


def catalogue(tx: Reading) -> Catalogue:
    """Return every registered version of every asset."""
    papers = documents.listed(tx, "asset", state="registered")
    assets = (bodies.load(Asset, paper.body) for paper in papers)
    return MappingProxyType({(asset.id, asset.version): asset for asset in assets})


def _already(tx: Reading, key: str, body: str) -> bool:
    try:
        kept = documents.get(tx, "asset", key)
    except NotFoundError:
        return False
    if kept.body != body:
        raise ConflictError(f"{key} is registered with other content; give it a new version")
    return True


def _reasons(asset: Asset, provider_kind: str) -> Iterator[Reason]:
    grades = {asset.grade, *(column.grade for column in asset.columns)}
    if Grade.CORE in grades:  # requirement A-08: core data are never mounted
        yield _no(
            "asset.core",
            "核心数据不得进入运营域",
            "core data never enter the domain",
            "GB/T 43697",
        )
    elif asset.grade is not max(grades, key=_GRADES.index):
        yield _no(
            "asset.grade",
            "数据资源的级别低于其列的级别",
            "the asset's grade is below that of one of its columns",
            "GB/T 43697",
        )
    if provider_kind != "data_provider":
        yield _no(
            "asset.provider",
            "提供单位不是公共数据资源提供单位",
            "the party that provides it is no data provider",
            "",
        )


def _no(rule: str, zh: str, en: str, clause: str) -> Reason:
    return Reason(
        rule=rule,
        why=Said(zh=zh, en=en),
        fix=Said(zh="更正后重新登记", en="correct it and register it again"),
        place=rule.partition(".")[2],
        clause=clause,
    )
