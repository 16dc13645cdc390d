from typing import Any

import pytest
from fastapi.testclient import TestClient

from jobs.record import holds
from tests.gateway.api.domain import Domain
from tests.gateway.api.held import HELD, hold
from tests.gateway.api.released import TABLE, digest

SAID: dict[str, Any] = {
    "epoch": HELD.epoch,
    "seat": "verdict_operator",
    "vote": "pass",
    "compliance": "合规",
    "safety": "安全",
    "consistency": "一致",
    "reason": "同意发布",
    "signed": [digest(TABLE)],
}
SECURITY = {**SAID, "seat": "verdict_security"}


def judge(client: TestClient, said: dict[str, Any]) -> int:
    return client.post(f"/v1/review/{HELD.id}/verdict", json=said).status_code


def test_each_seat_gives_its_verdict_over_the_wire(domain: Domain) -> None:
    hold(domain)

    codes = [judge(domain.client("operator"), SAID), judge(domain.client("officer"), SECURITY)]

    assert codes == [200, 200]
    with domain.record.reading() as tx:
        given = holds.verdicts(tx, HELD.id, HELD.epoch)
    assert {(verdict.seat, verdict.person) for verdict in given} == {
        ("verdict_operator", "operator"),
        ("verdict_security", "officer"),
    }


@pytest.mark.parametrize(
    ("who", "said"), [("officer", SAID), ("operator", SECURITY), ("dev", SAID), ("auditor", SAID)]
)
def test_nobody_speaks_from_a_seat_that_is_not_theirs(
    domain: Domain, who: str, said: dict[str, Any]
) -> None:
    hold(domain)

    assert judge(domain.client(who), said) == 403
    with domain.record.reading() as tx:
        assert holds.verdicts(tx, HELD.id, HELD.epoch) == []


@pytest.mark.parametrize("missing", ["epoch", "seat", "vote", "reason", "signed"])
def test_a_verdict_without_its_parts_is_no_verdict(domain: Domain, missing: str) -> None:
    hold(domain)

    said = {part: value for part, value in SAID.items() if part != missing}
    assert judge(domain.client("operator"), said) == 422
