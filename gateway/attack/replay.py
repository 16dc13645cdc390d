"""Attempts on approvals and verdicts: given twice, by the wrong person, for another thing, after the end."""

from collections.abc import Callable
from typing import Any

from gateway.attack.stage import (
    CHIEF,
    DEVELOPER,
    LEAD,
    OFFICER,
    OPERATOR,
    PROVIDER,
    REVIEWER,
    RIVAL,
    SCENARIO,
    Answer,
    Stage,
    attempt,
    proven,
    refused,
    told,
)
from sandbox.attack.attempt import Act, Family, Verdict, controlled
from sandbox.reason import Said

_PROVIDER, _IMPLEMENTER = "approve_scenario_provider", "approve_scenario_implementer"
_REPORT = "open('/out/O3.txt', 'w').write('The rates rise with the grade.\\n')"
_OTHER = "open('/out/O3.txt', 'w').write('The rates fall with the term.\\n')"


def _state(on: Stage) -> str:
    with on.as_(OPERATOR) as operator:
        return str(operator.scenario(SCENARIO)["state"])


def _unmoved(answer: Answer, on: Stage, was: str, *, why: str) -> Verdict:
    """Judge a step that must be refused and move nothing; the rightful step comes later in this table."""
    now = _state(on)
    return proven(
        f"{told(answer)}; the scenario is {now}",
        held=answer.is_client_error and now == was,
        control=controlled(why, works=True),
    )


def _step(person: str, verb: str, **more: str) -> Callable[[Stage], Verdict]:
    """Return an attempt to take a step that is not this person's, or not yet."""

    def act(on: Stage) -> Verdict:
        was = _state(on)
        answer = on.decide(person, verb, **more)
        return _unmoved(answer, on, was, why="whoever may take it takes it below")

    return act


def _forwarded(on: Stage) -> Verdict:
    """Take the operator's rightful step, then the same again."""
    sound = on.decide(OPERATOR, "forward")
    return refused(on.decide(OPERATOR, "forward"), sound)


def _provided(on: Stage) -> Verdict:
    """Approve for the provider, then again by the same person."""
    sound = on.decide(PROVIDER, "approve", seat=_PROVIDER)
    again = on.decide(PROVIDER, "approve", seat=_PROVIDER)
    state = _state(on)
    return proven(
        f"{told(again)}; the scenario is {state}",
        held=state != "active",
        control=controlled(told(sound), works=sound.is_success),
    )


def _activated(on: Stage) -> Verdict:
    """Approve for the institution, which makes the scenario active, then approve once more."""
    sound = on.decide(REVIEWER, "approve", seat=_IMPLEMENTER)
    state = _state(on)
    again = on.decide(REVIEWER, "approve", seat=_IMPLEMENTER)
    return proven(
        told(again),
        held=not again.is_success,
        control=controlled(
            f"the first time: {state}", works=sound.is_success and state == "active"
        ),
    )


def _resubmitted(on: Stage) -> Verdict:
    """Submit the approved plan again under its own number."""
    with on.as_(LEAD) as lead:
        plan = lead.scenario(SCENARIO)["plan"]
    answer = on.ask(LEAD, "POST", "/v1/scenarios", plan)
    return refused(answer, on.ask(LEAD, "GET", f"/v1/scenarios/{SCENARIO}"))


def _waiting(on: Stage) -> str:
    """Return a job whose report waits for its seats."""
    with on.as_(DEVELOPER) as developer:
        held = [one.id for one in developer.jobs(state="held")]
    return held[-1] if held else on.run(_REPORT).id


def _verdicts(on: Stage) -> Verdict:
    """Let the operator judge twice, then the security officer once."""
    job = _waiting(on)
    first = on.verdict(job, OPERATOR, "verdict_operator")
    again = on.verdict(job, OPERATOR, "verdict_operator")
    state = on.rest(job).state
    sound = on.verdict(job, OFFICER, "verdict_security")
    released = on.rest(job, "released", "blocked", "failed", seconds=60).state
    return proven(
        f"{told(again)}; the job is {state}",
        held=state == "held",
        control=controlled(
            f"first {told(first)}, with the officer's {told(sound)}: {released}",
            works=released == "released",
        ),
    )


def _late(on: Stage) -> Verdict:
    """Give a verdict on a job that was released."""
    with on.as_(DEVELOPER) as developer:
        job = developer.jobs(state="released")[0].id
    answer = on.verdict(job, OPERATOR, "verdict_operator", epoch=1, signed=[])
    return refused(answer, on.ask(DEVELOPER, "GET", f"/v1/jobs/{job}"))


def _wrongly(person: str, seat: str, **more: Any) -> Callable[[Stage], Verdict]:  # noqa: ANN401 - parts of a verdict
    """Return an attempt to judge a held job by whom, or as, it may not be; the rightful verdict comes last in this table."""

    def act(on: Stage) -> Verdict:
        job = _waiting(on)
        shown = on.ask(OPERATOR, "GET", f"/v1/review/{job}").json()
        digests = [output["digest"] for output in shown["outputs"]]
        said = {"epoch": shown["epoch"], "signed": digests, **more}
        answer = on.verdict(job, person, seat, **said)
        state = on.rest(job).state
        return proven(
            f"{told(answer)}; the job is {state}",
            held=answer.is_client_error and state == "held",
            control=controlled("a held job is shown to its seats", works=bool(digests)),
        )

    return act


def _crossed(on: Stage) -> Verdict:
    """Sign the outputs of one job with the digests of another."""
    one, other = _waiting(on), on.run(_OTHER).id
    shown = on.ask(OPERATOR, "GET", f"/v1/review/{other}").json()
    digests = [output["digest"] for output in shown["outputs"]]
    wrong = on.verdict(one, OPERATOR, "verdict_operator", signed=digests)
    return refused(wrong, on.verdict(other, OPERATOR, "verdict_operator"))


def _row(
    name: str, said: Said, act: Callable[[Stage], Verdict], *, expected: str = "refused"
) -> Act[Stage]:
    return attempt(f"replay.{name}", Family.REPLAY, said, act, expected=expected)


APPROVING: tuple[Act[Stage], ...] = (
    _row("early", Said(zh="未转报先批准", en="approves before it was forwarded"), _step(REVIEWER, "approve", seat=_IMPLEMENTER)),
    _row("own_plan", Said(zh="申请人自己转报", en="has the applicant forward its own plan"), _step(LEAD, "forward")),
    _row("rival", Said(zh="竞争者转报他人方案", en="has a rival forward the plan"), _step(RIVAL, "forward")),
    _row("forward_twice", Said(zh="重复转报", en="forwards twice"), _forwarded),
    _row("own_approval", Said(zh="申请人批准自己的方案", en="has the applicant approve its own plan"), _step(LEAD, "approve", seat=_IMPLEMENTER)),
    _row("operator_approves", Said(zh="运营机构占用实施机构席位", en="has the operator take the institution's seat"), _step(OPERATOR, "approve", seat=_IMPLEMENTER)),
    _row("wrong_seat", Said(zh="提供单位占用实施机构席位", en="has the provider take the institution's seat"), _step(PROVIDER, "approve", seat=_IMPLEMENTER)),
    _row("other_plan", Said(zh="以另一份方案的摘要批准", en="approves a plan of another digest than it read"), _step(REVIEWER, "approve", seat=_IMPLEMENTER, plan="sha256:" + "0" * 64)),
    _row("approve_twice", Said(zh="同一人批准两次，顶替另一席位", en="approves twice, to stand for two seats"), _provided, expected="one approval, whatever is answered"),
    _row("approve_again", Said(zh="生效后再次批准", en="approves again once it is active"), _activated),
    _row("resubmit", Said(zh="重新提交已批准的方案", en="submits the approved plan again"), _resubmitted),
)  # fmt: skip
"""On the approval of the scenario, in this order: at its end the scenario is active."""
JUDGING: tuple[Act[Stage], ...] = (
    _row("other_digest", Said(zh="以另一作业的摘要签字", en="signs with the digests of another job"), _crossed),
    _row("no_digest", Said(zh="不写摘要就签字", en="signs without digests"), _wrongly(OPERATOR, "verdict_operator", signed=[])),
    _row("other_epoch", Said(zh="对另一次尝试签字", en="signs another attempt of the job"), _wrongly(OPERATOR, "verdict_operator", epoch=7)),
    _row("by_developer", Said(zh="开发人员复核自己的输出", en="has the developer judge its own output"), _wrongly(DEVELOPER, "verdict_operator")),
    _row("by_rival", Said(zh="竞争者复核", en="has a rival judge the output"), _wrongly(RIVAL, "verdict_operator")),
    _row("by_provider", Said(zh="提供单位占用安全席位", en="has the provider take the security seat"), _wrongly(PROVIDER, "verdict_security")),
    _row("by_chief", Said(zh="负责人占用运营席位", en="has the head take the operator's seat"), _wrongly(CHIEF, "verdict_operator")),
    _row("other_seat", Said(zh="安全审核员占用运营席位", en="has the security officer take the operator's seat"), _wrongly(OFFICER, "verdict_operator")),
    _row("security_first", Said(zh="安全审核员先于运营机构签字", en="has the security officer sign before the operator"), _wrongly(OFFICER, "verdict_security")),
    _row("one_for_two", Said(zh="一人复核两次，顶替另一席位", en="judges an output twice, to stand for two seats"), _verdicts, expected="one verdict, whatever is answered"),
    _row("after_release", Said(zh="发布后重放复核意见", en="repeats a verdict after the release"), _late),
)  # fmt: skip
"""On verdicts on what jobs left; at the end of them one job is released."""
REPLAY: tuple[Act[Stage], ...] = (*APPROVING, *JUDGING)
