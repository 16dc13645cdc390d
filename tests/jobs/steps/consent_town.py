"""The town with a scenario that reads by consents, a channel with its key, and people who consent."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

from jobs.grant import Grant, GrantId, PartyId, PersonId, ScenarioId
from jobs.job import ContainerWork, Job
from jobs.proof import bodies
from jobs.proof.consent import ConsentId, Receipt, Statement, sealed_subject
from jobs.proof.keys import SigningKey, Suite
from jobs.release import Release
from jobs.rules.admit import Refused
from jobs.rules.consents import Offer
from jobs.steps.consents import Given, give, given_by, register_channel, withdraw
from jobs.steps.release import release
from jobs.steps.submit import Submission, Submitter
from sandbox.asset import Kind
from sandbox.data.consent_marks import mark_of
from sandbox.egress.inspection import Cleared, Inspected
from sandbox.order import (
    ContainerOrder,
    Function,
    OpenedView,
    OutputColumn,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)
from tests.jobs.record.examples import IMAGE, SNAPSHOT
from tests.jobs.steps.town import CANARY, GRANT, LOANS, NOON, O3, O4, TABLE, Town, clear

O5 = OutputName("O5")
MARK_KEY = b"k" * 32
CHANNEL = Submitter(person=PersonId("P-clerk"), party=PartyId("suishenma"))
OTHER = Submitter(person=PersonId("P-other"), party=PartyId("bank-app"))
PEOPLE = tuple(f"{CANARY}-{number}" for number in range(4))
SCORES = OutputTerms(
    name=O4,
    form=OutputForm.SCORE_SERVICE,
    release=ReleaseClass.CONSENTED,
    columns=(
        OutputColumn(name="subject", type="string", function=Function.SUBJECT, source="person"),
        OutputColumn(name="score", type="float", function=Function.VALUE, source="amount"),
    ),
    max_rows=100,
    max_bytes=1 << 20,
)
CONSENTED: Grant = replace(
    GRANT,
    id=GrantId("SC-2.v1"),
    scenario=ScenarioId("SC-2"),
    assets=(
        replace(
            GRANT.assets[0],
            snapshot=SNAPSHOT,
            columns=("person", "state", "amount"),
            pseudonyms=("person",),
            consented=True,
        ),
    ),
    outputs=(*GRANT.outputs[:3], SCORES, replace(GRANT.outputs[1], name=O5, form=OutputForm.MODEL)),
)
SCORING = ContainerWork(image=IMAGE, command=("python", "main.py"), outputs=(O4,))
COUNTING = replace(SCORING, outputs=(O3,))
LEARNING = replace(SCORING, outputs=(O5,))


def mark(person: str) -> str:
    return mark_of(person, Kind.STRING, MARK_KEY)


def statement(person: str, **changes: object) -> tuple[Statement, str]:
    """Return what the person confirms, and its salt: the same each time for the same words."""
    salt = hashlib.sha256(repr((person, sorted(changes.items()))).encode()).digest()
    said = Statement(
        channel=CHANNEL.party,
        subject=sealed_subject(person, salt),
        asset=LOANS.id,
        columns=("state", "amount"),
        scenario=CONSENTED.scenario,
        recipient=CONSENTED.developer,
        valid_from=NOON - timedelta(days=1),
        valid_to=NOON + timedelta(days=30),
        times=3,
    )
    return replace(said, **changes), salt.hex()  # type: ignore[arg-type]  # the caller names real fields


@dataclass(frozen=True, slots=True)
class ConsentTown:
    """The town, and what consents need beside it."""

    town: Town
    key: SigningKey

    @classmethod
    def settled(cls, town: Town, suite: Suite = Suite.ED25519) -> Self:
        key = SigningKey.unsaved("suishenma", suite)
        town.issue(CONSENTED)
        with town.record.writing() as tx:
            register_channel(tx, CHANNEL.party, key.public, actor="P-adm")
        return cls(town, key)

    def offer(self, person: str, **changes: object) -> Offer:
        said, salt = statement(person, **changes)
        signature = self.key.sign(bodies.dump(said).encode())
        return Offer(
            statement=said, unit=person, salt=salt, signature=base64.b64encode(signature).decode()
        )

    def asked(self, offer: Offer, *, by: Submitter = CHANNEL) -> Receipt | Refused:
        return give(offer, by=by, key=MARK_KEY, record=self.town.record)

    def give(self, person: str, **changes: object) -> Receipt:
        answer = self.asked(self.offer(person, **changes))
        assert isinstance(answer, Receipt), answer
        return answer

    def withdraw(self, receipt: Receipt | ConsentId, *, by: Submitter = CHANNEL) -> Given:
        name = receipt.id if isinstance(receipt, Receipt) else receipt
        return withdraw(name, by=by, record=self.town.record)

    def own(self, person: str, *, by: Submitter = CHANNEL) -> tuple[Given, ...]:
        return given_by(person, by=by, key=MARK_KEY, record=self.town.record)

    def submit(self, work: ContainerWork = SCORING) -> Job:
        return self.town.ask(Submission(scenario=CONSENTED.scenario, work=work))

    def started(self, work: ContainerWork = SCORING) -> tuple[Job, tuple[str, ...]]:
        """Return a running job and the marks of those whom its view has."""
        job, order = self.town.start(self.submit(work))
        assert isinstance(order, ContainerOrder), job.reasons
        [view] = order.views
        assert isinstance(view, OpenedView)
        return job, view.live

    def decided(self, job: Job, subjects: Sequence[str] = ()) -> Job:
        """Run a job to its end and clear its output, which is about these people."""
        quarantined = self.town.ran(job)
        return self.town.decided(quarantined, Inspected((self.cleared(job, subjects),)))

    def cleared(self, job: Job, subjects: Sequence[str] = ()) -> Cleared:
        return replace(clear(job.outputs[0]), subjects=tuple(map(mark, subjects)))

    def approved(self, *subjects: str, work: ContainerWork = SCORING) -> Job:
        return self.decided(self.started(work)[0], subjects)

    def release(self, job: Job) -> Release:
        return release(
            job, (clear(job.outputs[0], TABLE),), hands=self.town.hands, seals=self.town.seals
        )
