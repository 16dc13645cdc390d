"""From an approved plan to the grant: one pure function, and the institution's signature."""

import base64
from dataclasses import replace
from fractions import Fraction

from gateway.governance.coarse import generalise_of
from gateway.governance.consented import is_consented
from gateway.governance.facts import HIDDEN, Ceilings, Facts
from gateway.governance.outputs import output_terms
from gateway.governance.plan import Plan, PlanAsset
from gateway.governance.scenario import Scenario
from jobs.grant import Grant, GrantId, SignedGrant
from jobs.proof import bodies
from jobs.proof.keys import SigningKey
from sandbox.asset import Asset, Grade, ImageDigest
from sandbox.order import EgressPolicy, Limits, ViewTerms

_TWO_OFFICERS = frozenset({Grade.IMPORTANT, Grade.L4})
_GIB = 2**30


def compile_grant(plan: Plan, scenario: Scenario, facts: Facts) -> Grant:
    """Return the grant of a plan that the assessment passed and every seat approved."""
    book, ceilings = facts.rulebook, facts.ceilings
    per_release = book.exact("privacy.epsilon_per_release")
    last_day = min(plan.term.end, book.effective_to or plan.term.end)
    return Grant(
        id=GrantId(f"{plan.scenario}.v{plan.version}"),
        scenario=plan.scenario,
        version=plan.version,
        title_zh=plan.title_zh,
        title_en=plan.title_en or plan.title_zh,
        purpose=plan.purpose.text,
        developer=plan.applicant.party,
        operator=plan.operator.party,
        people=tuple(each.person for each in plan.people),
        recipients=tuple(each.party for each in plan.recipients),
        assets=tuple(
            replace(view_of(asked, asset), consented=is_consented(plan, asked.asset))
            for _, asked, asset in facts.assets(plan)
        ),
        outputs=tuple(output_terms(output, plan, facts) for output in plan.outputs),
        images=_images(plan),
        limits=_limits(plan, ceilings),
        policy=_policy(plan, facts),
        epsilon_total=plan.privacy.epsilon_total,
        delta=plan.privacy.delta,
        epsilon_per_release=min(per_release, plan.privacy.epsilon_total),
        max_uses=ceilings.uses,
        valid_from=plan.term.start,
        valid_to=last_day,
        rulebook=book.reference,
        plan=scenario.digest,
        security_officers=_officers(plan, facts),
        approvals=scenario.approvals,
    )


def sign(grant: Grant, key: SigningKey) -> SignedGrant:
    """Put the institution's signature under `grant`: Ed25519 over its canonical JSON."""
    signature = key.sign(bodies.dump(grant).encode())
    return SignedGrant(grant=grant, key=key.id, signature=base64.b64encode(signature).decode())


def view_of(asked: PlanAsset, asset: Asset) -> ViewTerms:
    """Return which part of an asset a plan asks for, in the version that it names."""
    names = tuple(column.name for column in asked.columns)
    hidden = {column.name for column in asset.columns if column.role in HIDDEN}
    return ViewTerms(
        asset=asset.id,
        snapshot=asset.snapshot,
        columns=names,
        pseudonyms=tuple(name for name in names if name in hidden),
        predicate=asked.rows.predicate.strip(),
        generalise=generalise_of(asked),
    )


def _images(plan: Plan) -> tuple[ImageDigest, ...]:
    named = (step.image_or_template for step in plan.processing.steps)
    return tuple(ImageDigest(name) for name in dict.fromkeys(named) if name.startswith("sha256:"))


def _limits(plan: Plan, ceilings: Ceilings) -> Limits:
    asked = int(plan.processing.resources.memory_gib * _GIB)
    return Limits(
        seconds=ceilings.seconds,
        memory_bytes=min(asked, ceilings.memory_bytes),
        cpus=ceilings.cpus,
        processes=ceilings.processes,
        output_bytes=ceilings.output_bytes,
        output_files=ceilings.output_files,
    )


def _policy(plan: Plan, facts: Facts) -> EgressPolicy:
    """Take the strictest of what plan, outputs and rulebook say (requirement N-05)."""
    cohorts = [output.privacy_method.k or 0 for output in plan.outputs]
    limit = facts.rulebook.exact("privacy.dominance_percent")
    asked = plan.privacy.dominance_percent
    return EgressPolicy(
        min_units=max(
            plan.privacy.min_cohort, facts.rulebook.whole("privacy.min_cohort"), *cohorts
        ),
        dominance_percent=int(min(limit, Fraction(asked if asked is not None else limit))),
    )


def _officers(plan: Plan, facts: Facts) -> int:
    """Two for important data and level 4 (requirement H-07), by the grades granted; or the rulebook's more."""
    grades = {asset.grade for _, _, asset in facts.assets(plan)} | {
        column.grade
        for _, asked, asset in facts.assets(plan)
        for column in asset.columns
        if column.name in {each.name for each in asked.columns}
    }
    least = facts.rulebook.whole("review.security_officers")
    return max(least, 2 if grades & _TWO_OFFICERS else 1)
