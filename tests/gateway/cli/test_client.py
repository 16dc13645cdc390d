import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import httpx2
import pytest
from typing_extensions import override

import gateway.client
from gateway.client import Client, Job, ProblemError, TamperedError, bundle
from gateway.client.words import job_of
from tests.gateway.api.domain import GRANT, IMAGE, SCENARIO
from tests.gateway.api.released import CERTIFICATE, TABLE, release
from tests.gateway.api.test_jobs_api import SQL
from tests.gateway.cli.conftest import Served


@dataclass
class LosesItsFirstAnswers(httpx2.BaseTransport):
    """A connection that breaks after the request has arrived."""

    losses: int
    seen: list[str] = field(default_factory=list)
    inner: httpx2.HTTPTransport = field(default_factory=httpx2.HTTPTransport)

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.inner.handle_request(request)
        self.seen.append(request.method)
        if len(self.seen) <= self.losses:
            answer.close()
            raise httpx2.ReadError("the line broke")
        return answer

    @override
    def close(self) -> None:
        self.inner.close()


def test_a_query_is_submitted_followed_and_cancelled(served: Served) -> None:
    seen: list[str] = []
    with served.client("dev") as client, served.client("dev") as other:
        job = client.submit_query(SCENARIO, SQL, epsilon="0.5", output="O1")
        Timer(0.3, lambda: other.cancel(job.id)).start()

        ended = client.wait(job.id, on_state=lambda job: seen.append(job.state), timeout=20)

    assert (job.state, ended.state, ended.over) == ("queued", "stopped", True)
    assert seen == ["queued", "stopped"]


def test_waiting_gives_up_in_its_time(served: Served) -> None:
    with served.client("dev") as client:
        job = client.submit_query(SCENARIO, SQL, epsilon="0.5", output="O1")

        with pytest.raises(TimeoutError):
            client.wait(job.id, timeout=0.2)


def test_a_container_takes_a_folder_along(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / "lib" / "__pycache__").mkdir(parents=True)
    (folder / "main.py").write_text("print(1)\n")
    (folder / "lib" / "a.py").write_text("")
    (folder / "lib" / "__pycache__" / "a.pyc").write_bytes(b"\0")
    (folder / ".secret").write_text("CANARY-7f3a")
    (folder / "link.py").symlink_to("/etc/passwd")

    with served.client("dev") as client:
        job = client.submit_container(
            SCENARIO, image=IMAGE, command=["python", "/job/main.py"], outputs=["O3"], code=folder
        )

    assert job.state == "queued"
    assert [file.name for file in bundle(folder)] == ["lib/a.py", "main.py"]


def test_a_container_names_the_assets_that_it_reads(served: Served) -> None:
    with served.client("dev") as client:
        job = client.submit_container(
            SCENARIO, image=IMAGE, command=["python"], outputs=["O3"], assets=["BP-OTHERS"]
        )

    assert job.state == "refused"
    assert (job.reasons[0].rule, job.reasons[0].place) == ("admit.asset", "BP-OTHERS")


def test_whom_a_job_asks_about_is_sent_with_it_and_never_comes_back(served: Served) -> None:
    with served.client("dev") as client, pytest.raises(ProblemError) as caught:
        client.submit_container(
            SCENARIO,
            image=IMAGE,
            command=["python"],
            outputs=["O3"],
            subjects=["CANARY-7f3a-subject"],
        )

    assert "CANARY" not in repr(caught.value.problem)
    assert caught.value.problem.status == 409  # this domain has no key for consents


def test_a_refusal_is_an_answer_with_typed_reasons(served: Served) -> None:
    with served.client("dev") as client:
        job = client.submit_query(SCENARIO, SQL, epsilon="0.5", output="O1", columns=["emp_title"])

    assert job.state == "refused"
    assert (job.reasons[0].rule, job.reasons[0].place) == ("admit.column", "emp_title")
    assert job.reasons[0].fix.zh


def test_a_mistake_is_an_exception_with_the_problem(served: Served) -> None:
    with Client(served.url, "nonsense") as client, pytest.raises(ProblemError) as caught:
        client.me()

    assert caught.value.problem.status == 401
    assert caught.value.problem.detail_zh


def test_a_lost_answer_is_asked_for_again_and_makes_one_job(served: Served) -> None:
    line = LosesItsFirstAnswers(losses=2)
    with Client(served.url, served.domain.tokens["dev"], transport=line) as client:
        job = client.submit_query(SCENARIO, SQL, epsilon="0.5", output="O1")

        assert [each.id for each in client.jobs()] == [job.id]

    assert line.seen == ["POST", "POST", "POST", "GET"]


def test_a_step_without_a_key_is_never_sent_twice(served: Served) -> None:
    line = LosesItsFirstAnswers(losses=1)
    with (
        Client(served.url, served.domain.tokens["chief"], transport=line) as client,
        pytest.raises(httpx2.ReadError),
    ):
        client.decide(SCENARIO, "revoke", {"opinion": "no"})

    assert line.seen == ["POST"]


def test_a_release_is_downloaded_with_its_certificate(served: Served, tmp_path: Path) -> None:
    release(served.domain)
    with served.client("dev") as client:
        paths = client.download("R-1", tmp_path / "out")

        assert client.releases()[0].files[0].size == len(TABLE)

    assert [path.name for path in paths] == ["O3.csv", "R-1.json"]
    assert [path.read_bytes() for path in paths] == [TABLE, CERTIFICATE]


@dataclass
class Tampers(httpx2.BaseTransport):
    """Somebody between us and the gateway who changes what files hold."""

    inner: httpx2.HTTPTransport = field(default_factory=httpx2.HTTPTransport)

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.inner.handle_request(request)
        if "/files/" not in request.url.path:
            return answer
        return httpx2.Response(200, content=answer.read() + b"C,1\n")

    @override
    def close(self) -> None:
        self.inner.close()


def test_a_file_that_was_changed_on_its_way_is_not_written(served: Served, tmp_path: Path) -> None:
    release(served.domain)
    with (
        Client(served.url, served.domain.tokens["dev"], transport=Tampers()) as client,
        pytest.raises(TamperedError),
    ):
        client.download("R-1", tmp_path)

    assert not (tmp_path / "O3.csv").exists()


def test_the_rest_of_the_api_is_at_hand(served: Served) -> None:
    with served.client("dev") as client:
        assert client.me().roles == ("developer_user",)
        assert client.grant(GRANT)["scenario"] == SCENARIO
        assert [asset["id"] for asset in client.assets()] == ["BP-LOANS"]
        assert {budget.left for budget in client.budgets()} == {"2"}
        assert client.scenarios() == []


def test_what_a_newer_gateway_adds_is_passed_over() -> None:
    body = {"id": "J-1", "scenario": "S", "state": "queued", "ended": None, "duration": None,
            "submitted_at": "", "outputs": ["O1"], "reasons": [], "release": None, "mood": 1}  # fmt: skip

    assert job_of(body) == Job(
        id="J-1", scenario="S", state="queued", ended=None, duration=None, submitted_at="",
        outputs=("O1",), reasons=(), release=None,
    )  # fmt: skip


def test_the_sdk_needs_httpx2_and_the_standard_library_only() -> None:
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for path in gateway.client.__path__
        for file in Path(path).glob("*.py")
        # scoring a released model takes numpy, and is imported on its own
        if file.name not in {"model.py", "fitted.py"}
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    others = {name for name in names if not name.startswith("gateway.client")}
    assert {name.partition(".")[0] for name in others} - sys.stdlib_module_names == {"httpx2"}
