"""Attempts by number and by key: the same request many times, one key for two requests, bodies without an end."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.attack.stage import (
    DEVELOPER,
    LEAD,
    OPERATOR,
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

_SQL = 'SELECT state, grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY state, grade'
_AT_ONCE = 12
_SOON_SECONDS = 5.0


def _query(epsilon: str = "9.9", sql: str = _SQL) -> dict[str, Any]:
    """Return a query that costs more than there is: it is refused, and charges nothing."""
    return {
        "scenario": SCENARIO,
        "work": {"kind": "query", "sql": sql, "epsilon": epsilon, "output": "O1"},
    }


def _post(on: Stage, body: object, key: str = "", person: str = DEVELOPER) -> Answer:
    return on.ask(person, "POST", "/v1/jobs", body, **({"Idempotency-Key": key} if key else {}))


def _budget(on: Stage) -> list[tuple[str, str]]:
    with on.as_(DEVELOPER) as developer:
        return sorted((one.scope, str(one.left)) for one in developer.budgets())


def _count(on: Stage) -> int:
    with on.as_(DEVELOPER) as developer:
        return len(developer.jobs(limit=200))


def _same_key(on: Stage) -> Verdict:
    first, again = _post(on, _query(), "k-same"), _post(on, _query(), "k-same")
    same = again.json().get("id") == first.json().get("id")
    return proven(
        f"{told(again)}, {'the same job' if same else 'another job'}",
        held=same,
        control=controlled(told(first), works=first.is_success),
    )


def _other_body(on: Stage) -> Verdict:
    first = _post(on, _query(), "k-other")
    return refused(_post(on, _query(epsilon="9.8"), "k-other"), first)


def _other_person(on: Stage) -> Verdict:
    first = _post(on, _query(), "k-person")
    again = _post(on, _query(), "k-person", person=RIVAL)
    seen = again.json().get("id")
    return proven(
        told(again),
        held=seen != first.json()["id"],
        control=controlled(told(first), works=first.is_success),
    )


def _at_once(on: Stage) -> Verdict:
    before = _count(on)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as hands:
        answers = list(hands.map(lambda _: _post(on, _query(), "k-race"), range(_AT_ONCE)))
    jobs = {one.json().get("id") for one in answers if one.is_success}
    made = _count(on) - before
    return proven(
        f"{len(answers)} requests, {made} jobs",
        held=made == 1 and len(jobs) == 1,
        control=controlled("one was taken", works=any(one.is_success for one in answers)),
    )


def _charged_once(on: Stage) -> Verdict:
    """Ask one query twice by one key: it is paid for once."""
    before = _budget(on)
    body = _query(epsilon="0.1")
    first = _post(on, body, "k-charge")
    on.rest(first.json()["id"])
    once = _budget(on)
    _post(on, body, "k-charge")
    time.sleep(0.5)
    twice = _budget(on)
    return proven(
        "paid once" if once == twice else "paid again",
        held=once == twice,
        control=controlled("the first one was paid for", works=before != once),
    )


def _storm(on: Stage) -> Verdict:
    """Submit sixty queries beyond the budget: each is refused, and nothing is charged."""
    before = _budget(on)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as hands:
        answers = list(hands.map(lambda number: _post(on, _query(), f"k-{number}"), range(60)))
    taken = [one.json()["id"] for one in answers if one.is_success]
    states = {on.rest(job).state for job in taken[-3:]}
    return proven(
        f"{len(taken)} asked, {', '.join(sorted(states)) or 'none taken'}",
        held=_budget(on) == before and states <= {"refused"},
        control=controlled("queries are taken and judged", works=bool(taken)),
    )


def _waiting(on: Stage) -> Verdict:
    """Hold thirty requests open that wait for a job: others are still answered."""
    job = _post(on, _query(), "k-wait").json()["id"]
    state = on.rest(job).state
    path = f"/v1/jobs/{job}/wait?state={state}&timeout=4"
    with ThreadPoolExecutor(max_workers=30) as hands:
        waits = [hands.submit(on.ask, DEVELOPER, "GET", path) for _ in range(30)]
        time.sleep(0.5)
        begun = time.monotonic()
        health = on.ask(OPERATOR, "GET", "/v1/health")
        took = time.monotonic() - begun
        answered = [wait.result().status_code for wait in waits]
    return proven(
        f"others are answered after {'less' if took < _SOON_SECONDS else 'more'} than {_SOON_SECONDS:.0f} s",
        held=health.is_success and took < _SOON_SECONDS,
        control=controlled("thirty waited", works=set(answered) == {200}),
        evidence=f"{took:.2f} s",
    )


def _large(on: Stage) -> Verdict:
    return refused(_post(on, b'{"x": "' + b"y" * (3 << 20) + b'"}'), _post(on, _query(), "k-large"))


def _deep(on: Stage) -> Verdict:
    return refused(_post(on, b"[" * 100_000), _post(on, _query(), "k-deep"))


def _not_json(on: Stage) -> Verdict:
    return refused(_post(on, b"\xff\xfe{}"), _post(on, _query(), "k-text"))


def _long_sql(on: Stage) -> Verdict:
    sql = "SELECT " + "1," * 40_000 + '1 FROM "BP-LOANS"'
    return refused(_post(on, _query(sql=sql)), _post(on, _query(), "k-sql"))


def _nested_sql(on: Stage) -> Verdict:
    """Submit SQL that is nested so deeply that a parser could fall over."""
    answer = _post(on, _query(sql="SELECT " + "(" * 8000 + "1" + ")" * 8000 + ' FROM "BP-LOANS"'))
    state = on.rest(answer.json()["id"]).state if answer.is_success else told(answer)
    return proven(
        state,
        held=state == "refused" or answer.is_client_error,
        control=controlled(
            "a plain one is judged", works=_post(on, _query(), "k-plain").is_success
        ),
    )


def _many_files(on: Stage) -> Verdict:
    work = on.work("pass")
    work["code"] = [{"name": f"f{n}.py", "content": ""} for n in range(500)]
    return refused(_post(on, {"scenario": SCENARIO, "work": work}), _post(on, _query(), "k-files"))


def _odd_files(on: Stage) -> Verdict:
    work = on.work("pass")
    work["code"] = [{"name": "../../climbed.py", "content": "eA=="}]
    answer = _post(on, {"scenario": SCENARIO, "work": work})
    return refused(answer, _post(on, _query(), "k-names"))


def _odd_key(on: Stage) -> Verdict:
    return refused(_post(on, _query(), "k" * 500), _post(on, _query(), "k-short"))


def _plans(on: Stage) -> Verdict:
    """Submit thirty broken plans."""
    with on.as_(LEAD) as lead:
        plan = lead.scenario(SCENARIO)["plan"]
    broken = {**plan, "scenario": "SC-SH-2026-0777", "outputs": []}
    answers = [on.ask(LEAD, "POST", "/v1/scenarios", broken) for _ in range(30)]
    return proven(
        f"{len(answers)} plans, {', '.join(sorted({told(one) for one in answers}))}",
        held=all(one.is_client_error for one in answers),
        control=controlled("a sound plan was taken before", works=True),
    )


def _row(
    name: str, said: Said, act: Callable[[Stage], Verdict], *, expected: str = "refused"
) -> Act[Stage]:
    return attempt(f"flood.{name}", Family.FLOODS, said, act, expected=expected)


FLOODS: tuple[Act[Stage], ...] = (
    _row("same_key", Said(zh="同一幂等键提交两次", en="submits twice by one key"), _same_key, expected="one job"),
    _row("other_body", Said(zh="同一幂等键换内容", en="uses a key again for another request"), _other_body),
    _row("other_person", Said(zh="他人使用同一幂等键", en="uses another party's key, to be told of its job"), _other_person, expected="no word of the job"),
    _row("at_once", Said(zh="并发使用同一幂等键", en="submits twelve times at once by one key"), _at_once, expected="one job"),
    _row("charged_once", Said(zh="以重复提交重复扣费", en="repeats a query that was paid for"), _charged_once, expected="paid once"),
    _row("storm", Said(zh="连续提交六十个超预算查询", en="submits sixty queries beyond the budget"), _storm, expected="refused, nothing charged"),
    _row("waiting", Said(zh="同时挂起三十个等待请求", en="holds thirty requests open"), _waiting, expected="others are answered"),
    _row("large", Said(zh="请求体过大", en="sends a body of 3 MiB"), _large),
    _row("deep", Said(zh="JSON 嵌套十万层", en="sends JSON nested 100,000 deep"), _deep),
    _row("not_text", Said(zh="请求体不是文本", en="sends a body that is no text"), _not_json),
    _row("long_sql", Said(zh="过长的 SQL", en="sends SQL that is too long"), _long_sql),
    _row("nested_sql", Said(zh="嵌套八千层的 SQL", en="sends SQL nested 8,000 deep"), _nested_sql),
    _row("many_files", Said(zh="代码包文件过多", en="sends 500 files of code"), _many_files),
    _row("odd_files", Said(zh="代码文件名爬出目录", en="sends a file whose name climbs"), _odd_files),
    _row("long_key", Said(zh="过长的幂等键", en="sends a key of 500 letters"), _odd_key),
    _row("plans", Said(zh="反复提交有误的方案", en="submits thirty broken plans"), _plans),
)  # fmt: skip
"""Every attempt of the family."""
