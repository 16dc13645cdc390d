import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from gateway.console.jobs import GROUPS
from gateway.console.rendering import environment
from gateway.console.scenarios import STOPS
from gateway.console.texts import LANGS, catalogue, chosen, text
from gateway.governance.rules import Rules
from jobs.job import JobState
from jobs.release import Seat, Vote
from sandbox.order import Ended, OutputForm, ReleaseClass

_LITERAL = re.compile(r"""\bt\('([a-z_.]+)'[,)]""")
_FAMILY = re.compile(r"""(?:\bt\(|badge\()'([a-z_.]+?)\.?'\s*[~,]""")


def _templates() -> Iterator[str]:
    folder = files("gateway.console").joinpath("templates")
    for name in environment().list_templates(extensions=["html"]):
        yield folder.joinpath(name).read_text(encoding="utf-8")


def test_every_text_that_a_template_uses_stands_in_the_catalogue() -> None:
    used = {key for template in _templates() for key in _LITERAL.findall(template)}

    assert len(used) > 50
    assert used <= catalogue().keys()


def test_no_text_stands_in_the_catalogue_unused() -> None:
    templates = list(_templates())
    used = {key for template in templates for key in _LITERAL.findall(template)}
    families = {name for template in templates for name in _FAMILY.findall(template)}
    in_code = {"verdict.empty.why", "verdict.empty.fix"}

    unused = {
        key
        for key in catalogue().keys() - used - in_code
        if not any(key.startswith(f"{family}.") for family in families | {"role"})
    }

    assert unused == set()


@pytest.mark.req("N-06")
def test_every_text_is_said_in_both_languages_with_the_same_facts() -> None:
    for key, sentence in catalogue().items():
        facts = [set(re.findall(r"\{(\w+)\}", each)) for each in (sentence.zh, sentence.en)]

        assert sentence.zh.strip(), key
        assert sentence.en.strip(), key
        assert facts[0] == facts[1], key
        assert not re.search(r"[\u4e00-\u9fff]", sentence.en), key


def test_every_state_role_and_seat_has_its_texts(rules: Rules) -> None:
    machine = rules.scenario
    families = {
        "job_state": JobState,
        "ended": Ended,
        "seat": Seat,
        "vote": Vote,
        "release_class": ReleaseClass,
        "output_form": OutputForm,
        "role": rules.duties.roles,
        "jobs.group": GROUPS,
        "task": GROUPS,
        "scenario_step": STOPS,
        "scenario_state": {row.source for row in machine.table} | machine.terminal,
    }

    missing = {
        f"{family}.{name}" for family, names in families.items() for name in names
    } - catalogue().keys()

    assert missing == set()


def test_the_catalogue_holds_no_key_twice() -> None:
    lines = files("gateway.console").joinpath("texts.tsv").read_text(encoding="utf-8").splitlines()

    assert len(lines) == len(catalogue())


@pytest.mark.parametrize(
    ("asked", "kept", "answer"),
    [
        (None, None, "zh"),
        ("en", None, "en"),
        (None, "en", "en"),
        ("zh", "en", "zh"),
        ("xx", "en", "zh"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_one_kept_else_chinese(
    asked: str | None, kept: str | None, answer: str
) -> None:
    assert chosen(asked=asked, kept=kept) == answer


def test_a_text_is_filled_in_with_its_facts() -> None:
    assert [text(lang, "review.output", name="O1") for lang in LANGS] == ["输出 O1", "Output O1"]
