"""Tells at the end how many of the regulation's requirements and articles have a passing test."""

import json
from pathlib import Path
from typing import Any

import pytest

REQUIREMENTS = Path(__file__).parents[1] / "docs" / "regulation" / "requirements.jsonl"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("req"):
            item.user_properties.append(("req", mark.args[0]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("passed", [])
    shown = {value for report in reports for key, value in report.user_properties if key == "req"}
    known = [json.loads(line) for line in REQUIREMENTS.read_text("utf-8").splitlines()]
    here = [each for each in known if each["id"] in shown]
    core = sum(each["priority"] == "core" for each in here)
    terminalreporter.write_line(
        f"requirements with a passing test: {len(here)} of {len(known)}, {core} of them core;"
        f" articles: {len(_articles(here))} of {len(_articles(known))}"
    )


def _articles(requirements: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {
        (source["rulebook"], source["article"])
        for each in requirements
        for source in each["sources"]
    }
