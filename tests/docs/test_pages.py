"""The pages of docs/ against the program: what is drawn is fresh, and what is written is true."""

import json
import re
import runpy
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.governance.sentences import SENTENCES as OFFICE
from gateway.home import TEMPLATE, Settings
from jobs.rules.sentences import SENTENCES as ADMISSION

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md"))
ROOMS = ("sandbox", "jobs", "gateway")
RULE = re.compile(r'(?:rule|id)="([a-z]+\.[a-z_]+)"|_no\(\s*"([a-z]+\.[a-z_]+)"')


@pytest.fixture(scope="module")
def generate() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "generate.py"))


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def sources() -> Iterator[str]:
    for room in ROOMS:
        yield from (path.read_text("utf-8") for path in sorted((ROOT / room).rglob("*.py")))


def shown_commands(page: str) -> Iterator[list[str]]:
    """Yield the words of each `shuyu` command in the page's blocks of shell."""
    for block in re.findall(r"```sh\n(.*?)```", text(page), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["shuyu"]:
                yield words


def parted(words: list[str], params: list[Any]) -> tuple[set[str], list[str]]:
    """Part a command's words into its options and what stands alone; an option takes a word, a flag none."""
    flags = {opt for each in params if getattr(each, "is_flag", False) for opt in each.opts}
    given: set[str] = set()
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            plain.append(word)
            continue
        given.add(word)
        if word not in flags:
            next(rest)
    return given, plain


def test_every_drawn_page_is_fresh(generate: dict[str, Any]) -> None:
    assert generate["stale"]() == []


def test_a_page_that_was_altered_or_removed_is_stale(
    generate: dict[str, Any], tmp_path: Path
) -> None:
    for name in generate["PAGES"]:
        shutil.copy(DOCS / name, tmp_path / name)
    (tmp_path / "refusals.md").unlink()
    with (tmp_path / "states.md").open("a", encoding="utf-8") as page:
        page.write("by hand\n")

    assert set(generate["stale"](tmp_path)) >= {"refusals.md", "states.md"}


def test_every_setting_has_its_line_and_its_explanation() -> None:
    table = text("docs/configuration.md").partition("Environment")[0]
    lines = dict(re.findall(r"^\| `(\w+)` \| `[^|]*` \| (.*) \|$", table, re.MULTILINE))

    assert lines.keys() == {field.name for field in fields(Settings)}
    assert all(lines.values())
    assert all(re.search(rf"^{name} = ", TEMPLATE, re.MULTILINE) for name in lines)


def test_every_environment_variable_of_ours_has_its_line() -> None:
    scripts = [path.read_text("utf-8") for path in (ROOT / "images").glob("*.sh")]
    settable = re.findall(
        r'envvar="(SHUYU_\w+)"|\$\{(SHUYU_\w+):-', "".join([*sources(), *scripts])
    )
    named = {name for pair in settable for name in pair if name}

    assert named >= {"SHUYU_HOME", "SHUYU_CACHE"}
    assert {name for name in named if f"`{name}`" not in text("docs/configuration.md")} == set()


def test_every_rule_that_can_refuse_has_its_line() -> None:
    page = text("docs/refusals.md")
    stated = {name for found in RULE.findall("".join(sources())) for name in found if name}
    rules = stated | ADMISSION.keys() | OFFICE.keys()

    assert len(rules) > 100
    assert {rule for rule in rules if f"| `{rule}`" not in page} == set()


def test_every_command_has_its_line(generate: dict[str, Any]) -> None:
    names = [name for name, _ in generate["every_command"]()]

    assert "shuyu job submit" in names
    assert [name for name in names if f"| `{name}` |" not in text("docs/commands.md")] == []


@pytest.mark.parametrize("page", READMES)
def test_every_command_that_a_readme_shows_can_be_typed(
    page: str, generate: dict[str, Any]
) -> None:
    known = dict(generate["every_command"]())
    shown = list(shown_commands(page))

    assert len(shown) > 15
    for words in shown:
        name = next((n for n in (" ".join(words[:3]), " ".join(words[:2])) if n in known), None)
        assert name is not None, words
        given, plain = parted(words[len(name.split()) :], known[name].params)
        options = {opt for each in known[name].params for opt in each.opts if opt.startswith("-")}
        arguments = [each for each in known[name].params if each.param_type_name == "argument"]
        wanted = {each.opts[0] for each in known[name].params if each.required} & options
        assert wanted <= given <= options, words
        assert len(plain) == len(arguments), words


@pytest.mark.parametrize("page", [*READMES, "CHANGELOG.md", *PAGES])
def test_every_link_and_every_named_file_is_there(page: str) -> None:
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(page))
    named = re.findall(
        r"`((?:docs|tests|benchmarks|images|sandbox|jobs|gateway)/[\w./-]+)", text(page)
    )

    assert [link for link in linked if not ((ROOT / page).parent / link).exists()] == []
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_guarantee_and_goal_names_what_holds_it() -> None:
    page = text("docs/specification.md")
    goals, rest = page.partition("## 2.")[0], page.partition("## 4.")[2]
    rows = [line for line in rest.splitlines() if line.startswith("| ") and "| **" not in line]

    assert all("`tests/" in row for row in rows if "guarantee | held by" not in row)
    for benchmark in ("overhead", "dp_query", "gateway"):
        assert f"`benchmarks/{benchmark}.py" in goals


def test_the_requirements_are_the_regulations_and_every_mark_names_one() -> None:
    lines = text("docs/regulation/requirements.jsonl").splitlines()
    known = {each["id"]: each["priority"] for each in map(json.loads, lines)}
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert Counter(known.values()) == {"core": 79, "strong": 54, "nice": 20}
    assert set(re.findall(r'mark\.req\("([A-Z]-\d+)"\)', tests)) <= known.keys()


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (list(shown_commands(page)) for page in READMES)

    assert english == chinese
