"""A whole domain of real processes, for tests that walk the straight line from end to end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import override

from gateway.cli.demo_town import EXAMPLES, SCENARIO, plan_on, settle
from gateway.cli.domain import opened
from gateway.cli.intake import enter
from gateway.cli.office import take_in
from gateway.cli.releases import trusted_keys
from gateway.client import ENDS, Client, Job
from gateway.home import Home, make_home
from jobs.proof.certificate import verify
from jobs.proof.statement import CertificateFacts
from sandbox.asset import ImageDigest
from sandbox.errors import EngineError

CANARY = "CANARY-7f3a9c"
"""Stands in every row of two columns of the data; it may appear in nothing that a developer can read."""
MISSING_IMAGE = "sha256:" + "5" * 64
JOB_SECONDS = 12
ROWS = 2000
_GRADES = ("A", "B", "C", "D", "E", "F", "G")
_STATES = ("CA", "NY", "TX", "FL", "OH")


PRIVATE_OUTPUTS = tuple(
    {
        "id": name,
        "form": form,
        "description": "由域内机制生成",
        "schema": [],
        "max_rows": 400,
        "max_bytes": 1 << 20,
        "frequency": "一次",
        "recipients": ["P-BANK"],
        "release_class": "auto_if_clean",
        "privacy_method": {"name": method, "epsilon": 0.5, "delta": 0},
    }
    for name, form, method in (("O4", "statistical_table", "dp"), ("O5", "model", "dp_model"))
)
"""What synthetic rows, blocks and models fill."""
FITTED: dict[str, Any] = {
    "id": "O6",
    "form": "model",
    "description": "作业自行拟合的风险模型",
    "schema": [],
    "max_rows": 0,
    "max_bytes": 1 << 20,
    "frequency": "一次",
    "recipients": ["P-BANK"],
    "release_class": "review",
    "privacy_method": {"name": "k_threshold", "k": 10},
}
"""What a job's own model fills, once both seats have signed what the gate measured."""


@dataclass(slots=True)
class Overheard(httpx2.BaseTransport):
    """Passes requests on, and keeps all that was answered to developers."""

    inner: httpx2.HTTPTransport = field(default_factory=httpx2.HTTPTransport)
    answers: list[bytes] = field(default_factory=list)

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.inner.handle_request(request)
        answer.read()
        self.answers.append(str(answer.headers).encode() + answer.content)
        return answer


@dataclass(slots=True)
class Domain:
    """One domain home and its processes, each of which a test may kill."""

    home: Home
    tokens: dict[str, str]
    image: str
    overheard: Overheard = field(default_factory=Overheard)
    up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run `shuyu up`, and wait until the gateway answers and the images are registered."""
        with (self.home.path / "run" / "up.log").open("ab") as log:
            command = [sys.executable, "-m", "gateway.cli.app", "up", "--home", str(self.home.path)]
            self.up = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._registered)
        until(self.answers)

    def kill(self, *programs: str) -> None:
        """Kill processes of this domain as a power cut would; `shuyu up` starts its own again."""
        for program in programs:
            found = self.pids(program)
            assert found, f"no {program} runs here"
            for pid in found:
                os.kill(pid, signal.SIGKILL)

    def pids(self, program: str) -> list[int]:
        """Return the processes of this domain, its Ray among them, whose command names `program`."""
        assert self.up is not None
        parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
        mine = {self.up.pid}
        for _ in range(8):
            mine |= {pid for pid, parent in parents.items() if parent in mine}
        return [pid for pid in mine - {self.up.pid} if program in _command(pid)]

    def stop(self) -> None:
        """End everything, as Ctrl-C does."""
        if self.up is not None:
            self.up.send_signal(signal.SIGINT)
            self.up.wait(40)

    def as_(self, person: str) -> Client:
        """Return the SDK's client as this person uses it."""
        spied = self.overheard if person.startswith("u-bank") else None
        return Client(self.home.url, self.tokens[person], transport=spied)

    def env(self, person: str) -> dict[str, str]:
        """Return what this person's commands find in their environment."""
        return {"SHUYU_URL": self.home.url, "SHUYU_TOKEN": self.tokens[person]}

    def approve(self) -> None:
        """Take the loan scenario through all its seats."""
        plan = plan_on(self.image)
        step = {**plan["processing"]["steps"][1], "id": "J3", "image_or_template": MISSING_IMAGE}
        plan["processing"]["steps"].append(step)
        plan["outputs"] += [*PRIVATE_OUTPUTS, FITTED]
        self.seat(plan)

    def seat(self, plan: Mapping[str, Any]) -> None:
        """Submit a plan, and take it through all its seats."""
        with self.as_("u-bank-lead") as lead:
            lead.submit_scenario(plan)
        for person, verb, more in (
            ("u-op", "forward", {}),
            ("u-prov", "approve", {"seat": "approve_scenario_provider"}),
            ("u-rev", "approve", {"seat": "approve_scenario_implementer"}),
        ):
            self.decide(person, verb, scenario=plan["scenario"], **more)

    def decide(
        self, person: str, verb: str, *, scenario: str = SCENARIO, **more: str
    ) -> dict[str, Any]:
        """Take one step on a scenario."""
        with self.as_(person) as caller:
            plan = caller.scenario(scenario)["digest"]
            judged = {"plan": plan} if verb in ("forward", "approve", "refuse", "return") else {}
            return caller.decide(scenario, verb, {"opinion": "已核对。", **judged, **more})

    def submit(
        self, program: str, *outputs: str, image: str = "", columns: Iterable[str] = ()
    ) -> str:
        """Submit a container job that runs `program`; return its id."""
        folder = self.home.path / "run" / "code"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(program, "utf-8")
        with self.as_("u-bank-dev") as bank:
            return bank.submit_container(
                SCENARIO,
                image=image or self.image,
                command=["python3", "/job/main.py"],
                outputs=outputs or ("O3",),
                code=folder,
                columns=tuple(columns),
            ).id

    def query(self, sql: str, epsilon: str = "0.05") -> Job:
        """Submit a query and follow it to its rest."""
        with self.as_("u-bank-dev") as bank:
            job = bank.submit_query(SCENARIO, sql, epsilon=epsilon, output="O1")
            return bank.wait(job.id, timeout=60)

    def answered(self, work: dict[str, Any]) -> Job:
        """Submit a private work and follow it to its rest."""
        with self.as_("u-bank-dev") as bank:
            return bank.wait(bank.submit(SCENARIO, work).id, timeout=90)

    def rest(self, job: str, *states: str) -> Job:
        """Follow a job to its rest, or to one of these states."""
        with self.as_("u-bank-dev") as bank:
            resting = frozenset(states) if states else ENDS | {"held"}
            return bank.wait(job, until=resting, timeout=90)

    def run(self, program: str, *outputs: str) -> Job:
        """Run a program as a container job to its rest."""
        return self.rest(self.submit(program, *outputs))

    def judge(self, job: str, person: str, seat: str, vote: str = "pass") -> dict[str, Any]:
        """Give one seat's verdict on a held job."""
        with self.as_(person) as reviewer:
            held = reviewer.held(job)
            words = dict.fromkeys(("compliance", "safety", "consistency"), "已核对")
            return reviewer.give_verdict(
                job,
                {
                    "seat": seat,
                    "epoch": held["epoch"],
                    "vote": vote,
                    "signed": [output["digest"] for output in held["outputs"]],
                    "reason": "已阅读全文",
                    **(words if seat == "verdict_operator" else {}),
                },
            )

    def fetched(self, job: Job, folder: Path) -> tuple[CertificateFacts, dict[str, bytes]]:
        """Download a job's release, verify its certificate offline; return what that states, and the files by name."""
        assert job.release is not None, (job.state, job.reasons)
        with self.as_("u-bank-dev") as bank:
            paths = bank.download(job.release, folder)
        files = {path.name: path.read_bytes() for path in paths}
        certificate = files.pop(f"{job.release}.json")
        found = verify(certificate, keys=trusted_keys(self.home.trusted), files=files)
        assert found.files_seen
        return found.facts, files

    def close(self) -> None:
        """End everything, and let go of the connections to it."""
        self.stop()
        self.overheard.inner.close()

    def told(self) -> dict[str, bytes]:
        """Return all that a developer, or an operator who reads logs, has been told so far."""
        logs = {path.name: path.read_bytes() for path in (self.home.path / "run").glob("*.log")}
        shelf = (path for path in (self.home.path / "shelf").rglob("*") if path.is_file())
        released = {f"shelf/{path.name}": path.read_bytes() for path in shelf}
        return {"answers": b"".join(self.overheard.answers), **logs, **released}

    def _registered(self) -> bool:
        try:
            for name, digest in IMAGES.items():
                enter(self.home, ImageDigest(digest), name=name)
        except EngineError:
            return False
        return True

    def answers(self) -> bool:
        try:
            return httpx2.get(f"{self.home.url}/v1/health").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False


def built_images() -> dict[str, str]:
    """Return the ids of the domain's own images, built where they are not yet."""
    script = Path(__file__).parents[2] / "images" / "build.sh"
    done = subprocess.run([script, "python", "reader"], check=True, capture_output=True, text=True)
    return dict(line.split("=", 1) for line in done.stdout.split())


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


IMAGES: dict[str, str] = {}


def until(reached: Any, seconds: float = 60) -> None:  # noqa: ANN401 - any question without words
    """Wait until something is so; fail where it never is."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.1)


def new_domain(path: Path, port: int, *, rows: int = ROWS) -> Domain:
    """Make a domain with the loan scenario's people and a small loan book full of canaries."""
    IMAGES.update(built_images())
    home = make_home(path, name="test.shuyu", port=port, mode="demo")
    settings = home.path / "shuyu.toml"
    text = settings.read_text("utf-8").replace("job_seconds = 600", f"job_seconds = {JOB_SECONDS}")
    settings.write_text(text, "utf-8")
    loans = path / "loans.parquet"
    pq.write_table(loan_book(rows), loans)
    with opened(home) as record:
        record.migrate()
        tokens = settle(record).of
        take_in(home, record, loans, EXAMPLES / "loans.toml", told=lambda _stage, _share: None)
    loans.unlink()
    return Domain(home, tokens, IMAGES["python"])


def loan_book(rows: int = ROWS) -> pa.Table:
    """Return the loans that the domain holds: the same each time."""
    dice = np.random.default_rng(7)
    secret = [f"{CANARY}-{number:05d}" for number in range(rows)]
    return pa.table(
        {
            "loan_id": pa.array(range(1, rows + 1), pa.int64()),
            "emp_title": secret,
            "state": dice.choice(_STATES, rows),
            "grade": dice.choice(_GRADES, rows),
            "homeownership": dice.choice(("MORTGAGE", "OWN", "RENT"), rows),
            "annual_income": dice.uniform(2e4, 2e5, rows).round(2),
            "loan_amount": dice.integers(1000, 40000, rows),
            "interest_rate": dice.uniform(5, 30, rows).round(2),
            "term": dice.choice((36, 60), rows),
            "debt_to_income": dice.uniform(0, 60, rows).round(2),
            "loan_status": secret,
        }
    )
