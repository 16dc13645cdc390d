"""Whether a view that a plan wants generalised hides what it says, and hides it well enough."""

from collections.abc import Iterator

from gateway.governance.facts import HIDDEN, Facts
from gateway.governance.plan import Coarse, Plan, PlanAsset
from gateway.governance.sentences import reason
from sandbox.asset import Asset
from sandbox.order import Generalise
from sandbox.reason import Reason

_PIPL_73 = "PIPL art. 73"


def coarse_reasons(plan: Plan, facts: Facts) -> Iterator[Reason]:
    """Hold each view that is to be generalised against its columns and the rulebook's k (requirement G-04)."""
    for at, asked, asset in facts.assets(plan):
        if asked.generalise is not None:
            yield from _reasons(asked, asked.generalise, asset, f"$.assets[{at}].generalise", facts)


def generalise_of(asked: PlanAsset) -> Generalise | None:
    """Return how the view of an asset is generalised, or nothing where it is not."""
    aim = asked.generalise
    if aim is None:
        return None
    return Generalise(
        quasi=aim.quasi,
        k=aim.k,
        sensitive=aim.sensitive,
        l=aim.l,
        t=aim.t,
        relaxed=aim.relaxed,
    )


def _reasons(
    asked: PlanAsset, aim: Coarse, asset: Asset, place: str, facts: Facts
) -> Iterator[Reason]:
    book, names = facts.rulebook, [column.name for column in asked.columns]
    least = book.whole("privacy.k_anonymity")
    if aim.k < least:
        clause = book.clause("privacy.k_anonymity")
        yield reason("plan.k", place=f"{place}.k", clause=clause, least=least)
    if sorted((*aim.quasi, *aim.sensitive)) != sorted(names):
        yield reason("plan.coarse", place=place)
    if any(column.name in names for column in asset.columns if column.role in HIDDEN):
        yield reason("plan.coarse_pseudonym", place=place, clause=_PIPL_73)
    if (aim.l > 1 or aim.t < 1) and not aim.sensitive:
        yield reason("plan.coarse_spread", place=f"{place}.sensitive")
