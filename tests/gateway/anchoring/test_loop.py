"""Attempts and the loop: on time, again after a failure, each target on its own, and never in the way."""

import logging
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anchoring.attempt import attempt
from gateway.anchoring.cosigner import Cosigner
from gateway.anchoring.loop import CEILING_SECONDS, FIRST_SECONDS, Anchoring, pause_after
from gateway.anchoring.offer import AnchoringError, ForkError, Offer, Target, UnreachableError
from jobs.job import JobState
from jobs.proof.cosignature import WitnessKey
from jobs.proof.keys import SigningKey
from jobs.record import anchors
from jobs.record.anchors import AnchorState
from jobs.record.database import Record
from tests.gateway.anchoring.outside import Domain, now
from tests.jobs.steps import town as towns
from tests.jobs.steps.town import Keys, Town


@dataclass
class Scripted:
    """A target that does what its script says, and vouches once the script has ended."""

    name: str = "hub:scripted"
    script: list[AnchoringError] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)

    def vouch(self, offer: Offer) -> bytes:
        self.offers.append(offer)
        if self.script:
            raise self.script.pop(0)
        return b"evidence"

    def check(self, note: str, evidence: bytes) -> str:
        return f"{note} {evidence!r}"


@contextmanager
def running(domain: Domain, *targets: Target, every: float = 0.02) -> Iterator[Anchoring]:
    anchoring = Anchoring(domain.ledger, targets, every=every, clock=now)
    stop = Event()
    threads = anchoring.start(stop)
    yield anchoring
    stop.set()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def soon(happens: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.005)


@contextmanager
def hanging() -> Iterator[Cosigner]:
    """Give a witness that takes a connection and never says a word."""
    key = WitnessKey.of(SigningKey.unsaved("witness.test/mute"))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        yield Cosigner(f"http://127.0.0.1:{mute.getsockname()[1]}", key=key, clock=now, seconds=1.5)


def test_a_log_without_a_checkpoint_has_nothing_to_offer(domain: Domain) -> None:
    domain.note()

    assert attempt(domain.ledger, Scripted()) is None
    assert domain.kinds() == []


def test_what_is_held_is_not_offered_again(domain: Domain) -> None:
    domain.grown(3)
    target = Scripted()

    first, second = attempt(domain.ledger, target), attempt(domain.ledger, target)

    assert first == second
    assert len(target.offers) == 1
    assert domain.kinds() == ["anchor.held"]


def test_each_offer_goes_on_from_what_is_held(domain: Domain) -> None:
    target = Scripted()
    sizes = []
    for _ in range(3):
        sizes.append(domain.grown(2).head.size)
        attempt(domain.ledger, target)

    assert [each.since for each in target.offers] == [0, *sizes[:-1]]


def test_a_refusal_is_not_asked_again_until_it_is_resolved(domain: Domain) -> None:
    domain.grown(3)
    target = Scripted(script=[ForkError("another log")])
    for _ in range(3):
        found = attempt(domain.ledger, target)
        assert found is not None
        assert found.state is AnchorState.REFUSED
    domain.grown(2)
    attempt(domain.ledger, target)

    with domain.record.writing() as tx:
        anchors.resolve(tx, target.name, by="admin:root", reason="a restored machine")
    held = attempt(domain.ledger, target)

    assert held is not None
    assert held.state is AnchorState.HELD
    assert len(target.offers) == 2
    assert domain.kinds() == ["anchor.refused", "anchor.resolved", "anchor.held"]


def test_a_failure_is_retried_until_it_is_held_and_told_once(
    domain: Domain, caplog: pytest.LogCaptureFixture
) -> None:
    domain.grown(3)
    target = Scripted(script=[UnreachableError("nobody")] * 4)

    with running(domain, target) as anchoring:
        soon(lambda: anchoring.standing[target.name].state is AnchorState.HELD)

    held = domain.newest(target.name)
    assert held is not None
    assert held.tries == 5
    assert domain.kinds() == ["anchor.failed", "anchor.held"]
    assert sum("does not vouch" in message for message in caplog.messages) == 1


def test_a_fork_is_loud_and_stays_until_a_person_has_looked(
    domain: Domain, caplog: pytest.LogCaptureFixture
) -> None:
    domain.grown(3)
    target = Scripted(script=[ForkError("another log")])

    with running(domain, target) as anchoring:
        soon(lambda: anchoring.forked)
        time.sleep(0.1)
        assert len(target.offers) == 1
        with domain.record.writing() as tx:
            anchors.resolve(tx, target.name, by="admin:root", reason="a restored machine")
        soon(lambda: not anchoring.forked)

    assert [each.levelno for each in caplog.records] == [logging.WARNING]
    assert "FORKED" in caplog.messages[0]


def test_a_target_that_hangs_holds_up_no_other(domain: Domain) -> None:
    domain.grown(3)
    other = Scripted()

    with hanging() as mute, running(domain, mute, other) as anchoring:
        soon(lambda: anchoring.standing[other.name].state is AnchorState.HELD)
        assert anchoring.standing[mute.name].state is AnchorState.WAITING


def test_a_record_that_does_not_answer_ends_no_thread(domain: Domain, tmp_path: Path) -> None:
    domain.grown(3)
    target = Scripted()
    (tmp_path / "record.db").rename(tmp_path / "away.db")

    with running(domain, target) as anchoring:
        soon(lambda: anchoring.standing[target.name].tries > 1)
        assert anchoring.standing[target.name].error.startswith("record: ")
        (tmp_path / "away.db").rename(tmp_path / "record.db")
        soon(lambda: anchoring.standing[target.name].state is AnchorState.HELD)


def test_without_targets_the_loop_does_nothing(domain: Domain) -> None:
    domain.grown(3)

    with running(domain) as anchoring:
        assert not anchoring.forked

    assert domain.kinds() == []


def test_a_release_goes_on_while_a_witness_hangs(migrated: Path, tmp_path: Path) -> None:
    shutil.copy(migrated, tmp_path / "town.db")
    record = Record.open(f"sqlite:///{tmp_path / 'town.db'}", clock=towns.Clock())
    town = Town(record=record, folder=tmp_path, clock=towns.Clock(), keys=Keys.fresh())
    town.settle()
    domain = Domain(record=record, key=town.keys.log)
    domain.sign()
    job = town.approved()

    with hanging() as mute:
        asking = Thread(target=attempt, args=(domain.ledger, mute), daemon=True)
        asking.start()
        time.sleep(0.2)
        begun = time.monotonic()
        town.release(job)
        took = time.monotonic() - begun
        assert asking.is_alive()
        asking.join(10)

    assert town.now(job).state is JobState.RELEASED
    assert took < 2
    assert domain.kinds() == ["anchor.failed"]
    record.close()


@given(
    tries=st.integers(1, 10**6),
    every=st.floats(1, 10**6),
    dice=st.floats(0, 1),
)
def test_pauses_grow_to_a_ceiling(tries: int, every: float, dice: float) -> None:
    pause = pause_after(tries, every=every, dice=dice)

    assert 0.5 * min(FIRST_SECONDS, every) <= pause <= min(every, CEILING_SECONDS)
    assert pause <= pause_after(tries + 1, every=every, dice=dice)


def test_many_domains_do_not_come_back_at_one_instant() -> None:
    pauses = {pause_after(5, every=3600, dice=dice / 10) for dice in range(11)}

    assert len(pauses) == 11
    assert max(pauses) == 2 * min(pauses) == 32
