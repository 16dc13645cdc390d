"""From an output as a plan declares it to the terms that the gate enforces."""

import re
from collections.abc import Iterator

from gateway.governance.consented import (
    METHOD,
    consented_columns,
    consented_output_reasons,
    consented_source,
    is_consented,
)
from gateway.governance.facts import Facts
from gateway.governance.plan import DeclaredColumn, Plan, PlanAsset, PlanOutput
from gateway.governance.sentences import reason
from sandbox.asset import Asset, AssetId, Role
from sandbox.egress import declared
from sandbox.egress.declared import UndeclaredError
from sandbox.egress.lane.shape import demand_table
from sandbox.egress.reading import MAX_BYTES
from sandbox.order import Function, OutputColumn, OutputForm, OutputTerms, ReleaseClass
from sandbox.reason import Reason

TABLES = frozenset({OutputForm.STATISTICAL_TABLE, OutputForm.INDEX})
_MODELS = frozenset({OutputForm.MODEL})
_COMPUTED = TABLES | {OutputForm.CHART}
"""Forms that the gate makes itself of `sdc` outputs: a chart over a table that it recomputes."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_AUTOMATIC = {
    "dp": ReleaseClass.DP,
    "dp_model": ReleaseClass.DP,
    "k_threshold": ReleaseClass.SDC,
}
_DP = frozenset({"dp", "dp_model"})
_SHOWN = {"": Function.DIMENSION, "total": Function.DIMENSION_TOTAL}
_RATIO = re.compile(rf"{_COLUMN.pattern}\s*/\s*{_COLUMN.pattern}", re.ASCII)
_COUNTS = {"count": Function.COUNT, "count_units": Function.COUNT_UNITS}
_MEASURES = {
    name: Function(name)
    for name in (
        *("sum", "avg", "quantile", "median", "weighted_avg", "variance", "stddev"),
        *("linear", "logistic", "standard_error"),
    )
}
_MADE = {"ratio": Function.RATIO, "term": Function.TERM}
"""Of other columns of the output, not of the view."""
_BY_PLANNER = frozenset(
    {Function.DIMENSION, *_COUNTS.values(), Function.SUM, Function.AVG, Function.FREE}
)
_TYPES = {
    Function.DIMENSION: frozenset({"string", "int"}),
    Function.COUNT: frozenset({"int"}),
    Function.COUNT_UNITS: frozenset({"int"}),
    **dict.fromkeys((*_MEASURES.values(), Function.RATIO), frozenset({"float"})),
    Function.SUM: frozenset({"int", "float"}),
    Function.DIMENSION_TOTAL: frozenset({"string", "int"}),
    Function.TERM: frozenset({"string"}),
    Function.FREE: frozenset({"string", "int", "float"}),
}


def release_class(output: PlanOutput) -> ReleaseClass | None:
    """Return what a release of this output promises, or nothing where the two do not go together.

    Automatic release needs a method that the domain itself carries out: its planner, its choice among blocks, its
    trainer, which makes the models (`dp_model`) and nothing else. A `dp` output is never
    reviewed: what a container wrote is not differentially private, whatever its plan calls it.
    """
    if output.privacy_method.name == METHOD:
        return ReleaseClass.CONSENTED
    if output.release_class == "review":
        return None if output.privacy_method.name in _DP else ReleaseClass.REVIEWED
    return _AUTOMATIC.get(output.privacy_method.name)


def output_terms(output: PlanOutput, plan: Plan, facts: Facts) -> OutputTerms:
    """Return the terms of an output in which `output_reasons` found nothing amiss."""
    release = release_class(output)
    assert release is not None, "output_reasons refuses an output without a release class"
    consented = release is ReleaseClass.CONSENTED
    source = (consented_source if consented else _source)(output, plan, facts)
    dp = release is ReleaseClass.DP
    return OutputTerms(
        name=output.id,
        form=output.form,
        release=release,
        asset=source if consented or release is ReleaseClass.SDC else None,
        columns=consented_columns(output)
        if consented
        else tuple(_column(column) for column in output.columns),
        max_rows=output.max_rows,
        max_bytes=output.max_bytes,
        epsilon=output.privacy_method.epsilon if dp else None,
    )


def output_reasons(output: PlanOutput, place: str, plan: Plan, facts: Facts) -> Iterator[Reason]:
    """Find what is amiss in one output."""
    release = release_class(output)
    if not _NAME.fullmatch(output.id):
        yield reason("plan.output_name", place=f"{place}.id")
    yield from _sizes(output, place, facts)
    if release is None:
        yield reason("plan.output_class", place=f"{place}.privacy_method")
    elif release is ReleaseClass.CONSENTED:
        yield from consented_output_reasons(output, place, plan, facts)
    else:
        yield from _released(output, place, plan, facts)


def _released(output: PlanOutput, place: str, plan: Plan, facts: Facts) -> Iterator[Reason]:
    release = release_class(output)
    if release is not ReleaseClass.REVIEWED and output.form not in _automatic(output):
        yield reason("plan.output_form", place=f"{place}.form")
    if release is ReleaseClass.DP:
        yield from _epsilon(output, place, plan, facts)
    if release is ReleaseClass.SDC and output.privacy_method.k is not None:
        least = facts.rulebook.whole("privacy.min_cohort")
        if output.privacy_method.k < least:
            yield reason("plan.cohort", place=f"{place}.privacy_method.k", least=least)
    if output.form in TABLES:
        yield from _columns(output, place, plan, facts)


def _automatic(output: PlanOutput) -> frozenset[OutputForm]:
    """Return the forms that an output's method makes without people."""
    if output.privacy_method.name == "dp_model":
        return _MODELS
    return _COMPUTED if output.privacy_method.name == "k_threshold" else TABLES


def _sizes(output: PlanOutput, place: str, facts: Facts) -> Iterator[Reason]:
    ceilings = facts.ceilings
    least = 1 if output.form in TABLES else 0
    if not least <= output.max_rows <= ceilings.output_rows:
        yield reason("plan.output_size", place=f"{place}.max_rows", most=ceilings.output_rows)
    own = output.privacy_method.name == "dp_model"  # the trainer's files are not read
    most = ceilings.output_bytes if own else min(ceilings.output_bytes, MAX_BYTES)
    if not 1 <= output.max_bytes <= most:
        yield reason("plan.output_size", place=f"{place}.max_bytes", most=most)


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
    granted, faults = _granted(output, plan, facts), list[Reason]()
    for at, column in enumerate(output.columns):
        here = f"{place}.schema[{at}]"
        if names.count(column.name) > 1 or not _COLUMN.fullmatch(column.name):
            faults.append(_no(here, "name"))
        if fault := _fault(column, granted, release_class(output)):
            faults.append(_no(here, fault))
    yield from faults
    if release_class(output) is not ReleaseClass.SDC:
        return
    if _source(output, plan, facts) is None:
        yield reason("plan.output_columns", place=f"{place}.schema")
    elif not faults and not _is_table(output, granted):
        yield reason("plan.output_table", place=f"{place}.schema")


def _is_table(output: PlanOutput, granted: dict[str, list[Asset]]) -> bool:
    """Say whether the columns make a table of one form: a ratio's parts are there, or a whole regression."""
    found = (asset.column(name) for name, assets in granted.items() for asset in assets[:1])
    columns = tuple(column for column in found if column is not None)
    try:
        demand_table(tuple(_column(column) for column in output.columns), columns)
    except UndeclaredError:
        return False
    return True


def _fault(
    column: DeclaredColumn, granted: dict[str, list[Asset]], release: ReleaseClass | None
) -> str:
    """Return the field of `column` that does not hold, or nothing."""
    function = _function(column)
    if function is None or (column.dimension and column.measure):
        return "function"
    if release is ReleaseClass.DP and function not in _BY_PLANNER:
        return "function"
    if column.type not in _TYPES[function]:
        return "type"
    if function is Function.FREE:
        return "function" if release is ReleaseClass.SDC or column.measure else ""
    place = "dimension" if column.dimension else "measure"
    return "" if _is_granted(column, function, granted) else place


def _is_granted(
    column: DeclaredColumn, function: Function, granted: dict[str, list[Asset]]
) -> bool:
    """Say whether what a column is taken from is granted, and of its function's form."""
    if column.dimension:
        return _is_shown(_column(column), granted)
    if function in _MEASURES.values():
        return _is_measured(_column(column), granted)
    if function is Function.RATIO:
        return _RATIO.fullmatch(column.measure) is not None
    return not column.measure


def _is_shown(column: OutputColumn, granted: dict[str, list[Asset]]) -> bool:
    """Say whether a dimension is one in the catalogue, with the categories that it merges."""
    try:
        form = declared.categories(column)
        for asset in granted.get(form.column, [])[:1]:
            declared.demand_categories(form, asset.column(form.column))
    except UndeclaredError:
        return False
    return _has_role(form.column, Role.DIMENSION, granted)


def _is_measured(column: OutputColumn, granted: dict[str, list[Asset]]) -> bool:
    """Say whether every number that a column is made from is a measure, or of a category in the catalogue."""
    try:
        numbers = tuple(declared.numbers(column))
        for number in numbers:
            for asset in granted.get(number.column, [])[:1]:
                declared.demand_number(number, asset.column(number.column))
    except UndeclaredError:
        return False
    categories = column.function in declared.MODELS
    return all(
        _has_role(number.column, Role.MEASURE, granted)
        or (
            (categories or number.category is not None)
            and _has_role(number.column, Role.DIMENSION, granted)
        )
        for number in numbers
    )


def _function(column: DeclaredColumn) -> Function | None:
    if column.dimension:
        return _SHOWN.get(column.function)
    if not column.function:
        return Function.FREE
    return (_COUNTS | _MEASURES | _MADE).get(column.function)


def _column(column: DeclaredColumn) -> OutputColumn:
    function = _function(column)
    assert function is not None, "output_reasons refuses an unknown function"
    return OutputColumn(
        name=column.name,
        type=column.type,
        function=function,
        source=column.dimension or column.measure,
    )


def _granted(output: PlanOutput, plan: Plan, facts: Facts) -> dict[str, list[Asset]]:
    """Return the assets that each column which an output may be computed from is in."""
    found: dict[str, list[Asset]] = {}
    dp = release_class(output) is ReleaseClass.DP
    for _, asked, asset in facts.assets(plan):
        if dp and is_consented(plan, asked.asset):
            continue  # `admit.consented`
        for column in asked.columns:
            if not _is_coarse(column.name, asked, release_class(output)):
                found.setdefault(column.name, []).append(asset)
    return found


def _is_coarse(column: str, asked: PlanAsset, release: ReleaseClass | None) -> bool:
    """Say whether a view shows a column as labels only; no private answer is made over any of a generalised view."""
    aim = asked.generalise
    return aim is not None and (column in aim.quasi or release is ReleaseClass.DP)


def _has_role(name: str, role: Role, granted: dict[str, list[Asset]]) -> bool:
    columns = [asset.column(name) for asset in granted.get(name, [])]
    return any(column is not None and column.role is role for column in columns)


def _source(output: PlanOutput, plan: Plan, facts: Facts) -> AssetId | None:
    """Return the one asset that has every column which the output names, or nothing."""
    named = {name for column in output.columns for name in _named(column)}
    able = [
        asked.asset
        for _, asked, _ in facts.assets(plan)
        if named <= {column.name for column in asked.columns}
    ]
    computed = any(not column.dimension for column in output.columns)
    return able[0] if len(able) == 1 and computed else None


def _named(column: DeclaredColumn) -> tuple[str, ...]:
    """Return the columns of the view that a declared column needs; of what is of no form, what it says."""
    if _function(column) in {None, Function.FREE}:
        return tuple(filter(None, (column.dimension or column.measure,)))
    try:
        return declared.named(_column(column))
    except UndeclaredError:
        return (column.dimension or column.measure,)


def _no(place: str, field: str) -> Reason:
    return reason("plan.output_column", place=f"{place}.{field}", expected=field)
