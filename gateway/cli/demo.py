"""`shuyu demo`: one story on real data, from an asset's registration to a scenario's revocation."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console

from gateway.cli.calling import FAILED, plain, say, table
from gateway.cli.demo_town import (
    CHART,
    EXAMPLES,
    SCENARIO,
    Tokens,
    plan_on,
    settle,
    write_loans,
)
from gateway.cli.domain import opened, telling
from gateway.cli.intake import enter
from gateway.cli.judging import judged
from gateway.cli.office import take_in
from gateway.cli.releases import trusted_keys
from gateway.client import Client, Job, ProblemError
from gateway.home import SETTINGS, Home, make_home, open_home
from jobs.grant import ScenarioId
from jobs.proof.certificate import verify
from jobs.record.audit import verify_log
from sandbox.asset import ImageDigest
from sandbox.errors import KeeperDownError

_SQL = 'SELECT state, grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY state, grade'
_UNGRANTED = 'SELECT grade, COUNT(emp_title) AS n FROM "BP-LOANS" GROUP BY grade'
_START_SECONDS = 90
_JOB_SECONDS = 120
_STOP_SECONDS = 5.0
Image = Annotated[str, typer.Option(help="NAME=sha256:… of images/build.sh; repeated.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the story: what had to happen, what did, and how long it took."""

    step: str
    wanted: str
    seen: str
    seconds: float

    @property
    def kept(self) -> bool:
        """Say whether it went as the story goes."""
        return self.wanted == self.seen


@dataclass(slots=True)
class Story:
    """The demonstration as it is told."""

    home: Home
    tokens: Tokens
    image: str
    steps: list[Step] = field(default_factory=list)

    def tell(self, title: str, wanted: str, act: Callable[[], str]) -> None:
        """Take one step, show it, and remember how it ended; an unforeseen problem is an outcome."""
        begun = time.monotonic()
        with Console(stderr=True).status(title):
            try:
                seen = act()
            except (ProblemError, TimeoutError, LookupError) as error:
                seen = str(error)
        step = Step(
            step=title, wanted=wanted, seen=seen, seconds=round(time.monotonic() - begun, 2)
        )
        self.steps.append(step)
        mark, style = ("✓", "green") if step.kept else ("✗", "red")
        plain(f"{mark} {title}  →  {seen}  ({step.seconds:.1f} s)", style=style)

    def as_(self, person: str) -> Client:
        """Return the SDK's client as this person uses it."""
        return Client(self.home.url, self.tokens.of[person])

    def ended(self, submit: Callable[[Client], Job]) -> Job:
        """Submit a job as the bank's developer and follow it to its rest."""
        with self.as_("u-bank-dev") as bank:
            return bank.wait(submit(bank).id, timeout=_JOB_SECONDS)

    def container(self, example: str, *outputs: str, **parameters: str) -> Job:
        """Run one of the examples as a container job."""
        return self.ended(lambda bank: self.submitted(bank, example, *outputs, **parameters))

    def submitted(self, bank: Client, example: str, *outputs: str, **parameters: str) -> Job:
        """Submit one of the examples."""
        return bank.submit_container(
            SCENARIO,
            image=self.image,
            command=["python3", "/job/main.py"],
            outputs=outputs,
            code=EXAMPLES / example,
            parameters={"seed": 7, **parameters},
        )


def demo(
    home: Annotated[
        Path, typer.Option(help="A new domain home; an old demo there is replaced.")
    ] = Path("demo-domain"),
    image: Annotated[list[str] | None, Image] = None,
    port: Annotated[int, typer.Option(help="The gateway's port.")] = 8711,
) -> None:
    """演示。 Tell one story on real data, end to end, and fail loudly where it goes otherwise."""
    images = dict(pair.split("=", 1) for pair in image or ())
    begun = time.monotonic()
    with telling():
        story = _prepared(home, port, images)
        with _running(story.home, images):
            _approval(story)
            _jobs(story)
            _revocation(story)
            _downloads(story)
        _proofs(story)
    _report(story, time.monotonic() - begun)


def _prepared(path: Path, port: int, images: dict[str, str]) -> Story:
    if path.exists() and open_home(path).settings.mode == "demo":
        shutil.rmtree(path)  # never a home that is not a demo's
    home = make_home(path, name="demo.shuyu", port=port, mode="demo")
    with opened(home) as record:
        record.migrate()
        tokens = settle(record)
        story = Story(home, tokens, images["python"])
        loans = home.path / "loans.parquet"
        meta = EXAMPLES / "loans.toml"

        def register() -> str:
            write_loans(loans)
            rows = take_in(home, record, loans, meta, told=lambda _stage, _share: None).rows
            loans.unlink()
            return f"{rows} rows"

        story.tell("登记数据资源 register the loan book", "10000 rows", register)
    return story


def _approval(story: Story) -> None:
    def submit() -> str:
        with story.as_("u-bank-lead") as lead:
            return str(lead.submit_scenario(plan_on(story.image))["state"])

    def decide(person: str, step: str, **more: str) -> str:
        with story.as_(person) as caller:
            digest = caller.scenario(SCENARIO)["digest"]
            body = {
                "opinion": "已核对目的、字段、期限和输出，符合最小必要原则。",
                "plan": digest,
                **more,
            }
            return str(caller.decide(SCENARIO, step, body)["state"])

    story.tell("提交场景方案 the bank submits its plan", "with_operator", submit)
    story.tell("运营机构转报 the operator forwards it", "in_local_assessment",
               lambda: decide("u-op", "forward"))  # fmt: skip
    story.tell("评估视图匿名程度，证据封存 the institution judges the view and seals the evidence",
               "BP-LOANS: GB/T 42460 level 2", lambda: _judged(story))  # fmt: skip
    seat = "approve_scenario_provider"
    story.tell("数据提供单位同意 the provider approves", "in_local_assessment",
               lambda: decide("u-prov", "approve", seat=seat))  # fmt: skip
    seat_too = "approve_scenario_implementer"
    story.tell("实施机构同意，签发授权 the institution approves", "active",
               lambda: decide("u-rev", "approve", seat=seat_too))  # fmt: skip


def _judged(story: Story) -> str:
    with opened(story.home) as record:
        found = judged(story.home, record, ScenarioId(SCENARIO), by="demo")
    return ", ".join(
        f"{each.sealed.asset}: GB/T 42460 level {each.levelled.level:d}" for each in found
    )


def _jobs(story: Story) -> None:
    def query(sql: str) -> Callable[[], str]:
        return lambda: (
            story.ended(
                lambda bank: bank.submit_query(SCENARIO, sql, epsilon="0.5", output="O1")
            ).state
        )

    story.tell("(a) 差分隐私表，自动放行 a DP table by state and grade", "released", query(_SQL))
    story.tell(
        "(b) 评分卡表由网关重算，图由网关绘制 a scorecard's table recomputed, its chart drawn",
        "released: O2.csv, O2-chart.svg",
        lambda: _drawn(story),
    )
    story.tell("(c) 自由格式报告 → 待审 a free-form report is held", "held",
               lambda: story.container("report", "O3").state)  # fmt: skip
    story.tell(
        "    两席位审核后放行 two seats read it and pass it", "released", lambda: _review(story)
    )
    story.tell("(d) 夹带原始数据 → 阻断 raw rows, plain and in base64", "blocked: egress.raw_rows",
               lambda: _blocked(story))  # fmt: skip
    story.tell("(e) 未授权列 → 拒绝 a column that was not granted", "refused: query.column",
               lambda: _refused(story.ended(lambda bank: bank.submit_query(
                   SCENARIO, _UNGRANTED, epsilon="0.5", output="O1"))))  # fmt: skip


def _drawn(story: Story) -> str:
    """Release the table and the chart of one job, and name their files."""
    job = story.container("scorecard", "O2", CHART["id"], chart=CHART["id"])
    if job.release is None:
        return _refused(job)
    with story.as_("u-bank-dev") as bank:
        files = bank.release(job.release).files
    return f"{job.state}: {', '.join(each.file for each in files)}"


def _review(story: Story) -> str:
    words = {
        "compliance": "用途与场景方案一致",
        "safety": "无逐行数据，无标识符",
        "consistency": "与申报的输出一致",
    }
    with story.as_("u-op") as operator:
        job = operator.review_queue()[0]["job"]
    for person, seat, more in (
        ("u-op", "verdict_operator", words),
        ("u-sec", "verdict_security", {}),
    ):
        with story.as_(person) as reviewer:
            held = reviewer.held(job)
            signed = [output["digest"] for output in held["outputs"]]
            verdict = {"seat": seat, "epoch": held["epoch"], "vote": "pass", "signed": signed,
                       "reason": "已阅读全文，仅含汇总指标。", **more}  # fmt: skip
            reviewer.give_verdict(job, verdict)
    with story.as_("u-bank-dev") as bank:
        return bank.wait(job, until=frozenset({"released", "blocked"}), timeout=_JOB_SECONDS).state


def _blocked(story: Story) -> str:
    job = story.container("hostile", "O3")
    rules = {reason.rule for reason in job.reasons}
    return (
        f"{job.state}: egress.raw_rows" if "egress.raw_rows" in rules else f"{job.state}: {rules}"
    )


def _refused(job: Job) -> str:
    return f"{job.state}: {', '.join(sorted({reason.rule for reason in job.reasons}))}"


def _revocation(story: Story) -> None:
    def stop() -> str:
        with story.as_("u-bank-dev") as bank, story.as_("u-lead") as lead:
            job = story.submitted(bank, "endless", "O3").id
            bank.wait(job, until=frozenset({"running"}), timeout=_JOB_SECONDS)
            begun = time.monotonic()
            lead.decide(SCENARIO, "revoke", {"opinion": "演示结束，撤销授权。"})
            state = bank.wait(job, timeout=_JOB_SECONDS).state
            within = time.monotonic() - begun <= _STOP_SECONDS
        return f"{state} within 5 s" if within else f"{state} after 5 s"

    story.tell("(f) 运行中撤销场景 → 停止 revoked while a job runs", "stopped within 5 s", stop)


def _downloads(story: Story) -> None:
    def take() -> str:
        with story.as_("u-bank-dev") as bank:
            found = bank.releases()
            for release in found:
                bank.download(release.id, story.home.path / "downloads" / release.id)
        return f"{len(found)} releases"

    story.tell("下载发布结果与凭证 download what was released", "3 releases", take)


def _proofs(story: Story) -> None:
    home = story.home

    def certificates() -> str:
        keys = trusted_keys(home.trusted)
        folder = home.path / "downloads"
        done = 0
        for release in sorted(folder.iterdir()):
            files = {path.name: path.read_bytes() for path in release.iterdir()}
            verify(files.pop(f"{release.name}.json"), keys=keys, files=files)
            done += 1
        return f"{done} verified"

    def whole() -> str:
        with opened(home) as record:
            verify_log(record, home.ring("log"))
        return "whole"

    story.tell("离线核验每份出域凭证 verify every certificate offline", "3 verified", certificates)
    story.tell("核验日志 verify the log", "whole", whole)


@contextmanager
def _running(home: Home, images: dict[str, str]) -> Iterator[None]:
    """Run the domain's processes, as `shuyu up` does, until the story is told."""
    log = (home.path / "run" / "up.log").open("wb")
    command = [sys.executable, "-m", "gateway.cli.app", "up", "--home", str(home.path)]
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # noqa: S603
    try:
        with Console(stderr=True).status(
            "启动容器管理进程、Ray 和网关 starting keeper, Ray and gateway"
        ):
            _await(process, home, images)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()


def _await(process: subprocess.Popen[bytes], home: Home, images: dict[str, str]) -> None:
    until = time.monotonic() + _START_SECONDS
    waiting = dict(images)
    while time.monotonic() < until and process.poll() is None:
        try:
            for name in tuple(waiting):
                enter(home, ImageDigest(waiting.pop(name)), name=name)
            if httpx2.get(f"{home.url}/v1/health").status_code == httpx2.codes.OK:
                return
        except (KeeperDownError, httpx2.TransportError):
            waiting = dict(images)
        time.sleep(0.2)
    say("运营域未能启动", f"the domain did not start: see {home.path / 'run' / 'up.log'}")
    raise typer.Exit(FAILED)


def _report(story: Story, seconds: float) -> None:
    rows = [(each.step, each.wanted, each.seen, f"{each.seconds:.1f}") for each in story.steps]
    table("演示 Demonstration", ("step", "the story", "what happened", "s"), rows)
    kept = all(each.kept for each in story.steps)
    body: dict[str, Any] = {
        "kept": kept,
        "seconds": round(seconds, 1),
        "steps": [asdict(each) for each in story.steps],
    }
    path = story.home.path / "demo-report.json"
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", "utf-8")
    path.chmod(0o600)
    plain(f"{seconds:.0f} s, report: {path}")
    if not kept:
        say("结果与故事不符", "an outcome differs from the story")
        raise typer.Exit(FAILED)
    plain("打开控制台 to open the console:  make serve")
    plain(
        f"  然后取一枚令牌 then take a token:  .venv/bin/shuyu token issue u-sec --home {story.home.path.name}"
    )
    plain(f"  {story.home.url}/console   ({SETTINGS}: {story.home.path})")
