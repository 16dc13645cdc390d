"""Consents as they are given, withdrawn and listed by the channels that subjects give them through."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jobs.errors import NotFoundError
from jobs.grant import Grant, GrantState, PartyId, ScenarioId
from jobs.proof import bodies
from jobs.proof.consent import Consent, ConsentId, Receipt, Use, id_of
from jobs.proof.keys import PublicKey
from jobs.record import consents, documents, grants, releases
from jobs.record.database import Reading, Record, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.release import ReleaseId
from jobs.rules.admit import Refused
from jobs.rules.consents import Known, Offer, consent_reasons, refusal
from jobs.steps.facts import ASSETS
from jobs.steps.submit import Submitter
from sandbox.asset import Asset, AssetId, Kind
from sandbox.data.consent_marks import mark_of
from sandbox.errors import DataError
from sandbox.order import OutputForm
from sandbox.reason import Reason

CHANNEL = "consent.channel"
"""The kind of document that a channel's key is kept as; its id is the channel's party."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A consent, and what was released under it."""

    consent: Consent
    uses: tuple[Use, ...]
    models: frozenset[ReleaseId] = frozenset()
    """Those of the releases that have a model: what it learnt stays in it, so that people must look at it again."""


def register_channel(tx: Writing, party: PartyId, key: PublicKey, *, actor: str) -> None:
    """Let `party` hand in consents that this key signs; a new key takes the place of an old one."""
    fresh = Document(
        kind=CHANNEL, id=party, org=party, state="live", body=bodies.dump(key.text()), at=tx.now
    )
    event = Event("consent.channel_registered", party, actor, {"key": key.id})
    try:
        was = documents.get(tx, CHANNEL, party)
    except NotFoundError:
        documents.add(tx, fresh, event)
    else:
        documents.replace(tx, fresh, was_version=was.version, event=event)


def give(offer: Offer, *, by: Submitter, key: bytes, record: Record) -> Receipt | Refused:
    """Take in a consent; from here on its subject is known by its mark alone, keyed with `key`.

    Raises `ConflictError` where the same statement was given before, even if it was withdrawn.
    """
    with record.writing() as tx:
        known = _known(tx, offer, by.party)
        reasons = tuple(consent_reasons(offer, known))
        mark = _mark(offer.unit, known.asset, key)
        if reasons or mark is None:
            return _refused(tx, reasons or (refusal("unit"),), by)
        assert known.key is not None, "no signature verifies without a key"
        receipt = Receipt(
            id=id_of(offer.statement),
            mark=mark,
            statement=offer.statement,
            key=known.key.id,
            signature=offer.signed,
            at=tx.now,
        )
        said = receipt.statement
        told: dict[str, str | int] = {
            "scenario": said.scenario,
            "asset": said.asset,
            "times": said.times,
        }
        consents.add(tx, receipt, Event("consent.given", receipt.id, by.person, told))
        return receipt


def withdraw(consent: ConsentId, *, by: Submitter, record: Record) -> Given:
    """Withdraw a consent: the next read leaves its subject out, and what is not yet released stays in.

    Return it with the releases that it covered. Raises `NotFoundError` where this channel gave no such consent, and
    `OutOfOrderError` where it is withdrawn already.
    """
    with record.writing() as tx:
        if consents.get(tx, consent).receipt.statement.channel != by.party:
            raise NotFoundError(f"no consent {consent}")
        before = _with_uses(tx, consents.get(tx, consent))
        told: dict[str, str | int] = {"releases": len(before.uses), "models": len(before.models)}
        consents.withdraw(tx, consent, Event("consent.withdrawn", consent, by.person, told))
        return replace(before, consent=consents.get(tx, consent))


def given_by(unit: str, *, by: Submitter, key: bytes, record: Record) -> tuple[Given, ...]:
    """Return the consents that a subject gave through this channel, each with its uses, the oldest first."""
    with record.reading() as tx:
        found = [
            each
            for each in consents.of_marks(tx, frozenset(_marks(unit, key)))
            if each.receipt.statement.channel == by.party
        ]
        return tuple(_with_uses(tx, each) for each in found)


def _with_uses(tx: Reading, consent: Consent) -> Given:
    uses = tuple(consents.uses(tx, (consent.receipt.id,)))
    models = frozenset(each.release for each in uses if _has_model(tx, each.release))
    return Given(consent=consent, uses=uses, models=models)


def _has_model(tx: Reading, name: ReleaseId) -> bool:
    made = releases.get(tx, name)
    grant = grants.get(tx, made.grant).signed.grant
    terms = (grant.output(file.name) for file in made.files)
    return any(output is not None and output.form is OutputForm.MODEL for output in terms)


def _known(tx: Reading, offer: Offer, caller: PartyId) -> Known:
    return Known(
        caller=caller,
        key=_key(tx, caller),
        asset=_asset(tx, offer.statement.asset),
        grant=_grant(tx, offer.statement.scenario),
        now=tx.now,
    )


def _key(tx: Reading, party: PartyId) -> PublicKey | None:
    try:
        return PublicKey.parse(bodies.load(str, documents.get(tx, CHANNEL, party).body))
    except NotFoundError:
        return None


def _asset(tx: Reading, name: AssetId) -> Asset | None:
    """Return the asset in any version: what it keys its units by does not change between them."""
    papers = documents.versions(tx, ASSETS, name)
    return bodies.load(Asset, papers[-1].body) if papers else None


def _grant(tx: Reading, scenario: ScenarioId) -> Grant | None:
    live = [each.signed.grant for each in grants.listed(tx) if each.state is GrantState.LIVE]
    mine = [grant for grant in live if grant.scenario == scenario]
    return max(mine, key=lambda grant: grant.version, default=None)


def _mark(unit: str, asset: Asset | None, key: bytes) -> str | None:
    column = asset.column(asset.unit_column) if asset else None
    try:
        return mark_of(unit, column.kind, key) if column else None
    except DataError:
        return None


def _marks(unit: str, key: bytes) -> Iterator[str]:
    """Yield the marks that a unit may have: assets key their units by one kind of column or another."""
    for kind in Kind:
        try:
            yield mark_of(unit, kind, key)
        except DataError:
            continue


def _refused(tx: Writing, reasons: tuple[Reason, ...], by: Submitter) -> Refused:
    rules = ",".join(sorted({each.rule for each in reasons}))
    tx.note(Event("consent.refused", by.party, by.person, {"rules": rules}))
    return Refused(reasons)
