"""Writes the pages that are drawn from the code; `--check` fails where one is out of date."""

import ast
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gateway.cli.app import COMMANDS, loaded
from gateway.governance.machine import Transition
from gateway.governance.rules import load_rules
from gateway.governance.sentences import SENTENCES as OFFICE
from gateway.home import TEMPLATE, Settings
from jobs.job import NEXT, JobState
from jobs.rules.sentences import SENTENCES as ADMISSION
from sandbox.training.refusals import RULES as TRAINING
from sandbox.training.refusals import reason as training_reason

HERE = Path(__file__).parent
ROOT = HERE.parent
_DRAWN = "Drawn from the code by `docs/generate.py`; `make fix` draws it anew.\n"
_RULE = re.compile(r"(?:[a-z]+|…)(?:\.(?:[a-z_]+|…))+")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def states() -> str:
    """Draw the life of a job from its one table."""
    arrows = [f"    {a} --> {b}" for a in JobState for b in JobState if b in NEXT[a]]
    return "\n".join(
        ["# The life of a job", "", "```mermaid", "stateDiagram-v2", *arrows, "```", ""]
    )


def scenario_states() -> str:
    """Draw the life of a scenario from the regulation's machine, and say which steps are built."""
    machine = load_rules().scenario
    office = "".join(_sources("gateway/governance"))
    arrows = [f"    {t.source} --> {t.target}: {t.event}" for t in machine.table]
    ends = [f"    {state} --> [*]" for state in sorted(machine.terminal)]
    start = f"    [*] --> {machine.initial}"
    return _page(
        f"# The life of a scenario ({machine.zh})",
        "`built` says whether `gateway/governance` takes the step; the others are the regulation's.",
        "\n".join(["```mermaid", "stateDiagram-v2", start, *arrows, *ends, "```"]),
        _table(
            ("from", "event", "to", "fired by", "guard", "requirements", "built"),
            [_step(each, office) for each in machine.table],
        ),
    )


def configuration() -> str:
    """List every setting of a domain with its default and what its file says about it."""
    defaults = {field.name: field.default for field in fields(Settings)}
    said = dict(_explained(TEMPLATE))
    rows = [(f"`{name}`", f"`{defaults[name]!r}`", said.get(name, "")) for name in defaults]
    return _page(
        "# Settings",
        "`shuyu init DIR` writes them to `DIR/shuyu.toml`, each with its explanation. A line that is taken"
        " out has the default; an unknown name or a wrong type stops the program.",
        _table(("setting", "default", "meaning"), rows),
        "Environment variables:",
        _table(("variable", "read by", "meaning"), _VARIABLES),
    )


def commands() -> str:
    """List every command with its options, as the program itself knows them."""
    rows = [(f"`{name}`", _usage(each), _first(each)) for name, each in every_command()]
    return _page(
        "# Commands",
        "`shuyu COMMAND --help` explains each option. Commands with `--home` work at the domain itself; the"
        " others ask its gateway, at `SHUYU_URL` with `SHUYU_TOKEN` or as `~/.config/shuyu/client.toml` says.",
        _table(("command", "arguments and options", "what it does"), rows),
        "Exit codes: 0 done (a followed job: released), 1 failed, 2 wrong usage, 3 refused, 4 blocked,"
        " 5 held for review, 6 failed or stopped.",
    )


def refusals() -> str:
    """List every rule that can refuse something, with its words and what would pass."""
    groups: dict[str, list[tuple[str, str, str, str]]] = defaultdict(list)
    for each in sorted(set(every_refusal()), key=lambda one: (one.rule, one.why)):
        groups[each.rule.partition(".")[0]].append(each.row())
    parts = [
        part
        for name, rows in groups.items()
        for part in (f"## {name}", _table(("rule", "why", "what would pass", "clause"), rows))
    ]
    return _page(
        "# Refusals",
        "Every refusal names its rule, its place and what would pass, in Chinese and English, and never"
        " quotes a value from the data. `…` stands for what is filled in: names, limits, the clause of the"
        " rulebook. *people* marks a finding that does not block, but has people look.",
        *parts,
    )


def requirements() -> str:
    """Count which requirements of the regulation a test names."""
    known = _requirements()
    tests = _marked()
    rows = []
    for each in known:
        files = ", ".join(f"`{name}`" for name in sorted(tests[each["id"]])) or "–"
        rows.append((each["id"], each["priority"], each["title"], files))
    total, met = (Counter(each["priority"] for each in some) for some in
                  (known, [each for each in known if tests[each["id"]]]))  # fmt: skip
    return _page(
        "# Requirements of the regulation and their tests",
        "From `docs/regulation/requirements.jsonl`. Covered means that a test bears"
        " `@pytest.mark.req(id)`: it shows the requirement or a part of it. What bears no mark may be built"
        " all the same, and what bears one need not be complete.",
        _table(
            ("priority", "covered", "of"),
            [(name, str(met[name]), str(total[name])) for name in ("core", "strong", "nice")],
        ),
        _table(("requirement", "priority", "title", "tests"), rows),
    )


PAGES = {
    "states.md": states,
    "scenario-states.md": scenario_states,
    "configuration.md": configuration,
    "commands.md": commands,
    "refusals.md": refusals,
    "requirements.md": requirements,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One rule as it stands in the source."""

    rule: str
    why: tuple[str, str]
    """Chinese, then English."""
    fix: tuple[str, str]
    clause: str = ""
    weight: str = ""
    """As the source has it: `Weight.REVIEW`, or what decides between that and a block."""

    def row(self) -> tuple[str, str, str, str]:
        """Return it as a line of the page."""
        mark = " *people*" if self.weight == "Weight.REVIEW" else ""
        mark = " *people or block*" if not mark and self.weight else mark
        return (f"`{self.rule}`{mark}", _both(self.why), _both(self.fix), self.clause)


def every_command() -> Iterator[tuple[str, Any]]:
    """Yield each command of `shuyu` by its full name."""
    for name in COMMANDS:
        yield from _below(f"shuyu {name}", loaded(name))


def every_refusal() -> Iterator[Refusal]:
    """Yield each rule: the two tables of sentences, and every other that states its words in place."""
    for rule, (zh, en, fix_zh, fix_en, clause) in ADMISSION.items():
        yield Refusal(rule=rule, why=(zh, en), fix=(fix_zh, fix_en), clause=clause)
    for rule, (zh, en, fix_zh, fix_en) in OFFICE.items():
        yield Refusal(rule=rule, why=(zh, en), fix=(fix_zh, fix_en))
    for rule in TRAINING:
        told = training_reason(rule)
        yield Refusal(rule=rule, why=(told.why.zh, told.why.en), fix=(told.fix.zh, told.fix.en))
    trees = [ast.parse(text) for folder in _ROOMS for text in _sources(folder)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    saids = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and _pair(node.value, {})
        for target in node.targets
        if isinstance(target, ast.Name) and (target.id.isupper() or target.id in ("why", "fix"))
    }
    for node in nodes:
        found = _refusal(node, saids) if isinstance(node, ast.Call) else None
        if found:
            yield found


_UNKNOWN = ("…", "…")
_ROOMS = ("sandbox", "jobs", "gateway")
_VARIABLES = (
    ("`SHUYU_HOME`", "`shuyu`", "the domain home, where `--home` is not given; default `domain`"),
    ("`SHUYU_URL`", "`shuyu`", "the gateway's address"),
    ("`SHUYU_TOKEN`", "`shuyu`", "your token"),
    (
        "`SHUYU_AUDITOR_TOKEN`",
        "`shuyu asset destroy`, `shuyu scenario destroy`",
        "the second person's token: a destruction takes two",
    ),
    (
        "`SHUYU_NODE`",
        "Ray's tasks",
        "the home of the node that they run on; `shuyu node run` sets it, an existing cluster must",
    ),
    (
        "`RAY_AUTH_TOKEN`, `RAY_AUTH_TOKEN_PATH`",
        "`shuyu work`",
        "Ray's token, or its file; default `keys/ray.token`. `RAY_AUTH_MODE` other than `token` is refused",
    ),
    ("`DOCKER_HOST`", "`shuyu keep`, `images/*.sh`", "the engine, where the setting is empty"),
    ("`SHUYU_CACHE`", "`images/build.sh`", "what was built; default `~/.cache/shuyu/images`"),
    ("`SHUYU_ENGINE`", "`images/engine.sh`", "the private engine; default `~/.cache/shuyu/engine`"),
    (
        "`SHUYU_OWNER`",
        "`images/engine.sh`",
        "the process for which the private engine is kept running",
    ),
    (
        "`SHUYU_USERNS`, `SHUYU_RUNTIMES`",
        "`images/engine.sh`",
        "a private engine that remaps users, or has further runtimes, as JSON",
    ),
    ("`SHUYU_PYTHON`", "`images/build.sh`", "a Python with pip; default the project's `.venv`"),
)


def _page(*parts: str) -> str:
    title, *rest = parts
    return "\n\n".join([title, _DRAWN.rstrip(), *rest]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _both(said: tuple[str, str]) -> str:
    zh, en = (text.replace("{{", "{").replace("}}", "}") for text in said)
    return f"{zh}<br>{en}" if zh != en else en


def _sources(folder: str) -> Iterator[str]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path.read_text("utf-8")


def _step(each: Transition, office: str) -> tuple[str, ...]:
    built = "yes" if f'"{each.event}"' in office else "no"
    needs = ", ".join(each.requirements)
    return (each.source, each.event, each.target, each.by, each.guard, needs, built)


def _explained(template: str) -> Iterator[tuple[str, str]]:
    """Yield each setting with the comment above it; two that follow each other share one."""
    comment: list[str] = []
    fresh = True
    for line in template.splitlines():
        if line.startswith("#"):
            comment = [*([] if fresh else comment), line.removeprefix("#").strip()]
            fresh = False
        elif not line:
            fresh = True
        else:
            fresh = True
            yield line.partition(" = ")[0], " ".join(comment)


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's own type is private
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, each in inner.items():
        yield from _below(f"{path} {name}", each)


def _usage(command: Any) -> str:  # noqa: ANN401 - as above
    shown = [each for each in command.params if not getattr(each, "hidden", False)]
    words = [
        each.name.upper() if each.param_type_name == "argument" else each.opts[0] for each in shown
    ]
    marks = [
        word if each.required else f"[{word}]" for word, each in zip(words, shown, strict=True)
    ]
    return f"`{' '.join(marks)}`" if marks else ""


def _first(command: Any) -> str:  # noqa: ANN401 - as above
    return str(command.help or "").splitlines()[0]


def _refusal(call: ast.Call, saids: dict[str, ast.expr]) -> Refusal | None:
    """Read a rule from a call that names one and says why; nothing where it is another call."""
    named = {word.arg: word.value for word in call.keywords if word.arg}
    given = [named[name] for name in ("rule", "id") if name in named] or call.args
    rule = next((text for each in given if _RULE.fullmatch(text := _text(each))), "")
    said = [_pair(named[word], saids) or _UNKNOWN for word in ("why", "fix") if word in named]
    said = said or [pair for each in call.args if (pair := _pair(each, saids))]
    plain = [text for each in call.args if " " in (text := _text(each)) or _HAN.search(text)]
    if not said and len(plain) > 1 and _HAN.search(plain[0]):
        said = [(plain[0], plain[1])]
    if not rule or rule == "…" or not said:
        return None
    return Refusal(
        rule=rule,
        why=said[0],
        fix=said[1] if len(said) > 1 else _UNKNOWN,
        clause=_text(named["clause"]) if "clause" in named else "",
        weight=ast.unparse(named["weight"]) if "weight" in named else "",
    )


def _pair(node: ast.expr, saids: dict[str, ast.expr]) -> tuple[str, str] | None:
    node = saids.get(node.id, node) if isinstance(node, ast.Name) else node
    if not isinstance(node, ast.Call):
        return None
    words = {word.arg: _text(word.value) for word in node.keywords}
    return (words["zh"], words["en"]) if words.keys() >= {"zh", "en"} else None


def _text(node: ast.expr) -> str:
    """Return a text as the source has it; what is filled in at run time is shown as `…`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return "…"


def _requirements() -> list[dict[str, str]]:
    lines = (HERE / "regulation" / "requirements.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _marked() -> dict[str, set[str]]:
    """Return the test files that name each requirement."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in re.findall(r'mark\.req\("([^"]+)"\)', path.read_text("utf-8")):
            found[name].add(path.relative_to(ROOT).as_posix())
    return found


def stale(folder: Path = HERE) -> list[str]:
    """Return the names of the drawn pages that are missing in `folder` or differ from the code."""
    return [
        name
        for name, draw in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text("utf-8") != draw()
    ]


def main() -> int:
    """Write every page that is out of date, or only name them with `--check`."""
    old = stale()
    if "--check" in sys.argv:
        print("".join(f"docs/{name} is out of date: run `make fix`\n" for name in old), end="")  # noqa: T201
        return int(bool(old))
    for name in old:
        (HERE / name).write_text(PAGES[name](), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
