"""Whatever JSON comes as a plan, the office answers with a plan or with reasons, never an error."""

from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.governance.assessment import assess
from gateway.governance.form import formed
from gateway.governance.grants import compile_grant
from gateway.governance.refusal import Refused
from gateway.governance.scenario import Scenario
from jobs.grant import PartyId
from jobs.proof import bodies
from sandbox.asset import Digest
from tests.gateway.governance.town import Town, loan_plan

Path = tuple[str | int, ...]
LEAF = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -1, 0, 1, 2**53 + 1]),
    st.floats(),
    st.text(max_size=40),
    st.sampled_from(["9999-12-31", "0001-01-01", "2028-02-29", "loan_id", "grade", "P-OP", "dp"]),
)
JSON = st.one_of(LEAF, st.lists(LEAF, max_size=3), st.dictionaries(st.text(max_size=8), LEAF))


def paths(value: object, at: Path = ()) -> Iterator[Path]:
    """Walk every place of a plan."""
    if at:
        yield at
    if isinstance(value, dict):
        for name, each in value.items():
            yield from paths(each, (*at, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from paths(each, (*at, index))


def put(plan: dict[str, Any], path: Path, value: object) -> None:
    found: Any = plan
    for part in path[:-1]:
        found = found[part]
    found[path[-1]] = value


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(sorted(paths(loan_plan()), key=str)), value=JSON)
def test_a_plan_with_anything_at_any_place_is_answered(
    quiet_town: Town, path: Path, value: object
) -> None:
    office, plan = quiet_town.office, loan_plan()
    put(plan, path, value)

    read = formed(plan, office.rules.schema)

    if isinstance(read, Refused):
        assert read.reasons
        return
    with office.record.reading() as tx:
        facts = office.facts(tx, read.jurisdiction, PartyId("P-BANK"))
    if not assess(read, facts):
        scenario = Scenario(
            id=read.scenario,
            version=read.version,
            state="in_local_assessment",
            jurisdiction=read.jurisdiction,
            title_zh=read.title_zh,
            title_en=read.title_en,
            developer=read.applicant.party,
            operator=read.operator.party,
            providers=(),
            plan="{}",
            digest=Digest("sha256:" + "1" * 64),
            rulebook="shanghai",
        )
        assert bodies.dump(compile_grant(read, scenario, facts))
