"""Every field that a developer is shown, and what bounds all that it can tell; a test finds those that have no bound."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Bound(StrEnum):
    """Why a field can carry no more of the data than is allowed."""

    ASKED = "asked"
    """The developer sent it in itself, or it was made from that before anything ran: an id, a time."""
    OFFICE = "office"
    """People wrote it: the institution, the provider, the operator, or the developer's own colleagues."""
    CONSTANT = "constant"
    """The program's own words, whatever is in the data."""
    RUN = "run"
    """Of a run it is the closed list of `jobs.rules.learned`: 8 bits for all such fields together."""
    COUNTED = "counted"
    """It is told when it is asked for, and its bits are charged to the grant (`jobs.rules.places`)."""
    RELEASE = "release"
    """It passed the egress filter, and the people where it must, or is a digest or size of what did."""
    PRICE = "price"
    """It follows from declared bounds, and from what was charged before any data was read."""
    SEALED = "sealed"
    """It is a digest over 32 random bytes and what stays inside: without these it tells nothing."""


_NOTES: tuple[tuple[str, Bound, str], ...] = (
    ("JobOut", Bound.ASKED, "id scenario submitted_at outputs"),
    ("JobOut", Bound.RUN, "state ended duration reasons"),
    ("JobOut", Bound.RELEASE, "release"),
    # of a job that ran one reason without a place; of one that was refused, what it asked for itself
    ("ReasonOut", Bound.RUN, "rule clause place why fix"),
    ("SaidOut", Bound.CONSTANT, "zh en"),
    ("PlaceOut", Bound.COUNTED, "rule place bits left offer"),
    ("Listing", Bound.ASKED, "items next"),
    ("ProblemOut", Bound.CONSTANT, "type title status detail detail_zh reasons id"),
    ("MeOut", Bound.OFFICE, "person party party_kind roles"),
    ("HealthOut", Bound.CONSTANT, "status"),
    ("ReleaseOut", Bound.ASKED, "id job"),
    ("ReleaseOut", Bound.RELEASE, "release_class files certificate at"),
    ("ReleasedFileOut", Bound.RELEASE, "name file media_type digest size"),
    ("ExplainOut", Bound.PRICE, "asset epsilon rho cells rows_per_unit columns error statement"),
    ("ExplainOut", Bound.PRICE, "budgets reasons"),
    ("AnswerColumnOut", Bound.PRICE, "name type function source deviation"),
    ("PriceOut", Bound.PRICE, "kind rho epsilon forecast budgets reasons"),
    ("EffectOut", Bound.PRICE, "scope name limit used before after bears told"),
    ("BudgetOut", Bound.PRICE, "scope name limit reserved spent left"),
    ("AssetOut", Bound.OFFICE, "id version title provider unit_kind unit_column grade input_tier"),
    ("AssetOut", Bound.OFFICE, "authority_level columns"),
    ("ColumnOut", Bound.OFFICE, "name kind role grade title domain lower upper"),
    ("GrantOut", Bound.OFFICE, "id scenario version state title purpose valid_from valid_to assets"),
    ("GrantOut", Bound.OFFICE, "outputs images limits min_units dominance_percent epsilon_total"),
    ("GrantOut", Bound.OFFICE, "epsilon_per_release delta max_uses people recipients approvals"),
    ("ApprovalOut", Bound.OFFICE, "seat party at"),
    ("LimitsOut", Bound.OFFICE, "seconds memory_bytes cpus processes output_bytes output_files"),
    ("OutputOut", Bound.OFFICE, "name form release asset columns max_rows max_bytes epsilon"),
    ("OutputColumnOut", Bound.OFFICE, "name type function source"),
    ("ViewOut", Bound.OFFICE, "asset columns pseudonyms predicate generalise level consented"),
    ("GeneraliseOut", Bound.OFFICE, "quasi k sensitive l t relaxed"),
    ("ScenarioLine", Bound.OFFICE, "id version state title developer operator grant"),
    ("ScenarioOut", Bound.OFFICE, "id version state title jurisdiction developer operator providers"),
    ("ScenarioOut", Bound.OFFICE, "rulebook plan digest open_seats decisions reasons grant"),
    ("DecisionOut", Bound.OFFICE, "event action party at opinion plan"),
    ("SeatOut", Bound.OFFICE, "action party"),
)  # fmt: skip
_BODIES: tuple[tuple[str, Bound], ...] = (
    ("/v1/scenarios/{scenario_id}/assets/{asset_id}/rows", Bound.OFFICE),
    ("/v1/releases/{release_id}/files/{name}", Bound.RELEASE),
    ("/v1/releases/{release_id}/certificate", Bound.RELEASE),
    ("/v1/releases/{release_id}/proof", Bound.RELEASE),
)
_HEADERS = """
    cache-control content-disposition content-length content-security-policy content-type
    cross-origin-opener-policy cross-origin-resource-policy idempotency-replayed location referrer-policy
    repr-digest www-authenticate x-content-type-options x-frame-options
"""
_PAGES: tuple[tuple[str, Bound, str], ...] = (
    ("layout", Bound.OFFICE, "who who.party who.person who.roles"),
    ("layout", Bound.CONSTANT, "csrf done forked lang other_language tabs tab.current tab.href tab.key"),
    ("parts", Bound.RUN, "reason.clause reason.fix reason.place reason.rule reason.why"),
    ("parts", Bound.ASKED, "at.isoformat"),
    ("home", Bound.RUN, "tasks task.count"),
    ("home", Bound.CONSTANT, "task.href task.key"),
    ("login", Bound.ASKED, "failed to"),
    ("trouble", Bound.CONSTANT, "back reasons trouble"),
    ("jobs", Bound.ASKED, "group groups older rows row.grant row.id row.kind row.outputs row.submitted_at"),
    ("jobs", Bound.RUN, "row.state row.reasons row.reasons[] row.reasons[].why"),
    ("job", Bound.ASKED, "job job.assets job.grant job.id job.kind job.outputs job.sql job.submitted_at"),
    ("job", Bound.RUN, "job.state job.ended job.duration job.reasons job.may_ask"),
    ("job", Bound.COUNTED, "failed job.place job.place.bits job.place.left job.place.offer job.place.place"),
    ("job", Bound.RELEASE, "job.release job.certificate job.files file.digest file.file file.name file.size"),
    ("scenarios", Bound.OFFICE, "rows row.assets row.developer row.end row.id row.operator row.start"),
    ("scenarios", Bound.OFFICE, "row.state row.title row.yours"),
    ("scenario", Bound.OFFICE, "act.action act.at act.event act.opinion act.party act.person"),
    ("scenario", Bound.OFFICE, "asset.asset asset.columns asset.rows asset.rows.predicate asset.version"),
    ("scenario", Bound.OFFICE, "asset.generalise asset.generalise.k asset.generalise.l"),
    ("scenario", Bound.OFFICE, "asset.generalise.quasi asset.generalise.sensitive asset.generalise.t"),
    ("scenario", Bound.SEALED, "judged judged[]"),
    ("scenario", Bound.OFFICE, "column.name column.precision column.why each.party each.person each.role"),
    ("scenario", Bound.OFFICE, "each.use failed output.description output.form output.frequency output.id"),
    ("scenario", Bound.OFFICE, "output.privacy_method output.privacy_method.epsilon"),
    ("scenario", Bound.OFFICE, "output.privacy_method.name output.release_class plan plan.applicant"),
    ("scenario", Bound.OFFICE, "plan.applicant.name_zh plan.applicant.party plan.assets plan.operator"),
    ("scenario", Bound.OFFICE, "plan.operator.name_zh plan.operator.party plan.outputs plan.people"),
    ("scenario", Bound.OFFICE, "plan.privacy plan.privacy.delta plan.privacy.epsilon_total"),
    ("scenario", Bound.OFFICE, "plan.privacy.min_cohort plan.purpose plan.purpose.prohibited_uses"),
    ("scenario", Bound.OFFICE, "plan.purpose.text plan.recipients plan.term plan.term.end plan.term.start"),
    ("scenario", Bound.OFFICE, "scenario scenario.decisions scenario.digest scenario.id"),
    ("scenario", Bound.OFFICE, "scenario.jurisdiction scenario.open_seats scenario.reasons scenario.seats"),
    ("scenario", Bound.OFFICE, "scenario.state scenario.version seat.action seat.party step.name step.seat"),
    ("scenario", Bound.OFFICE, "steps title tried typed"),
    ("budgets", Bound.ASKED, "asked asked.epsilon asked.grant asked.output asked.sql grants groups"),
    ("budgets", Bound.PRICE, "answer answer.effects answer.error answer.reasons answer.rho groups.items"),
    ("budgets", Bound.PRICE, "line.burn line.burn.begins line.burn.charges line.burn.last_day"),
    ("budgets", Bound.PRICE, "line.burn.now line.burn.path line.burn.runs_out line.left line.limit"),
    ("budgets", Bound.PRICE, "line.name line.reserved line.reserved_mille line.spent line.spent_mille"),
)  # fmt: skip


def _table(notes: tuple[tuple[str, Bound, str], ...]) -> Mapping[str, Bound]:
    return MappingProxyType(
        {f"{part}.{name}": bound for part, bound, names in notes for name in names.split()}
    )


FIELDS = _table(_NOTES)
"""Each field of each shape that a route answers with which a developer may call, as `Shape.field`."""
BODIES: Mapping[str, Bound] = MappingProxyType(dict(_BODIES))
"""Each route whose answer is no JSON."""
HEADERS = frozenset(_HEADERS.split())
"""Each header of an answer: constant, or of the body that it stands before."""
PAGES = _table(_PAGES)
"""Each expression of a template that a developer's page is made with, as `template.name.attribute`."""
