"""Says whether declared columns make a table together: a ratio's parts are there, coefficients stand with their terms."""

from sandbox.asset import Column
from sandbox.egress.declared import MODELS
from sandbox.egress.lane.design import design
from sandbox.egress.lane.plan import parts
from sandbox.order import Function, OutputColumn


def demand_table(columns: tuple[OutputColumn, ...], granted: tuple[Column, ...]) -> None:
    """Raise `UndeclaredError` where `columns`, each of them computable, make no table of one form."""
    if any(column.function in MODELS for column in columns):
        design(columns, granted)
        return
    for column in columns:
        if column.function is Function.RATIO:
            parts(column, columns)
