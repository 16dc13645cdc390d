"""A chart, a report and a model that a job fitted, from its container to the files that a user verifies."""

import csv
import hashlib
import io
import json
from html import unescape
from pathlib import Path

import pytest

from gateway.cli.demo_town import CHART, EXAMPLES, SCENARIO
from gateway.client import Job
from gateway.client.fitted import load
from sandbox.order import ReleaseClass
from tests.line.domain import CANARY, FITTED, Domain
from tests.line.reviewing import at_console, sign_at_console

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]
TABLE = """\
import pandas as pd
loans = pd.read_parquet("/data/BP-LOANS/BP-LOANS.parquet")
table = loans.groupby("grade", observed=True).agg(
    n=("loan_id", "size"), units=("loan_id", "nunique"),
    avg_rate=("interest_rate", "mean"), total_amount=("loan_amount", "sum"))
table.reset_index().to_csv("/out/O2.csv", index=False)
"""
DRAWN = f"""\
import json
chart = {{"data": {{"name": "O2"}}, "mark": "bar", "encoding": {{
    "x": {{"field": "grade", "type": "nominal", "title": "等级"}},
    "y": {{"field": "avg_rate", "type": "quantitative"}}}}}}
json.dump(chart, open("/out/{CHART["id"]}.json", "w"))
"""
REPORT = """\
open("/out/O3.md", "w", encoding="utf-8").write('''# 等级报告 Report by grade

A 级贷款笔数 loans of grade A: {{O2.row[grade=A].n}}

{{O2.table}}
''')
"""


def job_of(domain: Domain, folder: Path, *outputs: str) -> Job:
    """Run the program in `folder` to its rest."""
    with domain.as_("u-bank-dev") as bank:
        job = bank.submit_container(
            SCENARIO,
            image=domain.image,
            command=["python3", "/job/main.py"],
            outputs=outputs,
            code=folder,
        )
    return domain.rest(job.id)


def written(folder: Path, program: str) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(program, "utf-8")
    return folder


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def rows(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode())))


def test_a_chart_over_a_recomputed_table_leaves_with_it_without_a_person(
    domain: Domain, tmp_path: Path
) -> None:
    job = job_of(domain, written(tmp_path / "code", TABLE + DRAWN), "O2", CHART["id"])

    assert job.state == "released", (job.ended, job.reasons)
    facts, files = domain.fetched(job, tmp_path / "out")
    assert facts.release_class is ReleaseClass.SDC
    assert {file.file: (file.media_type, file.digest) for file in facts.files} == {
        "O2.csv": ("text/csv; charset=utf-8", digest(files["O2.csv"])),
        "O2-chart.svg": ("image/svg+xml", digest(files["O2-chart.svg"])),
    }
    drawn = unescape(files["O2-chart.svg"].decode())
    shown = [f"等级: {row['grade']}; avg_rate: {row['avg_rate']}" for row in rows(files["O2.csv"])]
    assert len(shown) == 7
    assert [one for one in shown if one not in drawn] == []
    assert CANARY not in drawn


@pytest.mark.req("H-06")
def test_a_report_is_filled_from_the_cleared_table_and_leaves_as_it_was_signed(
    domain: Domain, tmp_path: Path
) -> None:
    job = job_of(domain, written(tmp_path / "code", TABLE + REPORT), "O2", "O3")
    assert job.state == "held", (job.ended, job.reasons)
    with domain.as_("u-op") as operator:
        held = {each["output"]: each for each in operator.held(job.id)["outputs"]}

    signed = sign_at_console(domain, job.id)

    facts, files = domain.fetched(domain.rest(job.id, "released", "blocked"), tmp_path / "out")
    assert facts.release_class is ReleaseClass.REVIEWED
    assert sorted(files) == ["O2.csv", "O3.md"]
    assert digest(files["O3.md"]) == held["O3"]["digest"]
    assert held["O3"]["digest"] in signed
    assert {seat.seat for seat in facts.seats} == {"verdict_operator", "verdict_security"}
    report, first = files["O3.md"].decode(), rows(files["O2.csv"])[0]
    assert f"loans of grade A: {first['n']}\n" in report
    assert f"| {' | '.join(first.values())} |" in report
    assert report == held["O3"]["preview"]
    assert "{{" not in report


REMEMBERING = """\
import pandas as pd
from export import number, trees, write
from sklearn.tree import DecisionTreeClassifier

NUMBERS = ["annual_income", "loan_amount", "debt_to_income"]
loans = pd.read_parquet("/data/BP-LOANS/BP-LOANS.parquet")
tree = DecisionTreeClassifier(max_depth=8, random_state=7)
tree.fit(loans[NUMBERS], loans["grade"].isin(["D", "E", "F", "G"]))
write("/out/O6.json", target={"column": "grade", "positive": ["D", "E", "F", "G"]},
      inputs=[number(name) for name in NUMBERS], fitted=trees(tree))
"""


def with_export(code: Path) -> Path:
    (code / "export.py").write_bytes((EXAMPLES / "model" / "export.py").read_bytes())
    return code


def test_a_tree_that_remembers_single_loans_is_blocked_and_shown_to_nobody(
    domain: Domain, tmp_path: Path
) -> None:
    job = job_of(domain, with_export(written(tmp_path / "code", REMEMBERING)), FITTED["id"])

    assert (job.state, job.ended) == ("blocked", "finished")
    assert [reason.rule for reason in job.reasons] == ["egress.model_support"]
    assert all(reason.fix.zh and reason.fix.en for reason in job.reasons)
    with domain.as_("u-op") as operator:
        assert job.id not in [each["job"] for each in operator.review_queue()]


@pytest.mark.req("H-07")
def test_a_fitted_model_is_measured_signed_at_the_console_and_scored_outside(
    domain: Domain, tmp_path: Path
) -> None:
    example = (EXAMPLES / "model" / "main.py").read_text("utf-8")
    program = example.replace("/out/O4.json", "/out/O6.json")

    job = job_of(domain, with_export(written(tmp_path / "code", program)), FITTED["id"])
    assert job.state == "held", (job.ended, job.reasons)
    with at_console(domain, "u-op") as operator:
        page = operator.page(f"review/{job.id}")
    signed = sign_at_console(domain, job.id)

    facts, files = domain.fetched(domain.rest(job.id, "released", "blocked"), tmp_path / "out")
    content = files.pop("O6.json")
    model = load(content)
    assert files == {}
    assert [(file.media_type, file.digest) for file in facts.files] == [
        ("application/json", digest(content))
    ]
    assert signed == (digest(content),)
    assert "个影子模型" in page, "the seats read the exact figures"
    assert facts.checks[0].verdict == "held"
    assert json.loads(facts.checks[0].card or "{}") == model.card
    assert all(read.evidence for read in facts.inputs), "how anonymous the view was is under a seal"
    assert model.card["units"] == 2000
    assert 0 < model.card["bits_per_unit"] < 1
    assert [each["false_alarms"] for each in model.card["membership"]]
    assert all(0 < each["recognised_at_most"] < 1 for each in model.card["membership"])
    scores = model.scores(
        {
            "annual_income": [30_000, None],
            "loan_amount": [5_000, 40_000],
            "debt_to_income": [10, 20],
            "homeownership": ["RENT", "OWN"],
        }
    )
    assert all(0.4 < score < 0.75 for score in scores), "grades are drawn evenly: 4 of 7 are risky"
    assert CANARY.encode() not in content
