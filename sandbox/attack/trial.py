"""Makes attempts inside containers of the deployment, and scores them by what the host saw."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sandbox.attack.attempt import RUNC, RUNSC, Control, Inside, Proof, Score, controlled
from sandbox.attack.grounds import LIMITS, Grounds
from sandbox.attack.sight import guarded
from sandbox.attack.unguarded import outcomes
from sandbox.order import Ended, Outcome

_SECONDS = 15.0
"""How long one attempt may take."""
_STAY_SECONDS = 0.5
"""How long a container stays after its attempts, so that the host surely sees it."""
MOST: Mapping[str, int] = MappingProxyType({RUNC: LIMITS.processes, RUNSC: LIMITS.processes + 256})
"""How many processes of one container the host may see; gVisor has threads of its own among them."""
FAMILY_OUT = "/out/O1.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one container came to, as seen from inside and from the host."""

    seen: Mapping[str, str]
    """The outcome of each attempt, as the program inside tells it."""
    ended: str
    amiss: tuple[str, ...]
    """What the host saw that it must not see."""
    said: str


def parameters(
    attempts: Iterable[tuple[str, str]], facts: Mapping[str, Any], **changes: object
) -> str:
    """Return what `carried/attempts.py` reads."""
    asked = {
        "attempts": list(attempts),
        "facts": dict(facts),
        "apart": True,
        "seconds": _SECONDS,
        "out": FAMILY_OUT,
        "ready": "",
        "stay": _STAY_SECONDS,
    }
    return json.dumps({**asked, **changes})


def program(name: str = "attempts.py") -> bytes:
    """Return a program that is carried into containers."""
    return resources.files("sandbox.attack.carried").joinpath(name).read_bytes()


def tried(attempts: Sequence[Inside], runtimes: Sequence[str], on: Grounds) -> list[Score]:
    """Make every attempt under each runtime, and once without walls."""
    controls = _controls(attempts, on)
    scores = []
    for runtime in runtimes:
        on.listener.forget()
        views = _guarded(attempts, runtime, on)
        heard = on.listener.heard()
        for attempt in attempts:
            view = views[attempt.name]
            scores.append(_scored(attempt, runtime, view, controls[attempt.name], heard))
    return scores


def _controls(attempts: Sequence[Inside], on: Grounds) -> dict[str, Control]:
    """Make the attempts in a container without walls: all that knock in one, and all others in another."""
    found: dict[str, Control] = {}
    for knocking in (True, False):
        some = [one for one in attempts if one.knocks is knocking and not one.uncontrolled]
        if not some:
            continue
        on.listener.forget()
        seen = unwalled(some, on, network=knocking)
        heard = on.listener.heard()
        for one in some:
            said = seen.get(one.name, "no outcome")
            works = one.name in heard if knocking else said.startswith("done")
            found[one.name] = controlled(said, works=works)
    for one in attempts:
        if one.uncontrolled:
            found[one.name] = Control(proof=Proof.NONE, seen=one.uncontrolled)
    return found


def unwalled(attempts: Sequence[Inside], on: Grounds, *, network: bool) -> dict[str, str]:
    """Make attempts in an unguarded container, and return what each came to."""
    pairs = [(one.name, one.code) for one in attempts]
    asked = parameters(pairs, {**on.listener.facts, "isolated": not network}, stay=0)
    files = {"attempts.py": program(), "parameters.json": asked.encode()}
    with on.unguarded.ran(files, view=on.view, network=network) as out:
        return outcomes(out)


def _guarded(attempts: Sequence[Inside], runtime: str, on: Grounds) -> dict[str, View]:
    """Make the attempts in the deployment: together where they can be, each alone where one may take all down."""
    together = [one for one in attempts if not one.alone]
    alone = [one for one in attempts if one.alone]
    views: dict[str, View] = {}
    if together:
        view = _made(together, runtime, on)
        views |= {one.name: view for one in together if one.name in view.seen}
        alone += [one for one in together if one.name not in view.seen]
    for one in alone:
        views[one.name] = _made([one], runtime, on)
    return views


def _made(attempts: Sequence[Inside], runtime: str, on: Grounds) -> View:
    pairs = [(one.name, one.code) for one in attempts]
    order = on.order(
        runtime,
        ("python3", "/job/attempts.py"),
        (("attempts.py", program()),),
        parameters=parameters(pairs, on.listener.facts),
    )
    before = guarded(on.view)
    outcome = on.run(order)
    return viewed(outcome, before, runtime, on)


def viewed(outcome: Outcome, before: Mapping[str, str], runtime: str, on: Grounds) -> View:
    """Put together what was seen of one run from inside and outside."""
    conformity = json.loads(outcome.conformity or "{}")
    sight = on.watch.of(conformity.get("container", ""))
    checks = conformity.get("checks", {})
    changed = [Path(name).name for name, was in before.items() if guarded(on.view)[name] != was]
    failed = [name for name, passed in checks.items() if not passed]
    amiss = [*sight.amiss(runtime, most=MOST[runtime]), *(f"changed {name}" for name in changed)]
    amiss += [f"engine: {name}" for name in failed] or ([] if checks else ["not inspected"])
    return View(
        seen=_told(outcome, on.canary),
        ended=outcome.ended.value,
        amiss=tuple(amiss),
        said=f"{sight.said()}; the engine passes {len(checks) - len(failed)} of {len(checks)} checks; "
        f"{len(before) - len(changed)} of {len(before)} host files unchanged",
    )


def _told(outcome: Outcome, canary: str) -> dict[str, str]:
    content = next((one.content for one in outcome.artifacts if one.suffix == "json"), b"")
    if outcome.ended is not Ended.FINISHED or not content:
        return {}
    told = {str(name): str(seen) for name, seen in json.loads(content).items()}
    return {name: seen.replace(canary, "(the canary)") for name, seen in told.items()}


def expected(attempt: Inside, runtime: str) -> str:
    """Say what should come of an attempt under a runtime."""
    if attempt.knocks:
        return "nobody knocks"
    return f"blocked, or harmless: {attempt.may[runtime]}" if runtime in attempt.may else "blocked"


def _scored(
    attempt: Inside, runtime: str, view: View, control: Control, heard: frozenset[str]
) -> Score:
    seen = view.seen.get(attempt.name, f"its container ended: {view.ended}")
    knocked = attempt.name in heard
    went = seen.startswith("done") and not attempt.knocks and runtime not in attempt.may
    lost = view.ended in {Ended.ENGINE_FAILED, Ended.FINISHED} and attempt.name not in view.seen
    held = not (knocked or went or lost or view.amiss)
    listened = f"; {'heard' if knocked else 'silence'} at the listener" if attempt.knocks else ""
    seen += f"; amiss: {', '.join(view.amiss)}" if view.amiss else ""
    return Score(
        attempt=attempt,
        runtime=runtime,
        expected=expected(attempt, runtime),
        seen=seen,
        held=held,
        control=control,
        evidence=view.said + listened,
    )
