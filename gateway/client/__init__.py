"""The SDK: a developer's way to Shuyu from Python; it needs httpx2 and nothing else of Shuyu."""

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.client.wire import POLL_SECONDS, Wire
from gateway.client.words import (
    ENDS,
    Budget,
    File,
    Job,
    Me,
    Place,
    Problem,
    ProblemError,
    Reason,
    Release,
    ReleasedFile,
    Said,
    Stop,
    TamperedError,
    job_of,
    release_of,
    word,
)
from gateway.client.works import blocks_work, bundle, coded, query_work, sample_work, training_work

__all__ = [
    "ENDS",
    "Budget",
    "Client",
    "File",
    "Job",
    "Me",
    "Place",
    "Problem",
    "ProblemError",
    "Reason",
    "Release",
    "ReleasedFile",
    "Said",
    "Stop",
    "TamperedError",
    "bundle",
]


class Client(Wire):
    """All that a person can ask of a gateway."""

    def me(self) -> Me:
        """Ask who the token stands for."""
        return word(Me, self.get("/me"))

    def submit_query(  # noqa: PLR0913 - each is a part of what is asked, and all are named
        self,
        scenario: str,
        sql: str,
        *,
        epsilon: str,
        output: str,
        columns: Sequence[str] = (),
        key: str | None = None,
    ) -> Job:
        """Submit a differentially private query; `epsilon` is a decimal number such as "0.5"."""
        work = query_work(sql, epsilon=epsilon, output=output)
        return self.submit(scenario, work, columns=columns, key=key)

    def submit_container(  # noqa: PLR0913 - each is a part of what is asked, and all are named
        self,
        scenario: str,
        *,
        image: str,
        command: Sequence[str],
        outputs: Sequence[str],
        code: Path | None = None,
        parameters: Mapping[str, Any] | None = None,
        columns: Sequence[str] = (),
        assets: Sequence[str] = (),
        subjects: Sequence[str] = (),
        key: str | None = None,
    ) -> Job:
        """Submit a container job; `code` is a folder whose files are mounted at /job.

        `assets` are those that it reads, all that were granted where there are none; `subjects` the keys of those whom alone a
        verification or score service is asked about.
        """
        files = bundle(code) if code else ()
        work = {
            "kind": "container",
            "image": image,
            "command": list(command),
            "outputs": list(outputs),
            "parameters": dict(parameters or {}),
            "code": coded(files),
        }
        return self.submit(
            scenario, work, columns=columns, assets=assets, subjects=subjects, key=key
        )

    def submit_blocks(  # noqa: PLR0913 - each is a part of what is asked, and all are named
        self,
        scenario: str,
        *,
        image: str,
        command: Sequence[str],
        terms: Mapping[str, Any],
        output: str,
        code: Path | None = None,
        assets: Sequence[str] = (),
        key: str | None = None,
    ) -> Job:
        """Submit a program that runs on each of k blocks of units; `terms` as docs/blocks.md has them."""
        work = blocks_work(image=image, command=command, terms=terms, output=output, code=code)
        return self.submit(scenario, work, assets=assets, key=key)

    def submit_training(
        self, scenario: str, terms: Mapping[str, Any], *, output: str, key: str | None = None
    ) -> Job:
        """Submit a training; `terms` as docs/training.md has them."""
        return self.submit(scenario, training_work(terms, output=output), key=key)

    def submit_sample(  # noqa: PLR0913 - each is a part of what is asked, and all are named
        self,
        scenario: str,
        asset: str,
        *,
        rows: int,
        epsilon: str,
        output: str,
        key: str | None = None,
    ) -> Job:
        """Submit a synthetic sample of one asset, drawn from noisy counts."""
        return self.submit(
            scenario, sample_work(asset, rows=rows, epsilon=epsilon, output=output), key=key
        )

    def price(self, scenario: str, work: Mapping[str, Any]) -> dict[str, Any]:
        """Ask what a private work would cost and how exact it would be; no data is read."""
        return dict(self.post("/prices", {"scenario": scenario, "work": dict(work)}))

    def rows(self, scenario: str, asset: str, *, rows: int = 100, seed: int = 0) -> bytes:
        """Return CSV rows made up from the catalogue alone: a job's code can be tried on them, at no cost."""
        return self.fetch(f"/scenarios/{scenario}/assets/{asset}/rows?rows={rows}&seed={seed}")

    def submit(  # noqa: PLR0913 - each is a part of what is asked, and all are named
        self,
        scenario: str,
        work: Mapping[str, Any],
        *,
        columns: Sequence[str] = (),
        assets: Sequence[str] = (),
        subjects: Sequence[str] = (),
        key: str | None = None,
    ) -> Job:
        """Submit `work` as the wire has it; a repeated `key` answers with the first job."""
        body = {"scenario": scenario, "work": dict(work), "columns": list(columns)}
        body |= {"assets": list(assets), "subjects": list(subjects)}
        return job_of(self.post("/jobs", body, key=key or uuid.uuid4().hex))

    def explain(self, scenario: str, sql: str, *, epsilon: str, output: str) -> dict[str, Any]:
        """Ask what a query would cost and how exact it would be; no data is read."""
        body = {"scenario": scenario, "sql": sql, "epsilon": epsilon, "output": output}
        return dict(self.post("/queries/explain", body))

    def job(self, job: str) -> Job:
        """Ask how far a job has come."""
        return job_of(self.get(f"/jobs/{job}"))

    def jobs(self, *, state: str | None = None, limit: int = 50) -> tuple[Job, ...]:
        """List the newest jobs of the caller's party, at most `limit` (1 to 200)."""
        asked = {"limit": str(limit)} | ({"state": state} if state else {})
        return tuple(job_of(item) for item in self.get("/jobs", asked)["items"])

    def cancel(self, job: str) -> Job:
        """Stop a job that is queued or running."""
        return job_of(self.post(f"/jobs/{job}/cancel", {}))

    def place(self, job: str) -> Place:
        """Ask where a job failed or was blocked: it is charged to the scenario's allowance of places."""
        return word(Place, self.post(f"/jobs/{job}/place", {}))

    def wait(
        self,
        job: str,
        *,
        on_state: Callable[[Job], None] | None = None,
        until: frozenset[str] = ENDS | {"held"},
        timeout: float = float("inf"),
    ) -> Job:
        """Follow a job until it is in one of `until`; raise `TimeoutError` after `timeout` seconds."""
        end = time.monotonic() + timeout
        seen = self.job(job)
        while True:
            if on_state:
                on_state(seen)
            if seen.state in until:
                return seen
            seen = self._next(seen, end)

    def _next(self, seen: Job, end: float) -> Job:
        """Wait until the job is in another state than `seen`."""
        while (left := end - time.monotonic()) > 0:
            asked = {"state": seen.state, "timeout": f"{min(POLL_SECONDS, left):.1f}"}
            found = job_of(self.get(f"/jobs/{seen.id}/wait", asked))
            if found.state != seen.state:
                return found
        raise TimeoutError(f"job {seen.id} is still {seen.state}")

    def releases(self, *, limit: int = 50) -> tuple[Release, ...]:
        """List the newest releases of the caller's party."""
        return tuple(
            release_of(item) for item in self.get("/releases", {"limit": str(limit)})["items"]
        )

    def release(self, release: str) -> Release:
        """Ask what a release consists of."""
        return release_of(self.get(f"/releases/{release}"))

    def download(self, release: str, folder: Path) -> tuple[Path, ...]:
        """Write a release's files and certificate into `folder`; raise `TamperedError` on a wrong one."""
        found = self.release(release)
        wanted = [(file.file, f"/files/{file.name}", file.digest) for file in found.files]
        wanted.append((f"{found.id}.json", "/certificate", found.certificate))
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(
            _write(folder / Path(name).name, self.fetch(f"/releases/{release}{path}"), digest)
            for name, path, digest in wanted
        )

    def budgets(self) -> tuple[Budget, ...]:
        """List what is left for each asset and grant that the caller may know of."""
        return tuple(word(Budget, item) for item in self.get("/budgets")["items"])

    def assets(self) -> list[dict[str, Any]]:
        """List the catalogue: what is declared of each asset, and no data."""
        return list(self.get("/assets")["items"])

    def grant(self, grant: str) -> dict[str, Any]:
        """Ask what the caller's party may do under a grant."""
        return dict(self.get(f"/grants/{grant}"))

    def scenarios(self) -> list[dict[str, Any]]:
        """List the scenarios that the caller may know of."""
        return list(self.get("/scenarios")["items"])

    def scenario(self, scenario: str) -> dict[str, Any]:
        """Ask for one scenario: its plan, its state and the seats' opinions."""
        return dict(self.get(f"/scenarios/{scenario}"))

    def submit_scenario(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Submit a scenario plan, as shaped by the scenario schema."""
        return dict(self.post("/scenarios", dict(plan)))

    def decide(self, scenario: str, step: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Take one step on a scenario: forward, approve, refuse, return, suspend or another."""
        return dict(self.post(f"/scenarios/{scenario}/{step}", dict(body)))

    def review_queue(self) -> list[dict[str, Any]]:
        """List the jobs whose outputs wait for a verdict."""
        return list(self.get("/review/queue")["items"])

    def held(self, job: str) -> dict[str, Any]:
        """Look at a held job's outputs; the look itself is logged."""
        return dict(self.get(f"/review/{job}"))

    def give_verdict(self, job: str, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """Give one seat's verdict on a held job."""
        return dict(self.post(f"/review/{job}/verdict", dict(verdict)))

    def stop(self, scope: str, target: str, *, opinion: str) -> Stop:
        """Stop the whole domain (`all`), a `scenario`, or all that reads an `asset`."""
        body = {"scope": scope, "target": target, "opinion": opinion}
        return word(Stop, self.post("/stops", body))

    def stopped(self, stop: str) -> Stop:
        """Ask how far a stop has come."""
        return word(Stop, self.get(f"/stops/{stop}"))

    def resume(self, *, opinion: str) -> None:
        """Open a stopped domain again."""
        self.post("/stops/door/resume", {"opinion": opinion})


def _write(path: Path, content: bytes, digest: str) -> Path:
    if "sha256:" + hashlib.sha256(content).hexdigest() != digest:
        raise TamperedError(f"{path.name} does not have the digest that was released")
    path.write_bytes(content)
    return path
