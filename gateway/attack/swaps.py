"""Attempts to have something else run, read or leave than what was approved: other images, plans, rows, bytes."""

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from gateway.attack.stage import (
    CHIEF,
    DEVELOPER,
    LEAD,
    OFFICER,
    OPERATOR,
    RIVAL,
    SCENARIO,
    Stage,
    attempt,
    proven,
    told,
)
from gateway.client import ProblemError, TamperedError
from jobs.errors import JobsError
from jobs.record.audit import verify_log
from jobs.record.database import Record
from sandbox.attack.attempt import Act, Control, Family, Verdict, controlled
from sandbox.reason import Said

_REPORT = "open('/out/O3.txt', 'w').write('The rates rise with the grade.\\n')"
_QUERY = 'SELECT {0} FROM "BP-LOANS" GROUP BY grade'


def _submitted(on: Stage, body: dict[str, Any], person: str = DEVELOPER) -> tuple[str, set[str]]:
    """Submit a job, and return how it came to rest and by which rules."""
    answer = on.ask(person, "POST", "/v1/jobs", {"scenario": SCENARIO, **body})
    if not answer.is_success:
        return told(answer), set()
    job = on.rest(answer.json()["id"])
    return job.state, {reason.rule for reason in job.reasons}


def _sound(on: Stage) -> Control:
    state, _ = _submitted(on, {"work": on.work("raise SystemExit(1)")})
    return controlled(f"as approved, it runs: {state}", works=state == "failed")


def _other(change: Callable[[Stage], dict[str, Any]], rule: str) -> Callable[[Stage], Verdict]:
    """Return an attempt to ask for something that was not granted."""

    def act(on: Stage) -> Verdict:
        state, rules = _submitted(on, change(on))
        held = state == "refused" and any(one.startswith(rule) for one in rules)
        return proven(f"{state}: {', '.join(sorted(rules))}", held=held, control=_sound(on))

    return act


def _asked(select: str) -> Callable[[Stage], dict[str, Any]]:
    sql = _QUERY.format(select)
    work = {"kind": "query", "sql": sql, "epsilon": "0.1", "output": "O1"}
    return lambda _: {"work": work}


def _reader(on: Stage) -> str:
    images = dict(on.grounds.keeper.found().images)
    return str(images.get("reader", "sha256:" + "7" * 64))


def _rival(on: Stage) -> Verdict:
    """Submit a job under somebody else's scenario."""
    state, _ = _submitted(on, {"work": on.work("pass")}, person=RIVAL)
    return proven(state, held=state.startswith("404"), control=_sound(on))


def _rewritten(table: str, change: str) -> Callable[[Stage], Verdict]:
    """Return an attempt to rewrite the record behind the domain's back, in a copy of it: its check must say so."""

    def act(on: Stage) -> Verdict:
        with on.copied() as file:
            sound = _whole(on, file)
            with closing(sqlite3.connect(file)) as base, base:
                for (trigger,) in base.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                ).fetchall():
                    base.execute(f'DROP TRIGGER "{trigger}"')
                rows = base.execute(change).rowcount
            seen = _whole(on, file)
        return proven(
            f"{table}: {seen}",
            held=seen != "whole" and rows > 0,
            control=controlled(f"before: {sound}", works=sound == "whole" and rows > 0),
        )

    return act


def _whole(on: Stage, file: Path) -> str:
    record = Record.open(f"sqlite:///{file}", clock=lambda: datetime.now(UTC))
    try:
        verify_log(record, on.home.ring("log"))
    except JobsError as error:
        return type(error).__name__
    finally:
        record.close()
    return "whole"


def _grant(on: Stage) -> Verdict:
    """Raise what the grant allows, in the record itself: nothing may begin under it, for its signature is another's."""
    control = _sound(on)
    with closing(sqlite3.connect(on.home.path / "record" / "record.db", timeout=30)) as base:
        name, body = base.execute("SELECT id, body FROM granted").fetchone()
        raised = re.sub(r'("max_uses": ?)([0-9]+)', r"\g<1>9\g<2>", body)
        _write(base, name, raised)
        state, rules = _submitted(on, {"work": on.work("pass")})
        _write(base, name, body)
    return proven(
        f"{state}: {', '.join(sorted(rules))}",
        held=state == "refused" and "admit.grant" in rules and raised != body,
        control=control,
    )


def _write(base: sqlite3.Connection, grant: str, body: str) -> None:
    with base:
        base.execute("UPDATE granted SET body = ? WHERE id = ?", (body, grant))


def _quarantined(on: Stage) -> Verdict:
    """Put other bytes in a held job's place, between the seats' reading and the release."""
    job = on.run(_REPORT)
    shown = on.ask(OPERATOR, "GET", f"/v1/review/{job.id}").json()
    folder = on.home.path / "quarantine" / f"{job.id}.{shown['epoch']}"
    files = [path for path in folder.rglob("*") if path.is_file() and b"grade" in path.read_bytes()]
    first = on.verdict(job.id, OPERATOR, "verdict_operator")
    for path in files:
        path.write_bytes(path.read_bytes().replace(b"rise", b"sink"))
    digests = [output["digest"] for output in shown["outputs"]]
    said = on.verdict(job.id, OFFICER, "verdict_security", signed=digests, epoch=shown["epoch"])
    state = on.rest(job.id, "released", "blocked", "failed", seconds=20).state
    return proven(
        f"the second verdict: {told(said)}; the job is {state}",
        held=state != "released",
        control=controlled(
            f"it was held, and {len(files)} files lay there", works=bool(files) and first.is_success
        ),
    )


def _shelved(on: Stage, folder: Path) -> Verdict:
    """Put other bytes on the shelf in place of a release."""
    with on.as_(DEVELOPER) as developer:
        release = developer.releases()[0].id
        sound = bool(developer.download(release, folder / "sound"))
        swapped = [path for path in (on.home.path / "shelf").rglob("*") if path.is_file()]
        before = {path: path.read_bytes() for path in swapped}
        for path in swapped:
            path.chmod(0o600)
            path.write_bytes(before[path] + b" ")
        try:
            developer.download(release, folder / "swapped")
            seen = "downloaded"
        except (TamperedError, ProblemError) as error:
            seen = f"refused: {type(error).__name__}"
        for path, content in before.items():
            path.write_bytes(content)
    return proven(
        seen,
        held=seen != "downloaded",
        control=controlled("unchanged, it is downloaded", works=sound),
    )


def _token(on: Stage) -> Verdict:
    """Use a token that differs in one letter from a good one."""
    good = on.tokens[DEVELOPER]
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    answer = on.ask(wrong, "GET", "/v1/jobs")
    sound = on.ask(DEVELOPER, "GET", "/v1/jobs")
    return proven(
        told(answer),
        held=answer.status_code == httpx2.codes.UNAUTHORIZED,
        control=controlled(told(sound), works=sound.is_success),
    )


def _revoked(on: Stage) -> Verdict:
    """Go on after the scenario was revoked: a running job ends, and none begins."""
    job = on.submit("import time\ntime.sleep(60)")
    running = on.rest(job, "running", "failed").state
    begun = time.monotonic()
    said = on.decide(CHIEF, "revoke")
    state = on.rest(job, seconds=30).state
    took = time.monotonic() - begun
    after, _ = _submitted(on, {"work": on.work("pass")})
    return proven(
        f"{state}; one submitted later: {after}",
        held=state == "stopped" and (after == "refused" or after.startswith("4")),
        control=controlled(f"before: {running}, revoked: {told(said)}", works=running == "running"),
        evidence=f"stopped after {took:.1f} s",
    )


def _scenario(on: Stage) -> Verdict:
    """Submit a changed plan under the approved one's number and version."""
    with on.as_(LEAD) as lead:
        plan = dict(lead.scenario(SCENARIO)["plan"])
    before = plan.get("privacy", {})
    plan["privacy"] = {**before, "k": 1, "min_cohort": 1}
    answer = on.ask(LEAD, "POST", "/v1/scenarios", plan)
    with on.as_(LEAD) as lead:
        now = lead.scenario(SCENARIO)
    kept = now["plan"].get("privacy", {}) == before and now["state"] == "active"
    return proven(
        f"{told(answer)}; the approved plan {'stands' if kept else 'changed'}",
        held=kept and not answer.is_success,
        control=controlled("the first plan was taken", works=True),
    )


def _row(
    name: str, said: Said, act: Callable[[Stage], Verdict], expected: str = "refused"
) -> Act[Stage]:
    return attempt(f"swap.{name}", Family.SWAPS, said, act, expected=expected)


_ENTRY = "UPDATE log_entry SET facts = '{\"forged\": 1}' WHERE seq = (SELECT MAX(seq) - 3 FROM log_entry)"
SWAPS: tuple[Act[Stage], ...] = (
    _row("image", Said(zh="换用未授权的镜像", en="runs on an image that was not granted"), _other(lambda on: {"work": on.work("pass", image=_reader(on))}, "admit.image")),
    _row("tag", Said(zh="以标签代替摘要", en="names the image by a tag"), _other(lambda on: {"work": on.work("pass", image="python:latest")}, "admit.image")),
    _row("output", Said(zh="换成未授权的输出", en="asks for an output that was not granted"), _other(lambda on: {"work": on.work("pass", "O7")}, "admit.output")),
    _row("asset", Said(zh="换成未授权的数据", en="asks for data that were not granted"), _other(lambda on: {"work": on.work("pass"), "assets": ["BP-TAXES"]}, "admit")),
    _row("column", Said(zh="换成未授权的字段", en="asks for a column that was not granted"), _other(lambda on: {"work": on.work("pass"), "columns": ["emp_title"]}, "admit")),
    _row("query_column", Said(zh="查询未授权的字段", en="queries a column that was not granted"), _other(_asked("grade, COUNT(emp_title) AS n"), "query")),
    _row("query_file", Said(zh="查询服务器上的文件", en="queries a file of the server"), _other(lambda _: {"work": {"kind": "query", "sql": "SELECT COUNT(*) AS n FROM read_csv('/etc/passwd')", "epsilon": "0.1", "output": "O1"}}, "query")),
    _row("query_rows", Said(zh="查询逐行数据", en="queries rows"), _other(lambda _: {"work": {"kind": "query", "sql": 'SELECT * FROM "BP-LOANS"', "epsilon": "0.1", "output": "O1"}}, "query")),
    _row("rival", Said(zh="借用他人的场景", en="works under somebody else's scenario"), _rival),
    _row("plan", Said(zh="批准后替换方案", en="replaces the plan after it was approved"), _scenario),
    _row("grant", Said(zh="在记录中抬高授权", en="raises what a grant allows, in the record"), _grant, "refused: admit.grant"),
    _row("log_entry", Said(zh="改写一条日志", en="rewrites one line of the log"), _rewritten("log_entry", _ENTRY), "found out"),
    _row("log_actor", Said(zh="改写日志中的责任人", en="names another person in the log"), _rewritten("log_entry", "UPDATE log_entry SET actor = 'nobody' WHERE seq = 2"), "found out"),
    _row("log_cut", Said(zh="删去日志末尾", en="cuts the end of the log off"), _rewritten("log_entry", "DELETE FROM log_entry WHERE seq > (SELECT MAX(seq) - 2 FROM log_entry)"), "found out"),
    _row("quarantine", Said(zh="复核后替换待审文件", en="puts other bytes in a held output's place"), _quarantined, "not released"),
    _row("shelf", Said(zh="替换已发布文件", en="puts other bytes in a release's place"), lambda on: _shelved(on, on.grounds.folder), "refused"),
    _row("token", Said(zh="改动令牌的一个字母", en="changes a letter of a token"), _token),
)  # fmt: skip
"""Every attempt of the family, while the scenario is active."""
ENDING: tuple[Act[Stage], ...] = (
    _row("revoked", Said(zh="撤销后继续运行", en="goes on after the scenario was revoked"), _revoked, "stopped, and none begins"),
)  # fmt: skip
"""The last attempt of all: it ends the scenario."""
