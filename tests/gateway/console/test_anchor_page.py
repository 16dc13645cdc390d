"""The page about anchors, for those who audit, and the banner that a fork puts over every page."""

from datetime import datetime

import pytest

from gateway.anchoring.attempt import Ledger
from gateway.anchoring.loop import Anchoring, Standing
from gateway.anchoring.offer import AnchoringError, ForkError, Offer, UnreachableError
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import anchors, log
from jobs.record.anchors import Anchor, AnchorState
from tests.gateway.console.desk import Desk, words
from tests.gateway.console.town import START

FORKED = "may have been forked"


class Deaf:
    """A target whose answer does not matter: the pages do not ask it."""

    name = "witness:w.test/1"

    def vouch(self, offer: Offer) -> bytes:
        raise UnreachableError(str(offer.since))

    def check(self, note: str, evidence: bytes) -> str:
        return f"{note} {evidence!r}"


@pytest.fixture
def key(desk: Desk) -> SigningKey:
    """Give the town's log a key that signs, in the place of one that it only knows."""
    made = SigningKey.unsaved("test/log")
    object.__setattr__(desk.town.rooms, "log_keys", KeyRing.of(made.public))
    return made


def keep(desk: Desk, state: AnchorState, *, size: int, error: AnchoringError | None = None) -> None:
    said = f"{error.kind}: {error}" if error else ""
    anchor = Anchor(
        target=Deaf.name, size=size, state=state, tries=1, note="n", error=said, at=START
    )
    with desk.town.record.writing() as tx:
        anchors.keep(tx, anchor, actor="system")


def loop(desk: Desk, *, key: SigningKey, standing: Standing | None = None) -> None:
    record = desk.town.record
    made = Anchoring(
        Ledger(record=record, keys=KeyRing.of(key.public)),
        (Deaf(),),
        every=3600,
        clock=desk.town.rooms.clock,
    )
    if standing:
        made._standing[Deaf.name] = standing
    desk.town.app.state.anchoring = made


def at(hour: int) -> datetime:
    return START.replace(hour=hour)


@pytest.mark.parametrize("person", ["u-audit", "u-sec"])
def test_who_audits_sees_each_target_and_how_far_it_is_behind(
    desk: Desk, key: SigningKey, person: str
) -> None:
    with desk.town.record.writing() as tx:
        size = log.checkpoint(tx, key).head.size
    keep(desk, AnchorState.HELD, size=size - 4)
    failed = Standing(
        state=AnchorState.FAILED, tries=3, error="unreachable: it does not answer", next_at=at(9)
    )
    loop(desk, key=key, standing=failed)

    page = words(desk.sit(person).get("/console/anchors?lang=en"))

    assert Deaf.name in page
    assert f"{size - 4} entries" in page
    assert f"Newest checkpoint: {size} entries" in page
    assert "It does not answer" in page
    assert "3 failures in a row" in page
    assert "2026-11-23 17:00" in page
    assert FORKED not in page


@pytest.mark.parametrize("person", ["u-bank-dev", "u-op", "u-prov"])
def test_nobody_else_has_the_page(desk: Desk, person: str) -> None:
    client = desk.sit(person)

    assert client.get("/console/anchors").status_code == 403
    assert "/console/anchors" not in client.get("/console").text


def test_a_fork_stands_over_every_page_of_those_who_audit(desk: Desk, key: SigningKey) -> None:
    error = ForkError("the witness cosigned another log of 5 entries")
    keep(desk, AnchorState.REFUSED, size=5, error=error)
    loop(desk, key=key, standing=Standing(state=AnchorState.REFUSED, next_at=at(9)))
    auditor, developer = desk.sit("u-audit"), desk.sit("u-bank-dev")

    for path in ("/console", "/console/egress", "/console/anchors"):
        assert FORKED in words(auditor.get(f"{path}?lang=en"))
    page = words(auditor.get("/console/anchors"))
    assert "another log of 5 entries" in page
    assert "shuyu anchor resolve" in page
    assert FORKED not in words(developer.get("/console?lang=en"))


def test_a_refusal_is_shown_though_no_loop_runs_here(desk: Desk) -> None:
    keep(desk, AnchorState.REFUSED, size=5, error=ForkError("another log"))

    assert "maybe a fork" in words(desk.sit("u-audit").get("/console/anchors?lang=en"))


def test_a_domain_without_targets_is_told_how_to_set_one(desk: Desk) -> None:
    page = words(desk.sit("u-audit").get("/console/anchors"))

    assert "未设置锚定目标" in page
    assert "日志尚无检查点" in page


def test_every_state_and_every_kind_of_failure_has_its_text(desk: Desk, key: SigningKey) -> None:
    client = desk.sit("u-audit")
    kinds = [each.kind for each in AnchoringError.__subclasses__()]

    for state in AnchorState:
        for kind in ("", *kinds, "record"):
            error = f"{kind}: why" if kind else ""
            loop(desk, key=key, standing=Standing(state=state, error=error, next_at=at(9)))
            assert client.get("/console/anchors").status_code == 200
