"""Writes declared numbers and categories as SQL over the gate's copy; every part is typed and quoted anew."""

from sandbox.egress.declared import Categories, Number
from sandbox.egress.gate import literal, quoted


def real(value: float) -> str:
    """Write a double as SQL, exactly."""
    return f"CAST('{value!r}' AS DOUBLE)"


def value_of(form: Number) -> str:
    """Return the SQL of a number of each row as DOUBLE; NULL where the column has none."""
    name = quoted(form.column)
    if form.category is not None:
        same = f"CAST({name} AS VARCHAR) = {literal(form.category)}"
        return (
            f"CASE WHEN {name} IS NULL THEN NULL WHEN {same} THEN 1.0::DOUBLE ELSE 0.0::DOUBLE END"
        )
    plain = f"{name}::DOUBLE"
    if form.low is None or form.high is None:
        return plain
    low, high = real(form.low), real(form.high)
    return f"CASE WHEN {plain} < {low} THEN {low} WHEN {plain} > {high} AND NOT isnan({plain}) THEN {high} ELSE {plain} END"


def category_of(form: Categories) -> str:
    """Return the SQL of a dimension's category as text; NULL where the row has none."""
    text = f"CAST({quoted(form.column)} AS VARCHAR)"
    cases = [
        f"WHEN {text} IN ({', '.join(map(literal, group))}) THEN {literal('+'.join(group))}"
        for group in form.merged
    ]
    return f"CASE {' '.join(cases)} ELSE {text} END" if cases else text
