"""Gathers from the record what the admission check must know."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from jobs.grant import Grant
from jobs.proof import bodies
from jobs.record import documents, jobs
from jobs.record.database import Reading
from jobs.record.grants import Granted
from jobs.rules.admit import Facts
from jobs.rules.runtimes import Runtimes
from jobs.steps.accounts import accounts
from sandbox.asset import Asset, AssetId, ImageDigest

CHINA = timezone(timedelta(hours=8))
"""China has one time, without summer time."""

_ANY = Runtimes()
Clock = Callable[[], datetime]
"""Tells the time in UTC; the rules count days in China's time."""

ASSETS = "asset"
"""The kind of document that the catalogue of assets is kept as."""


def facts(
    tx: Reading,
    granted: Granted,
    *,
    clock: Clock,
    images: frozenset[ImageDigest] | None = None,
    runtimes: Runtimes = _ANY,
) -> Facts:
    """Return what is known now about a grant: its state, its uses, its budgets and its assets."""
    grant = granted.signed.grant
    return Facts(
        today=clock().astimezone(CHINA).date(),
        state=granted.state,
        started=jobs.count_started(tx, grant.id),
        catalogue=catalogue(tx, grant),
        left=lambda asset: {each.scope: each.balance.left for each in accounts(tx, asset, grant)},
        images=images,
        runtimes=runtimes,
    )


def catalogue(tx: Reading, grant: Grant) -> Mapping[AssetId, Asset]:
    """Return the assets of a grant, each in the very version whose snapshot it names."""
    wanted = {view.asset: view.snapshot for view in grant.assets}
    papers = (paper for name in wanted for paper in documents.versions(tx, ASSETS, name))
    known = (_asset(paper.body) for paper in papers)
    return {asset.id: asset for asset in known if asset.snapshot == wanted.get(asset.id)}


@lru_cache(maxsize=256)
def _asset(body: str) -> Asset:
    """Read one version of an asset; each is asked for by every job over it, and never changes."""
    return bodies.load(Asset, body)
