"""The stage of these attempts: a whole domain of its own, with the deployment's engine, images and rulebooks, and invented data.

The record of the deployment itself only grows: attempts in it would stand there for ever, between what really happened. So they
are made in a domain that is new for each run and gone after it, run by the same programs.
"""

import base64
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from typing_extensions import override

from gateway.client import ENDS, Client, Job
from gateway.home import Home
from sandbox.attack.attempt import Act, Control, Family, Verdict, controlled
from sandbox.attack.grounds import Grounds
from sandbox.reason import Said

SCENARIO = "SC-SH-2026-0001"
LEAD, DEVELOPER, RIVAL = "u-bank-lead", "u-bank-dev", "u-rival-dev"
OPERATOR, PROVIDER, REVIEWER = "u-op", "u-prov", "u-rev"
OFFICER, CHIEF = "u-sec", "u-lead"
OUTSIDERS = (LEAD, DEVELOPER, RIVAL)
"""Those who must not learn anything of the data."""
_JOB_SECONDS = 120
_JUDGED = frozenset({"forward", "approve", "refuse", "return"})
"""Steps that name the digest of the plan that was read."""
Answer = httpx2.Response


@dataclass(slots=True, kw_only=True)
class Line(httpx2.BaseTransport):
    """Passes requests on over connections that many clients share, and keeps what was answered where it listens."""

    inner: httpx2.HTTPTransport = field(default_factory=httpx2.HTTPTransport)
    listens: bool = False
    answers: list[bytes] = field(default_factory=list)

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass one request on."""
        answer = self.inner.handle_request(request)
        answer.read()
        if self.listens:
            self.answers.append(str(answer.headers).encode() + answer.content)
        return answer

    @override
    def close(self) -> None:
        """Stay open: the next client uses it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One domain that runs, as its people reach it."""

    home: Home
    tokens: Mapping[str, str]
    image: str
    canary: str
    """Stands in every row of two columns of the data."""
    grounds: Grounds
    """The deployment beside it, for controls."""
    live: str
    """The address of the deployment's own gateway; empty where it does not answer."""
    line: Line = field(default_factory=Line)
    overheard: Line = field(default_factory=lambda: Line(listens=True))
    """The line of those who must not learn anything of the data."""

    def as_(self, person: str) -> Client:
        """Return the SDK's client as this person uses it."""
        return Client(self.home.url, self.tokens[person], transport=self._line(person))

    def ask(
        self,
        person: str,
        method: str,
        path: str,
        body: object = None,
        **headers: str,
    ) -> Answer:
        """Make one bare request, and return the answer whatever it is."""
        said = {"Authorization": f"Bearer {self.tokens.get(person, person)}", **headers}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if content is not None else {}
        url = f"{self.home.url}{path}"
        with httpx2.Client(transport=self._line(person), timeout=60) as client:
            return client.request(method, url, content=content, headers={**kind, **said})

    def _line(self, person: str) -> Line:
        return self.overheard if person in OUTSIDERS else self.line

    def work(self, program: str, *outputs: str, image: str = "") -> dict[str, Any]:
        """Return a container job as the wire has it."""
        return {
            "kind": "container",
            "image": image or self.image,
            "command": ["python3", "/job/main.py"],
            "outputs": list(outputs or ("O3",)),
            "parameters": {},
            "code": [{"name": "main.py", "content": _base64(program)}],
        }

    def submit(self, program: str, *outputs: str) -> str:
        """Submit a container job as the developer; return its id."""
        with self.as_(DEVELOPER) as developer:
            return developer.submit(SCENARIO, self.work(program, *outputs)).id

    def rest(self, job: str, *states: str, seconds: float = _JOB_SECONDS) -> Job:
        """Follow a job to its rest, or to one of these states; where that takes too long, return it as it is."""
        with self.as_(DEVELOPER) as developer:
            until = frozenset(states) if states else ENDS | {"held"}
            with suppress(TimeoutError):
                return developer.wait(job, until=until, timeout=seconds)
            return developer.job(job)

    def run(self, program: str, *outputs: str) -> Job:
        """Run a program as a container job to its rest."""
        return self.rest(self.submit(program, *outputs))

    def decide(self, person: str, verb: str, **more: str) -> Answer:
        """Take one step on the scenario, whatever comes of it."""
        if verb in _JUDGED:
            with self.as_(OPERATOR) as operator:
                more = {"plan": operator.scenario(SCENARIO)["digest"], **more}
        body = {"opinion": "已核对。", **more}
        return self.ask(person, "POST", f"/v1/scenarios/{SCENARIO}/{verb}", body)

    def verdict(self, job: str, person: str, seat: str, **more: Any) -> Answer:  # noqa: ANN401 - parts of a verdict
        """Give one seat's verdict on a held job, whatever comes of it."""
        shown = self.ask(person, "GET", f"/v1/review/{job}")
        held: dict[str, Any] = {"epoch": 1, "outputs": []}
        if shown.is_success:
            held = shown.json()
        words = dict.fromkeys(("compliance", "safety", "consistency"), "已核对")
        body = {
            "seat": seat,
            "epoch": held["epoch"],
            "vote": "pass",
            "signed": [output["digest"] for output in held["outputs"]],
            "reason": "已阅读全文",
            **(words if seat == "verdict_operator" else {}),
            **more,
        }
        return self.ask(person, "POST", f"/v1/review/{job}/verdict", body)

    def told(self) -> bytes:
        """Return all that developers have been answered so far."""
        return b"".join(self.overheard.answers)

    @contextmanager
    def copied(self) -> Iterator[Path]:
        """Give a copy of the record that may be tampered with."""
        folder = Path(tempfile.mkdtemp(dir=self.grounds.folder))
        source = sqlite3.connect(self.home.path / "record" / "record.db")
        copy = sqlite3.connect(folder / "record.db")
        try:
            source.backup(copy)
            copy.close()
            yield folder / "record.db"
        finally:
            source.close()
            shutil.rmtree(folder, ignore_errors=True)


def _base64(program: str) -> str:
    return base64.b64encode(program.encode()).decode()


def told(answer: Answer) -> str:
    """Say in a few words what a request came to: its status and the kind of its problem."""
    kind = ""
    with suppress(ValueError, AttributeError):
        kind = str(answer.json().get("type", "")).rpartition("/")[2]
    return f"{answer.status_code} {kind}".strip()


def refused(answer: Answer, sound: Answer) -> Verdict:
    """Return the verdict on a request that must be refused, where a sound one is not."""
    why = "the same, rightly made, is taken" if sound.is_success else "refused too"
    return Verdict(
        seen=told(answer),
        held=answer.is_client_error,
        control=controlled(why, works=sound.is_success),
    )


def proven(seen: str, *, held: bool, control: Control, evidence: str = "") -> Verdict:
    """Return a verdict."""
    return Verdict(seen=seen, held=held, control=control, evidence=evidence)


def attempt(  # noqa: PLR0913 - a row of a table, each by name
    name: str,
    family: Family,
    does: Said,
    act: Any,  # noqa: ANN401 - a function of the stage
    *,
    expected: str = "refused",
    uncontrolled: str = "",
) -> Act[Stage]:
    """Return an attempt on the whole domain."""
    return Act(
        name=name, family=family, does=does, expected=expected, act=act, uncontrolled=uncontrolled
    )
