"""The journeys that a job can take, walked over the API as a patient person walks them: what was not answered is asked again."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import httpx2

from gateway.cli.demo_town import SCENARIO
from gateway.cli.intake import enter
from gateway.client import ENDS, Client, Job, ProblemError
from sandbox.asset import ImageDigest
from sandbox.errors import KeeperDownError
from tests.line.domain import MISSING_IMAGE, Domain

Answer = TypeVar("Answer")
PATIENCE = 240.0
"""Seconds after which even a patient person says that something was lost."""
SQL = 'SELECT state, grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY state, grade'
FORBIDDEN = 'SELECT grade, COUNT(emp_title) AS n FROM "BP-LOANS" GROUP BY grade'
_ROWS = """
import pyarrow as pa
import pyarrow.parquet as pq
loans = pq.read_table('/data/BP-LOANS/BP-LOANS.parquet')
rows = loans.group_by('grade').aggregate([
    ('loan_id', 'count'), ('loan_id', 'count_distinct'), ('interest_rate', 'mean'), ('loan_amount', 'sum'),
]).to_pylist()
"""
_TABLE = (
    _ROWS
    + """
with open('/out/O2.csv', 'w') as out:
    out.write('grade,n,units,avg_rate,total_amount\\n')
    for row in rows:
        out.write(','.join(map(str, (row['grade'], row['loan_id_count'], row['loan_id_count_distinct'],
                                     row['interest_rate_mean'], row['loan_amount_sum']))) + '\\n')
"""
)
_PARQUET = (
    _ROWS
    + """
names = ('grade', 'loan_id_count', 'loan_id_count_distinct', 'interest_rate_mean', 'loan_amount_sum')
heads = ('grade', 'n', 'units', 'avg_rate', 'total_amount')
pq.write_table(pa.table({head: [row[name] for row in rows] for head, name in zip(heads, names)}), '/out/O2.parquet')
"""
)
_REPORT = "open('/out/O3.md', 'w').write('# 报告\\n')"
_SLOW = "import time\ntime.sleep(3)\n" + _REPORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One way that a job can go: what is submitted, what is done on the way, and where it ends."""

    end: str
    sql: str = ""
    program: str = ""
    output: str = "O3"
    image: str = ""
    vote: str = ""
    """What the seats say where its outputs are held."""
    stop: str = ""
    """How it is stopped while it runs: `cancel` or `suspend`."""
    cut: bool = False
    """It runs already when the blow is prepared: whoever has it in hand dies with that."""
    registers: bool = False
    """Its image is registered once more before it is submitted."""


JOURNEYS: Mapping[str, Journey] = MappingProxyType(
    {
        "query": Journey(end="released", sql=SQL),
        "forbidden query": Journey(end="refused", sql=FORBIDDEN),
        "table": Journey(end="released", program=_TABLE, output="O2"),
        "parquet table": Journey(end="released", program=_PARQUET, output="O2"),
        "report": Journey(end="released", program=_REPORT, vote="pass"),
        "vetoed report": Journey(end="blocked", program=_REPORT, vote="block"),
        "empty table": Journey(end="blocked", program="open('/out/O2.csv', 'w')", output="O2"),
        "broken program": Journey(end="failed", program="1/0"),
        "missing image": Journey(end="refused", program=_REPORT, image=MISSING_IMAGE),
        "cancelled": Journey(end="stopped", program=_SLOW, stop="cancel"),
        "suspended": Journey(end="stopped", program=_SLOW, stop="suspend"),
        "cut report": Journey(end="released", program=_SLOW, vote="pass", cut=True),
        "report on an image anew": Journey(
            end="released", program=_REPORT, vote="pass", registers=True
        ),
    }
)
_SEATS = (("u-op", "verdict_operator"), ("u-sec", "verdict_security"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One job on its journey."""

    domain: Domain
    journey: Journey
    key: str
    """The idempotency key: however often it is sent, it is one job."""

    def whole(self) -> Job:
        """Take every step to the end and past it; return the job as its developer sees it then."""
        if self.journey.registers:
            patiently(self._register)
        job = self.submitted()
        if self.journey.stop:
            self.stopped(job.id)
        elif self.journey.vote and self._rest(job.id).state == "held":
            self.reviewed(job.id)
        job = self._rest(job.id, ENDS)
        if job.release:
            self.downloaded(job.release)
        return job

    def begun(self) -> None:
        """Submit it, and see it run."""
        self._rest(self.submitted().id, frozenset({"running"}))

    def submitted(self) -> Job:
        """Submit it, again and again until an answer comes."""
        return patiently(self._submit)

    def reviewed(self, job: str) -> None:
        """Have each seat look and say its word."""
        for person, seat in _SEATS:
            patiently(partial(self._judge, job, person, seat))

    def stopped(self, job: str) -> None:
        """Stop it once it runs."""
        self._rest(job, ENDS | {"running"})
        if self.journey.stop == "cancel":
            patiently(lambda: self._cancel(job))
            return
        turn(self.domain, "u-sec", "suspend", "suspended")
        turn(self.domain, "u-lead", "lift", "active")

    def downloaded(self, release: str) -> tuple[Path, ...]:
        """Take the files and the certificate home."""
        folder = self._folder() / "home"
        return patiently(lambda: self._with(lambda bank: bank.download(release, folder)))

    def _submit(self) -> Job:
        journey = self.journey
        if journey.sql:
            return self._with(
                lambda bank: bank.submit_query(
                    SCENARIO, journey.sql, epsilon="0.01", output="O1", key=self.key
                )
            )
        code = self._folder() / "code"
        code.mkdir(parents=True, exist_ok=True)
        (code / "main.py").write_text(journey.program, "utf-8")
        return self._with(
            lambda bank: bank.submit_container(
                SCENARIO,
                image=journey.image or self.domain.image,
                command=["python3", "/job/main.py"],
                outputs=(journey.output,),
                code=code,
                key=self.key,
            )
        )

    def _register(self) -> None:
        # a name of its own: what stands there already is not written again
        name = "-".join(re.findall("[a-z0-9]+", self.key.lower()))
        enter(self.domain.home, ImageDigest(self.domain.image), name=name)

    def _judge(self, job: str, person: str, seat: str) -> None:
        with self.domain.as_(person) as reviewer:
            try:
                held = reviewer.held(job)
            except ProblemError as error:
                if error.problem.status == httpx2.codes.NOT_FOUND:
                    return  # it is held no longer
                raise
        if seat not in {given["seat"] for given in held["verdicts"]}:
            self.domain.judge(job, person, seat, self.journey.vote)

    def _cancel(self, job: str) -> None:
        if self._with(lambda bank: bank.job(job)).state not in ENDS:
            self._with(lambda bank: bank.cancel(job))

    def _rest(self, job: str, states: frozenset[str] = ENDS | {"held"}) -> Job:
        return patiently(
            lambda: self._with(lambda bank: bank.wait(job, until=states, timeout=PATIENCE))
        )

    def _with(self, ask: Callable[[Client], Answer]) -> Answer:
        with self.domain.as_("u-bank-dev") as bank:
            return ask(bank)

    def _folder(self) -> Path:
        return self.domain.home.path / "run" / "walks" / self.key


def turn(domain: Domain, person: str, verb: str, reached: str) -> None:
    """Take one step on the scenario, unless an earlier try that was not answered has taken it."""

    def once() -> None:
        with domain.as_(person) as caller:
            state = caller.scenario(SCENARIO)["state"]
        if state != reached:
            domain.decide(person, verb)

    patiently(once)


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask until an answer comes: a gateway that was killed is back in a second."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (httpx2.TransportError, KeeperDownError):
            pass
        except ProblemError as error:
            if not _may_pass(error):
                raise
        assert time.monotonic() < end, "no answer came"
        time.sleep(0.1)


def _may_pass(error: ProblemError) -> bool:
    # a conflict: the state moved between the look and the step, and the next look will show it
    return error.problem.status >= 500 or error.problem.status == httpx2.codes.CONFLICT
