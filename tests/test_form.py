"""The house rules that no linter knows: sizes, names, and no mocks of our own names."""

import re
from pathlib import Path

TOP = Path(__file__).parents[1]
FOLDERS = ("sandbox", "jobs", "gateway", "tests", "benchmarks", "images", "docs")
MODULES = [path for folder in FOLDERS for path in (TOP / folder).rglob("*.py")]
NAMELESS = {"utils", "common", "core", "helpers", "services", "managers", "misc", "base"}
MOCKS = re.compile(r"unittest\.mock|MagicMock|monkey" + r"patch|\bpatch\(")


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    assert [path for path in MODULES if len(path.read_text("utf-8").splitlines()) > 400] == []


def test_no_module_or_folder_has_a_name_that_says_nothing() -> None:
    named = {part for path in MODULES for part in path.relative_to(TOP).with_suffix("").parts}

    assert named & NAMELESS == set()


def test_nothing_of_our_own_is_mocked() -> None:
    tests = [
        path for path in MODULES if path.is_relative_to(TOP / "tests") and path != Path(__file__)
    ]

    assert [path for path in tests if MOCKS.search(path.read_text("utf-8"))] == []
