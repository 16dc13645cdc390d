"""What a plan may say of the consented route: whole assets, and outputs with a subject in each row (Shanghai art. 22)."""

from collections.abc import Iterator, Sequence

from gateway.governance.facts import HIDDEN, Facts
from gateway.governance.plan import DeclaredColumn, Plan, PlanAsset, PlanOutput
from gateway.governance.sentences import reason
from sandbox.asset import Asset, AssetId, Role
from sandbox.order import SERVED, Function, OutputColumn, OutputForm
from sandbox.reason import Reason

METHOD = "consented_single_subject"
"""The privacy method of outputs whose rows' subjects consent."""
FORMS = SERVED | {OutputForm.STATISTICAL_TABLE, OutputForm.INDEX, OutputForm.IN_DOMAIN_DATASET}
_FUNCTIONS = {"subject": Function.SUBJECT, "value": Function.VALUE}
_TYPES = frozenset({"string", "int", "float"})
_ART_22 = "Shanghai art. 22"


def is_consented(plan: Plan, asset: str) -> bool:
    """Say whether a plan reads an asset by consents."""
    routes = plan.personal_information.routes
    return any(route.route == "consented" for route in routes if route.asset == asset)


def consented_reasons(plan: Plan, facts: Facts) -> Iterator[Reason]:
    """Hold each asset of the consented route against it: a consent is for all that is shown of a row, or for none."""
    routes = plan.personal_information.routes
    for at, asked, asset in facts.assets(plan):
        if not is_consented(plan, asked.asset):
            continue
        by_consent = {
            column
            for route in routes
            if route.asset == asked.asset and route.route == "consented"
            for column in route.columns
        }
        for place, column in enumerate(asked.columns):
            if column.name not in by_consent | _hidden(asset):
                yield reason(
                    "plan.route_consented", place=f"$.assets[{at}].columns[{place}]", clause=_ART_22
                )
        if asked.generalise is not None:
            yield reason("plan.route_consented", place=f"$.assets[{at}].generalise", clause=_ART_22)


def consented_output_reasons(
    output: PlanOutput, place: str, plan: Plan, facts: Facts
) -> Iterator[Reason]:
    """Find what is amiss in an output of the consented class."""
    if output.form not in FORMS:
        yield reason("plan.output_consented", place=f"{place}.form", clause=_ART_22)
    if (output.release_class == "auto_if_clean") is not (output.form in SERVED):
        yield reason("plan.output_class", place=f"{place}.release_class")
    able = _able(output, plan, facts)
    if len(able) != 1:
        yield reason("plan.output_consented", place=f"{place}.schema", clause=_ART_22)
        return
    for at, column in enumerate(output.columns):
        if not _is_declared(column, able[0][1], output.columns):
            yield reason("plan.output_consented", place=f"{place}.schema[{at}]", clause=_ART_22)


def consented_source(output: PlanOutput, plan: Plan, facts: Facts) -> AssetId:
    """Return the one asset that an output in which nothing is amiss is about."""
    [(asked, _)] = _able(output, plan, facts)
    return asked.asset


def consented_columns(output: PlanOutput) -> tuple[OutputColumn, ...]:
    """Return the columns as the gate asks about them."""
    return tuple(
        OutputColumn(
            name=column.name,
            type=column.type,
            function=_FUNCTIONS[column.function],
            source=column.measure,
        )
        for column in output.columns
    )


def _able(output: PlanOutput, plan: Plan, facts: Facts) -> list[tuple[PlanAsset, Asset]]:
    """Return the consented assets that have the subject, and every source that the output names."""
    subjects = [column for column in output.columns if column.function == "subject"]
    named = {name for column in output.columns for name in _sources(column)}
    return [
        (asked, asset)
        for _, asked, asset in facts.assets(plan)
        if is_consented(plan, asked.asset)
        and len(subjects) == 1
        and subjects[0].measure == asset.unit_column
        and named <= {column.name for column in asked.columns}
    ]


def _is_declared(column: DeclaredColumn, asset: Asset, among: Sequence[DeclaredColumn]) -> bool:
    """Say whether a column is the subject, or a value of named columns; a text is of one that has its categories."""
    alone = sum(each.name == column.name for each in among) == 1
    if column.function == "subject":
        return alone and column.type == "string" and not column.dimension
    sources = [asset.column(name) for name in _sources(column)]
    shown = all(each is not None and each.role not in HIDDEN for each in sources)
    listed = [each is not None and each.role is Role.DIMENSION for each in sources] == [True]
    return (
        alone
        and column.function == "value"
        and not column.dimension
        and bool(sources)
        and shown
        and column.type in _TYPES
        and (column.type != "string" or listed)
    )


def _sources(column: DeclaredColumn) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in column.measure.split(","))))


def _hidden(asset: Asset) -> frozenset[str]:
    return frozenset(column.name for column in asset.columns if column.role in HIDDEN)
