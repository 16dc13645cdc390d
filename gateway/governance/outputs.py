"""From an output as a plan declares it to the terms that the gate enforces."""

import re
from collections.abc import Iterator

from gateway.governance.facts import Facts
from gateway.governance.plan import DeclaredColumn, Plan, PlanOutput
from gateway.governance.sentences import reason
from sandbox.asset import Asset, AssetId, Role
from sandbox.order import Function, OutputColumn, OutputForm, OutputTerms, ReleaseClass
from sandbox.reason import Reason

TABLES = frozenset({OutputForm.STATISTICAL_TABLE, OutputForm.INDEX})
_MODELS = frozenset({OutputForm.MODEL})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_AUTOMATIC = {
    "dp": ReleaseClass.DP,
    "dp_model": ReleaseClass.DP,
    "k_threshold": ReleaseClass.SDC,
}
_DP = frozenset({"dp", "dp_model"})
_COUNTS = {"count": Function.COUNT, "count_units": Function.COUNT_UNITS}
_MEASURES = {"sum": Function.SUM, "avg": Function.AVG}
_TYPES = {
    Function.DIMENSION: frozenset({"string", "int"}),
    Function.COUNT: frozenset({"int"}),
    Function.COUNT_UNITS: frozenset({"int"}),
    Function.SUM: frozenset({"int", "float"}),
    Function.AVG: frozenset({"float"}),
    Function.FREE: frozenset({"string", "int", "float"}),
}


def release_class(output: PlanOutput) -> ReleaseClass | None:
    """Return what a release of this output promises, or nothing where the two do not go together.

    Automatic release needs a method that the domain itself carries out: its planner, its choice among blocks, its
    trainer, which makes the models (`dp_model`) and nothing else. A `dp` output is never
    reviewed: what a container wrote is not differentially private, whatever its plan calls it.
    """
    if output.release_class == "review":
        return None if output.privacy_method.name in _DP else ReleaseClass.REVIEWED
    return _AUTOMATIC.get(output.privacy_method.name)


def output_terms(output: PlanOutput, plan: Plan, facts: Facts) -> OutputTerms:
    """Return the terms of an output in which `output_reasons` found nothing amiss."""
    release = release_class(output)
    assert release is not None, "output_reasons refuses an output without a release class"
    source = _source(output, plan, facts)
    dp = release is ReleaseClass.DP
    return OutputTerms(
        name=output.id,
        form=output.form,
        release=release,
        asset=source if release is ReleaseClass.SDC else None,
        columns=tuple(_column(column) for column in output.columns),
        max_rows=output.max_rows,
        max_bytes=output.max_bytes,
        epsilon=output.privacy_method.epsilon if dp else None,
    )


def output_reasons(output: PlanOutput, place: str, plan: Plan, facts: Facts) -> Iterator[Reason]:
    """Find what is amiss in one output."""
    release = release_class(output)
    tabular = output.form in TABLES
    if not _NAME.fullmatch(output.id):
        yield reason("plan.output_name", place=f"{place}.id")
    yield from _sizes(output, place, facts)
    if release is None:
        yield reason("plan.output_class", place=f"{place}.privacy_method")
        return
    forms = _MODELS if output.privacy_method.name == "dp_model" else TABLES
    if release is not ReleaseClass.REVIEWED and output.form not in forms:
        yield reason("plan.output_form", place=f"{place}.form")
    if release is ReleaseClass.DP:
        yield from _epsilon(output, place, plan, facts)
    if release is ReleaseClass.SDC and output.privacy_method.k is not None:
        least = facts.rulebook.whole("privacy.min_cohort")
        if output.privacy_method.k < least:
            yield reason("plan.cohort", place=f"{place}.privacy_method.k", least=least)
    if tabular:
        yield from _columns(output, place, plan, facts)


def _sizes(output: PlanOutput, place: str, facts: Facts) -> Iterator[Reason]:
    ceilings = facts.ceilings
    least = 1 if output.form in TABLES else 0
    if not least <= output.max_rows <= ceilings.output_rows:
        yield reason("plan.output_size", place=f"{place}.max_rows", most=ceilings.output_rows)
    if not 1 <= output.max_bytes <= ceilings.output_bytes:
        yield reason("plan.output_size", place=f"{place}.max_bytes", most=ceilings.output_bytes)


def _epsilon(output: PlanOutput, place: str, plan: Plan, facts: Facts) -> Iterator[Reason]:
    most = facts.rulebook.exact("privacy.epsilon_per_release")
    epsilon = output.privacy_method.epsilon
    at = f"{place}.privacy_method.epsilon"
    if epsilon is None or not 0 < epsilon <= most:
        yield reason("plan.output_epsilon", place=at, most=f"{float(most):g}")
    elif epsilon > plan.privacy.epsilon_total:
        yield reason("plan.epsilon_total", place=at)


def _columns(output: PlanOutput, place: str, plan: Plan, facts: Facts) -> Iterator[Reason]:
    names = [column.name for column in output.columns]
    for at, column in enumerate(output.columns):
        here = f"{place}.schema[{at}]"
        if names.count(column.name) > 1 or not _COLUMN.fullmatch(column.name):
            yield _no(here, "name")
        if fault := _fault(column, _granted(plan, facts), release_class(output)):
            yield _no(here, fault)
    if release_class(output) is ReleaseClass.SDC and _source(output, plan, facts) is None:
        yield reason("plan.output_columns", place=f"{place}.schema")


def _fault(
    column: DeclaredColumn, granted: dict[str, list[Asset]], release: ReleaseClass | None
) -> str:
    """Return the field of `column` that does not hold, or nothing."""
    function = _function(column)
    if function is None or (column.dimension and (column.function or column.measure)):
        return "function"
    if column.type not in _TYPES[function]:
        return "type"
    if function is Function.FREE:
        return "function" if release is ReleaseClass.SDC or column.measure else ""
    if function is Function.DIMENSION:
        return "" if _has_role(column.dimension, Role.DIMENSION, granted) else "dimension"
    if function in _MEASURES.values():
        return "" if _has_role(column.measure, Role.MEASURE, granted) else "measure"
    return "measure" if column.measure else ""


def _function(column: DeclaredColumn) -> Function | None:
    if column.dimension:
        return Function.DIMENSION
    if not column.function:
        return Function.FREE
    return (_COUNTS | _MEASURES).get(column.function)


def _column(column: DeclaredColumn) -> OutputColumn:
    function = _function(column)
    assert function is not None, "output_reasons refuses an unknown function"
    return OutputColumn(
        name=column.name,
        type=column.type,
        function=function,
        source=column.dimension or column.measure,
    )


def _granted(plan: Plan, facts: Facts) -> dict[str, list[Asset]]:
    """Return the assets that each column which the plan asks for is in."""
    found: dict[str, list[Asset]] = {}
    for _, asked, asset in facts.assets(plan):
        for column in asked.columns:
            found.setdefault(column.name, []).append(asset)
    return found


def _has_role(name: str, role: Role, granted: dict[str, list[Asset]]) -> bool:
    columns = [asset.column(name) for asset in granted.get(name, [])]
    return any(column is not None and column.role is role for column in columns)


def _source(output: PlanOutput, plan: Plan, facts: Facts) -> AssetId | None:
    """Return the one asset that has every column which the output names, or nothing."""
    named = {column.dimension or column.measure for column in output.columns} - {""}
    able = [
        asked.asset
        for _, asked, _ in facts.assets(plan)
        if named <= {column.name for column in asked.columns}
    ]
    computed = any(_function(column) is not Function.DIMENSION for column in output.columns)
    return able[0] if len(able) == 1 and computed else None


def _no(place: str, field: str) -> Reason:
    return reason("plan.output_column", place=f"{place}.{field}", expected=field)
