"""Finds every function of the product that syncs a file to disk, and by which of its own functions it does so."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

TOP = Path(__file__).parents[2]


def syncing(*, through: frozenset[str]) -> set[str]:
    """Name, as `module:Class.name`, what syncs a file itself and not through one of these functions."""
    found: set[str] = set()
    for floor in ("sandbox", "jobs", "gateway"):
        for path in (TOP / floor).rglob("*.py"):
            found |= set(_of(path, through))
    return found


def _of(path: Path, through: frozenset[str]) -> Iterator[str]:
    module = ".".join(path.relative_to(TOP).with_suffix("").parts)
    calls = {f"{module}:{name}": called for name, called in _functions(path)}
    reaching = {name for name, called in calls.items() if "fsync" in called} - through
    while more := _callers(calls, reaching) - reaching - through:
        reaching |= more
    for name in reaching:
        if not _short(name).startswith("_"):
            yield name


def _callers(calls: Mapping[str, set[str]], reached: set[str]) -> set[str]:
    names = {_short(name) for name in reached}
    return {name for name, called in calls.items() if called & names}


def _short(name: str) -> str:
    return name.partition(":")[2].rpartition(".")[2]


def _functions(path: Path) -> Iterator[tuple[str, set[str]]]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, _called(node)
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", _called(inner)


def _called(function: ast.FunctionDef) -> set[str]:
    """Return what is called by a plain name, as a method of its own, or from `os`."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in {"self", "os"}:
                found.add(node.func.attr)
    return found
