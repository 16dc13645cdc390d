"""The machine's part of the compliance assessment: a plan against rulebook, catalogue, registers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from gateway.governance.coarse import coarse_reasons
from gateway.governance.consented import consented_reasons
from gateway.governance.facts import HIDDEN, Facts
from gateway.governance.outputs import output_reasons
from gateway.governance.parties import Party, affiliates
from gateway.governance.plan import NamedParty, Plan, PlanAsset
from gateway.governance.routes import route_reasons
from gateway.governance.sentences import reason
from sandbox.asset import Asset
from sandbox.data.predicate import check_predicate
from sandbox.reason import Reason

TEMPLATES = frozenset({"tmpl/dp-query@1"})
"""The domain's own templates that a step may name instead of an image."""
_IMAGE = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_PSEUDONYM = ("假名", "pseudonym")
_LEAST_MEMORY = Fraction(1, 4)
_FULL = Fraction(1)


def assess(plan: Plan, facts: Facts) -> tuple[Reason, ...]:
    """Return every reason why this plan cannot go on to the seats; empty where there is none."""
    checks = (
        _standing,
        _parties,
        _term,
        _assets,
        route_reasons,
        consented_reasons,
        coarse_reasons,
        _steps,
        _outputs,
        _privacy,
        _people,
    )
    return tuple(found for check in checks for found in check(plan, facts))


def _standing(plan: Plan, facts: Facts) -> Iterator[Reason]:
    yield from facts.rulebook.standing(facts.today, facts.mode)
    if plan.type == "pilot":
        yield reason(
            "plan.pilot", place="$.type", clause=facts.rulebook.clause("scenario.criteria")
        )
    if plan.outside_data:
        clause = facts.rulebook.clause("outside_data")
        yield reason("plan.outside_data", place="$.outside_data", clause=clause)


def _parties(plan: Plan, facts: Facts) -> Iterator[Reason]:
    book = facts.rulebook
    applicant, operator = (facts.party(each.party) for each in (plan.applicant, plan.operator))
    if not _is(plan.applicant, applicant) or plan.applicant.party != facts.applicant:
        yield reason("plan.applicant", place="$.applicant")
    if applicant and applicant.kind != book.text("scenario.applicant"):
        clause = book.clause("scenario.applicant")
        yield reason("plan.applicant_kind", place="$.applicant", clause=clause)
    if not _is(plan.operator, operator) or (operator and operator.kind != "operator"):
        yield reason("plan.operator", place="$.operator")
    tied = affiliates(facts.parties, plan.operator.party) | {plan.operator.party}
    if plan.applicant.party in tied or not plan.statements.no_operator_affiliation:
        clause = book.clause("operator.redevelop")
        yield reason("plan.affiliation", place="$.applicant", clause=clause)


def _is(named: NamedParty, party: Party | None) -> bool:
    return party is not None and (named.name_zh, named.uscc) == (party.name_zh, party.uscc)


def _term(plan: Plan, facts: Facts) -> Iterator[Reason]:
    start, end = plan.term.start, plan.term.end
    years = facts.rulebook.whole("agreement.max_term_years")
    last = facts.rulebook.effective_to or end
    if not (start <= end <= last and facts.today <= end < _years_after(start, years)):
        clause = facts.rulebook.clause("agreement.max_term_years")
        yield reason("plan.term", place="$.term", clause=clause, years=years)


def _years_after(day: date, years: int) -> date:
    """Return the same day some years on: the first day of the next month for 29 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(min(day.year + years, date.max.year), 3, 1)


def _assets(plan: Plan, facts: Facts) -> Iterator[Reason]:
    named = [asked.asset for asked in plan.assets]
    for at, asked in enumerate(plan.assets):
        place = f"$.assets[{at}]"
        asset = facts.catalogue.get((asked.asset, asked.version))
        if named.index(asked.asset) != at:
            yield reason("plan.asset_twice", place=place)
        if asset is None:
            clause = facts.rulebook.clause("asset.registration")
            yield reason("plan.asset", place=place, clause=clause)
            continue
        yield from _tier(asked, asset, place, facts)
        yield from _columns(asked, asset, place, facts)
        yield from _rows(asked, asset, f"{place}.rows")
        if plan.privacy.unit != asset.unit_kind and not asset.is_public:
            yield reason("plan.unit", place="$.privacy.unit", expected=asset.unit_kind)


def _tier(asked: PlanAsset, asset: Asset, place: str, facts: Facts) -> Iterator[Reason]:
    tiers = facts.rulebook.lists("asset.input_tier").get("developer", ())
    clause = facts.rulebook.clause("asset.input_tier")
    if asset.input_tier not in tiers:
        listed = ", ".join(tiers) or "-"
        yield reason("plan.tier", place=f"{place}.kind", clause=clause, tiers=listed)
    if asked.kind != asset.input_tier:
        yield reason("plan.catalogue", place=f"{place}.kind", expected=asset.input_tier)
    if asked.authority_level != asset.authority_level:
        at = f"{place}.authority_level"
        yield reason("plan.catalogue", place=at, expected=asset.authority_level)


def _columns(asked: PlanAsset, asset: Asset, place: str, facts: Facts) -> Iterator[Reason]:
    names = [column.name for column in asked.columns]
    for at, column in enumerate(asked.columns):
        here = f"{place}.columns[{at}]"
        known = asset.column(column.name)
        if known is None or names.index(column.name) != at:
            yield reason("plan.column", place=f"{here}.name")
        elif known.role in HIDDEN and not any(word in column.precision for word in _PSEUDONYM):
            clause = facts.rulebook.clause("raw.export")
            yield reason("plan.pseudonym", place=f"{here}.precision", clause=clause)


def _rows(asked: PlanAsset, asset: Asset, place: str) -> Iterator[Reason]:
    rows = asked.rows
    if rows.time_from or rows.time_to or rows.sample_rate != _FULL:
        yield reason("plan.rows", place=place)
    if not rows.predicate.strip():
        return
    at = f"{place}.predicate"
    for fault in check_predicate(rows.predicate, asset):
        yield replace(fault, place=f"{at}, {fault.place}".rstrip(", "))


def _steps(plan: Plan, facts: Facts) -> Iterator[Reason]:
    assets = {asked.asset for asked in plan.assets}
    for at, step in enumerate(plan.processing.steps):
        place = f"$.processing.steps[{at}]"
        if step.image_or_template not in TEMPLATES and not _IMAGE.fullmatch(step.image_or_template):
            clause = facts.rulebook.clause("outside_data")
            yield reason("plan.image", place=f"{place}.image_or_template", clause=clause)
        if not assets.issuperset(step.inputs):
            yield reason("plan.inputs", place=f"{place}.inputs")
    if plan.processing.resources.memory_gib < _LEAST_MEMORY:
        yield reason("plan.memory", place="$.processing.resources.memory_gib")


def _outputs(plan: Plan, facts: Facts) -> Iterator[Reason]:
    names = [output.id for output in plan.outputs]
    listed = {each.party for each in plan.recipients}
    for at, recipient in enumerate(plan.recipients):
        if recipient.role == "self" and recipient.party != plan.applicant.party:
            yield reason("plan.recipients", place=f"$.recipients[{at}]")
    for at, output in enumerate(plan.outputs):
        place = f"$.outputs[{at}]"
        if names.index(output.id) != at:
            yield reason("plan.output_name", place=f"{place}.id")
        if not listed.issuperset(output.recipients):
            yield reason("plan.recipients", place=f"{place}.recipients")
        yield from output_reasons(output, place, plan, facts)


def _privacy(plan: Plan, facts: Facts) -> Iterator[Reason]:
    book, asked = facts.rulebook, plan.privacy
    most = book.exact("privacy.epsilon_per_asset_year")
    delta = book.exact("privacy.delta")
    cohort, k = book.whole("privacy.min_cohort"), book.whole("privacy.k_anonymity")
    dominance = book.exact("privacy.dominance_percent")
    if asked.epsilon_total > most:
        yield reason("plan.epsilon", place="$.privacy.epsilon_total", most=f"{float(most):g}")
    if not 0 <= asked.delta <= delta:
        yield reason("plan.delta", place="$.privacy.delta", most=f"{float(delta):g}")
    if asked.min_cohort < cohort:
        yield reason("plan.cohort", place="$.privacy.min_cohort", least=cohort)
    if asked.k is not None and asked.k < k:
        yield reason("plan.k", place="$.privacy.k", least=k)
    if asked.dominance_percent is not None and not 0 < asked.dominance_percent <= dominance:
        place = "$.privacy.dominance_percent"
        yield reason("plan.dominance", place=place, most=f"{float(dominance):g}")


def _people(plan: Plan, facts: Facts) -> Iterator[Reason]:
    names: Sequence[str] = [each.person for each in plan.people]
    for at, each in enumerate(plan.people):
        place = f"$.people[{at}]"
        person = facts.people.get(each.person)
        known = person is not None and person.party == plan.applicant.party
        if (
            not known
            or (person and each.role not in person.roles)
            or names.index(each.person) != at
        ):
            yield reason("plan.person", place=place)
        if each.training_until < max(plan.term.start, facts.today):
            clause = facts.rulebook.clause("person.training")
            yield reason("plan.training", place=f"{place}.training_until", clause=clause)
