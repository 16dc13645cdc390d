"""Attempts of a job to tell its developer more than the closed list: by how it ends, what it says, how long it takes.

Each sends a job that knows something of the data and tries to say it; the control is that whoever stands inside the domain does
hear it.
"""

import json
from collections.abc import Callable
from typing import Any

from gateway.attack.stage import DEVELOPER, RIVAL, SCENARIO, Stage, attempt, proven, told
from jobs.rules.learned import BUCKETS
from sandbox.attack.attempt import Act, Family, Verdict, controlled
from sandbox.reason import Said

CLOSED = frozenset(
    [
        "id",
        "scenario",
        "state",
        "ended",
        "duration",
        "submitted_at",
        "outputs",
        "reasons",
        "release",
    ]
)
"""All that the interface says of a job, beside a release."""
DURATIONS = frozenset({None, *(name for _, name in BUCKETS)})
_OWN = frozenset({"id", "submitted_at", "duration"})
"""What may differ between two jobs that ended alike: names, the developer's own clock, a bucket."""
_FIND = (
    "import glob\n"
    "raw = b''.join(open(name, 'rb').read() for name in glob.glob('/data/*/*'))\n"
    "place = raw.index(b'CANARY-')\n"
    "word = raw[place:place + 23].decode()\n"
)
"""Finds the canary in the files of a view, whatever these are."""


def _shown(on: Stage, job: str) -> dict[str, Any]:
    return dict(on.ask(DEVELOPER, "GET", f"/v1/jobs/{job}").json())


def _alike(*programs: str) -> Callable[[Stage], Verdict]:
    """Return an attempt to be told apart by how a program ends: all must be told alike."""

    def act(on: Stage) -> Verdict:
        jobs = [on.submit(program) for program in programs]
        for job in jobs:
            on.rest(job)
        seen = [{k: v for k, v in _shown(on, job).items() if k not in _OWN} for job in jobs]
        codes = {_inside(on, program) for program in programs}
        return proven(
            f"{len(programs)} programs, told in {len(_different(seen))} ways",
            held=len(_different(seen)) == 1,
            control=controlled(f"inside, {len(codes)} ways", works=len(codes) == len(programs)),
        )

    return act


def _different(seen: list[dict[str, Any]]) -> set[str]:
    return {json.dumps(one, sort_keys=True, ensure_ascii=False) for one in seen}


def _inside(on: Stage, program: str) -> str:
    """Run a program without walls, and say what the engine says of its end."""
    with on.grounds.unguarded.running({"attempts.py": program.encode()}) as (container, _):
        on.grounds.engine.ends_within(container, 30)
        return str(on.grounds.engine.inspect(container)["State"]["ExitCode"])


def _said(speak: str) -> Callable[[Stage], Verdict]:
    """Return an attempt to say a word of the data aloud: none of it may be told."""

    def act(on: Stage) -> Verdict:
        job = on.run(_FIND + speak)
        shown = json.dumps(_shown(on, job.id))
        kept = (path for path in (on.home.path / "quarantine").rglob("*") if job.id in str(path))
        heard = any(on.canary.encode() in path.read_bytes() for path in kept if path.is_file())
        leaked = on.canary in shown or on.canary.encode() in on.told()
        return proven(
            f"{job.state}; the word is {'told' if leaked else 'not told'}",
            held=not leaked,
            control=controlled("security staff hear it", works=heard),
        )

    return act


def _fields(on: Stage) -> Verdict:
    """Look for a field of a job that is not on the closed list."""
    job = on.run("raise SystemExit(3)")
    listed = on.ask(DEVELOPER, "GET", "/v1/jobs?limit=1").json()["items"][0]
    more = (set(_shown(on, job.id)) | set(listed)) - CLOSED
    return proven(
        f"{len(more)} fields beyond the list",
        held=not more,
        control=controlled(f"{len(listed)} fields are told", works=bool(listed)),
    )


def _clock(on: Stage) -> Verdict:
    """Read a number off the time that a job took."""
    job = on.run("import time\ntime.sleep(0.37)")
    told_of = _shown(on, job.id)["duration"]
    return proven(
        f"a bucket: {told_of}",
        held=told_of in DURATIONS,
        control=controlled(
            "the domain has the time to the millisecond", works=job.state in {"failed", "blocked"}
        ),
    )


def _others(path: str) -> Callable[[Stage], Verdict]:
    """Return an attempt of another party to learn of a job: it is told what it is told of one that is not."""

    def act(on: Stage) -> Verdict:
        job = on.run("raise SystemExit(3)").id
        there = on.ask(RIVAL, "GET", path.format(job))
        not_there = on.ask(RIVAL, "GET", path.format("J" + "0" * (len(job) - 1)))
        bodies = {
            one.text.replace(job, "").replace("J" + "0" * (len(job) - 1), "")
            for one in (there, not_there)
        }
        own = on.ask(DEVELOPER, "GET", path.format(job))
        return proven(
            f"{told(there)} where there is one, {told(not_there)} where there is none",
            held=not there.is_success
            and len(bodies) == 1
            and there.status_code == not_there.status_code,
            control=controlled(f"its own party: {told(own)}", works=own.is_success),
        )

    return act


def _shut(path: str) -> Callable[[Stage], Verdict]:
    """Return an attempt of a developer to read what is for security staff."""

    def act(on: Stage) -> Verdict:
        answer = on.ask(DEVELOPER, "GET", path)
        staff = on.ask("u-sec", "GET", path)
        return proven(
            told(answer),
            held=answer.status_code in {401, 403, 404},
            control=controlled(f"a security officer: {told(staff)}", works=staff.is_success),
        )

    return act


def _blocked(on: Stage) -> Verdict:
    """Leave rows, and read them in the reasons for the refusal."""
    program = (
        _FIND
        + "import pyarrow.parquet as pq\ntable = pq.read_table(glob.glob('/data/*/*.parquet')[0])\n"
        + "open('/out/O3.txt', 'w').write('\\n'.join(map(str, table.slice(0, 50).to_pylist())))"
    )
    job = on.run(program)
    leaked = on.canary.encode() in on.told()
    return proven(
        f"{job.state}; its reasons {'quote' if leaked else 'do not quote'} the data",
        held=not leaked and job.state in {"blocked", "held"},
        control=controlled(f"there are {len(job.reasons)} reasons", works=bool(job.reasons)),
    )


def _named(on: Stage) -> Verdict:
    """Ask for an output whose name carries words."""
    answer = on.ask(
        DEVELOPER, "POST", "/v1/jobs", {"scenario": SCENARIO, "work": on.work("pass", "O9")}
    )
    state = on.rest(answer.json()["id"]).state if answer.is_success else told(answer)
    sound = on.rest(on.submit("raise SystemExit(1)")).state
    return proven(
        state,
        held=state == "refused",
        control=controlled(f"a declared one runs: {sound}", works=sound == "failed"),
    )


def _row(name: str, said: Said, act: Callable[[Stage], Verdict], expected: str) -> Act[Stage]:
    return attempt(f"tell.{name}", Family.CHANNELS, said, act, expected=expected)


CHANNELS: tuple[Act[Stage], ...] = (
    _row("exit_code", Said(zh="以退出码传递数字", en="tells a number by its exit code"), _alike("raise SystemExit(3)", "raise SystemExit(77)", "raise SystemExit(254)"), "told alike"),
    _row("signal", Said(zh="以终止信号传递数字", en="tells a number by the signal that it dies of"), _alike("import os\nos.kill(os.getpid(), 31)\nraise SystemExit(31)", "import os\nos._exit(9)"), "told alike"),
    _row("exception", Said(zh="在异常文字中说出数据", en="says a word of the data in an exception"), _said("raise ValueError(word)"), "not told"),
    _row("class_name", Said(zh="以异常类名说出数据", en="names an exception after the data"), _said("raise type(word, (Exception,), {})()"), "not told"),
    _row("printed", Said(zh="打印数据", en="prints the data"), _said("print(word, flush=True)\nraise SystemExit(1)"), "not told"),
    _row("warned", Said(zh="在警告中说出数据", en="says it in a warning"), _said("import warnings\nwarnings.warn(word)\nraise SystemExit(1)"), "not told"),
    _row("report", Said(zh="写入待审报告", en="writes it into a report that people must read"), _said("open('/out/O3.txt', 'w').write(word)"), "not told"),
    _row("code_file", Said(zh="以出错的代码行号夹带", en="says it by a traceback of a file that it names so"), _said("exec(compile('1/0', word, 'exec'))"), "not told"),
    _row("fields", Said(zh="寻找清单之外的字段", en="looks for fields beyond the closed list"), _fields, "none"),
    _row("clock", Said(zh="以用时传递数字", en="tells a number by how long it takes"), _clock, "a bucket of five"),
    _row("reasons", Said(zh="从拒绝理由中读出数据", en="reads the data in the reasons of a refusal"), _blocked, "not told"),
    _row("names", Said(zh="以输出名夹带信息", en="carries words in the name of an output"), _named, "refused"),
    _row("rival_job", Said(zh="竞争者查询他人作业", en="has a rival ask for the job"), _others("/v1/jobs/{}"), "as if there were none"),
    _row("rival_wait", Said(zh="竞争者等待他人作业", en="has a rival wait for the job"), _others("/v1/jobs/{}/wait?timeout=0"), "as if there were none"),
    _row("review", Said(zh="开发人员读取待审队列", en="reads the queue of what is held"), _shut("/v1/review/queue"), "refused"),
    _row("egress_log", Said(zh="开发人员读取出域日志", en="reads the log of the filter's findings"), _shut("/v1/egress"), "refused"),
)  # fmt: skip
"""Every attempt of the family."""
