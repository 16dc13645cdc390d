"""Prints what a private answer would cost, and what is known of it before data is read."""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from gateway.cli.calling import plain, say_reasons, table
from gateway.client.words import reasons_of


def show_price(found: Mapping[str, Any]) -> None:
    """Print a price: what it costs and leaves of each budget, and its forecast in full."""
    plain(f"ρ {found['rho']}  (ε {_short(found['epsilon'])})", style="bold")
    _FORECASTS[found["kind"]](found["forecast"])
    for each in found["budgets"]:
        _say(each["told"])
    say_reasons(reasons_of(found))


def _query(plan: Mapping[str, Any]) -> None:
    """Print a plan as a tree, its mechanisms and how exact each column will be."""
    for step in plan["steps"]:
        indent = "  " * (step["depth"] + 1)
        plain(f"{indent}{step['does']['zh']}  {step['does']['en']}")
    names = ("measure", "mechanism", "norm", "sensitivity", "scale", "σ", "ε", "ρ", "δ")
    table("机制 Mechanisms", names, [tuple(_mechanism(each)) for each in plan["mechanisms"]])
    rows = [(each["name"], _short(each["deviation"]), f"± {_short(each['interval'])}", _percent(each))
            for each in plan["columns"]]  # fmt: skip
    table("预期误差 Expected error", ("column", "σ", "95 %", "of 1,000 rows"), rows)
    plain(f"提示 hints: /*+ {' '.join(plan['hints'])} */")
    for said in (*plan["advice"], plan["statement"]):
        _say(said)


def _mechanism(each: Mapping[str, Any]) -> Iterator[str]:
    yield from (each["measure"], each["name"], each["norm"])
    yield from (_short(each[name]) for name in ("sensitivity", "scale", "deviation", "epsilon"))
    yield f"{each['rho'] / 10**12:.6g}"
    yield _short(each["delta"])


def _percent(column: Mapping[str, Any]) -> str:
    return "" if column["relative"] is None else f"{column['relative']:.1%}"


def _blocks(found: Mapping[str, Any]) -> None:
    plain(f"  最少分块 least blocks: {found['least_blocks']}")
    names = ("k", "± 95 %", "CPU s", "answered after s")
    rows = [
        (
            str(each["k"]),
            ", ".join(f"{name} {_short(half)}" for name, half in each["half_widths"].items()),
            str(each["cpu_seconds"]),
            str(each["answered_after_seconds"]),
        )
        for each in (found, *found["with_more_blocks"])
    ]
    table("预期误差 Expected error", names, rows)


def _other(found: Mapping[str, Any]) -> None:
    plain(json.dumps(found, ensure_ascii=False, indent=2))


_FORECASTS: Mapping[str, Callable[[Mapping[str, Any]], None]] = MappingProxyType(
    {"query": _query, "blocks": _blocks, "train": _other, "sample": _other}
)


def _say(said: Mapping[str, str]) -> None:
    plain(f"  {said['zh']}")
    plain(f"  {said['en']}")


def _short(number: Any) -> str:  # noqa: ANN401 - a number, or a fraction as text
    if isinstance(number, str):
        above, _, below = number.partition("/")
        number = float(above) / float(below or 1)
    return f"{number:.6g}"
