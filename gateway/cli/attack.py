"""`shuyu attack`: the red-team kit against this deployment, and the scorecard of what held."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateway.attack import suite as whole
from gateway.cli.attack_town import staged
from gateway.cli.calling import FAILED, plain, say, table
from gateway.cli.domain import HomePath, telling
from gateway.cli.intake import trust_of
from gateway.home import Home, HomeError, open_home
from sandbox.attack import suite
from sandbox.attack.attempt import RUNTIMES, Family, Proof, Score
from sandbox.attack.grounds import Grounds, grounds
from sandbox.errors import KeeperDownError
from sandbox.runner.client import KeeperClient
from sandbox.runner.keeper import KeeperSettings, serve_keeper

UNPROVEN = 2
"""The exit code where all held, and a control did not work: those attempts prove nothing."""
_BOTH = "both"
_START_SECONDS = 60
_Only = Annotated[
    list[Family] | None, typer.Option("--family", help="Only this family; may be repeated.")
]
_Which = Annotated[str, typer.Option("--runtime", help="runc, runsc, or both.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]


def attack(
    home: HomePath = Path("domain"),
    runtime: _Which = "runc",
    family: _Only = None,
    as_json: _AsJson = False,  # noqa: FBT002 - a switch of the command line
) -> None:
    """攻击演练。 Attack this deployment as a hostile developer would, with invented data, and print what held."""
    families = frozenset(family or Family)
    with telling():
        opened = open_home(home)
        runtimes = _runtimes(runtime)
        with _kept(opened), grounds(opened.path, opened.engine) as on:
            scores = list(_attacked(opened, on, families, runtimes))
    if as_json:
        typer.echo(json.dumps({"attacks": [_line(score) for score in scores]}, ensure_ascii=False))
    else:
        _report(scores)
    if code := verdict(scores):
        raise typer.Exit(code)


def verdict(scores: Sequence[Score]) -> int:
    """Return the exit code: 1 where one did not hold, 2 where a control failed, else 0."""
    if not all(score.held for score in scores):
        return FAILED
    return UNPROVEN if any(score.control.proof is Proof.FAILED for score in scores) else 0


def _runtimes(asked: str) -> tuple[str, ...]:
    if asked not in (*RUNTIMES, _BOTH):
        raise HomeError(f"--runtime is {', '.join(RUNTIMES)} or {_BOTH}")
    return RUNTIMES if asked == _BOTH else (asked,)


def _attacked(
    home: Home, on: Grounds, families: frozenset[Family], runtimes: Sequence[str]
) -> Iterator[Score]:
    with _told() as bar:
        task = bar.add_task("", total=None)
        for family in (one for one in suite.RUNS if one in families):
            bar.update(task, description=f"攻击 attacking: {family}")
            yield from suite.run(family, runtimes, on)
        if families & set(whole.FAMILIES):
            bar.update(task, description="搭建演练域 making a domain to attack")
            with staged(home, on) as stage:
                for score in whole.run(families, stage):
                    bar.update(task, description=f"攻击 attacking: {score.attempt.family}")
                    yield score


@contextmanager
def _told() -> Iterator[Progress]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar


@contextmanager
def _kept(home: Home) -> Iterator[None]:
    """Use the home's keeper; where none answers, be it for as long as this takes."""
    client = KeeperClient(home.path / "run" / "keeper.sock")
    try:
        client.found()
    except KeeperDownError:
        with _keeper(home):
            yield
        return
    yield


@contextmanager
def _keeper(home: Home) -> Iterator[None]:
    ready, stop = threading.Event(), threading.Event()
    settings = KeeperSettings(home=home.path, engine=home.engine, trust=trust_of(home))
    heard = {"ready": lambda _: ready.set(), "stop": stop}
    thread = threading.Thread(target=serve_keeper, args=(settings,), kwargs=heard, daemon=True)
    thread.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise KeeperDownError("the room keeper did not start: shuyu keep")
        yield
    finally:
        stop.set()
        thread.join(_START_SECONDS)


def _line(score: Score) -> dict[str, object]:
    return {
        "attack": score.attempt.name,
        "family": score.attempt.family.value,
        "runtime": score.runtime,
        "expected": score.expected,
        "seen": score.seen,
        "held": score.held,
    }


def _report(scores: Sequence[Score]) -> None:
    for family in dict.fromkeys(score.attempt.family for score in scores):
        mine = [score for score in scores if score.attempt.family is family]
        rows = [_row(score) for score in mine]
        columns = ("attack 攻击", "runtime", "expected 预期", "seen 所见", "held", "control")
        table(f"{family} · {sum(one.held for one in mine)}/{len(mine)}", columns, rows)
        for evidence in dict.fromkeys(one.evidence for one in mine if one.evidence):
            names = [one.attempt.name for one in mine if one.evidence == evidence]
            of = names[0] if len(names) == 1 else f"{len(names)} attacks"
            plain(f"  外部证据 seen from outside, {of}: {evidence}", style="dim")
    for score in scores:
        if not score.held:
            does = score.attempt.does
            say(f"未守住 {score.attempt.name}：{does.zh}", f"did not hold: {does.en}: {score.seen}")
        if score.control.proof is Proof.FAILED:
            say(
                f"对照失败 {score.attempt.name}，该项不能证明什么",
                f"its control failed: {score.control.seen}",
            )
    _sum(scores)


def _sum(scores: Sequence[Score]) -> None:
    own = [score for score in scores if score.attempt.family is not Family.PROBE]
    proofs = Counter(score.control.proof for score in scores)
    held = sum(score.held for score in scores)
    plain(
        f"{held}/{len(scores)} 守住 held   自有 our own {len({one.attempt.name for one in own})}   "
        f"探针 probe {len(scores) - len(own)}   对照 controls: {proofs[Proof.WORKED]} worked, "
        f"{proofs[Proof.FAILED]} failed, {proofs[Proof.NONE]} cannot be",
        style="bold green" if verdict(scores) == 0 else "bold red",
    )


def _row(score: Score) -> tuple[str, ...]:
    mark = "✓" if score.held else "✗"
    return (
        score.attempt.name,
        score.runtime,
        score.expected,
        score.seen,
        mark,
        score.control.proof.value,
    )
