"""Parties and the people in them: who they are, and which roles they hold."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.governance.duties import Duties
from gateway.governance.errors import IneligibleError
from jobs.grant import PartyId, PersonId
from jobs.proof import bodies
from jobs.record import documents
from jobs.record.database import Reading, Record
from jobs.record.event import Event
from sandbox.reason import Reason, Said

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}", re.ASCII)
_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An organisation that takes part."""

    id: PartyId
    kind: str
    """One of the kinds of the duties table, such as `developer` or `data_provider`."""
    name_zh: str
    name_en: str
    uscc: str
    """The unified social credit code (GB 32100-2015), 18 characters."""
    affiliates: tuple[PartyId, ...] = ()
    """Organisations under common control; one side's word is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A natural person, who acts for one party."""

    id: PersonId
    party: PartyId
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling: a person whose credential was checked, with the roles as they stand now."""

    person: PersonId
    party: PartyId
    party_kind: str
    roles: frozenset[str]


def add_party(record: Record, party: Party, *, by: str, duties: Duties) -> None:
    """Enter `party`; raise `IneligibleError` with the reasons, `ConflictError` for a taken id."""
    _demand(_party_reasons(party, duties))
    with record.writing() as tx:
        paper = documents.Document(
            kind="party",
            id=party.id,
            state="active",
            org=party.id,
            body=bodies.dump(party),
            at=tx.now,
        )
        documents.add(tx, paper, Event("party.added", party.id, by, {"kind": party.kind}))


def add_person(record: Record, person: Person, *, by: str, duties: Duties) -> None:
    """Enter `person` of a party that is entered already.

    Raises `IneligibleError` where a role is not of the party's kind or two key positions exclude
    each other (requirement K-07), `NotFoundError` without the party, `ConflictError` for a taken id.
    """
    with record.writing() as tx:
        _demand(_person_reasons(person, party_of(tx, person.party), duties))
        paper = documents.Document(
            kind="person",
            id=person.id,
            state="active",
            org=person.party,
            body=bodies.dump(person),
            at=tx.now,
        )
        facts = {"party": person.party, "roles": " ".join(person.roles)}
        documents.add(tx, paper, Event("person.added", person.id, by, facts))


def party_of(tx: Reading, party: str) -> Party:
    """Return the party of this id; raise `NotFoundError` without one."""
    return bodies.load(Party, documents.get(tx, "party", party).body)


def person_of(tx: Reading, person: str) -> Person:
    """Return the person of this id; raise `NotFoundError` without one."""
    return bodies.load(Person, documents.get(tx, "person", person).body)


def parties(tx: Reading) -> tuple[Party, ...]:
    """Return every party."""
    return tuple(bodies.load(Party, paper.body) for paper in documents.listed(tx, "party"))


def people(tx: Reading, *, party: PartyId | None = None) -> tuple[Person, ...]:
    """Return every person, or those of one party."""
    papers = documents.listed(tx, "person", org=party)
    return tuple(bodies.load(Person, paper.body) for paper in papers)


def affiliates(known: Sequence[Party], party: str) -> frozenset[PartyId]:
    """Return every party that `party` is tied to, through any chain of affiliates, without itself.

    Ties count in both directions: "indirectly" is read widely (Shanghai art. 17).
    """
    ties = {(each.id, other) for each in known for other in each.affiliates}
    both = ties | {(other, one) for one, other in ties}
    found = {PartyId(party)}
    while fresh := {other for one, other in both if one in found} - found:
        found |= fresh
    return frozenset(found - {party})


def uscc_is_sound(code: str) -> bool:
    """Say whether the check character is right (GB 32100-2015: weights 3^i modulo 31)."""
    if not _USCC.fullmatch(code):
        return False
    total = sum(_USCC_SIGNS.index(sign) * pow(3, at, 31) for at, sign in enumerate(code[:17]))
    return _USCC_SIGNS[-total % 31] == code[17]


def _party_reasons(party: Party, duties: Duties) -> Iterator[Reason]:
    if not _NAME.fullmatch(party.id):
        yield _no("party.id", "单位编号格式不正确", "the party's id is not a plain name")
    if party.kind not in duties.kinds:
        kinds = ", ".join(sorted(duties.kinds))
        yield _no("party.kind", f"单位类型须为：{kinds}", f"the kind must be one of: {kinds}")
    if not party.name_zh.strip() or not party.name_en.strip():
        yield _no("party.name", "缺少中文或英文名称", "the Chinese or English name is missing")
    if not uscc_is_sound(party.uscc):
        yield _no(
            "party.uscc",
            "统一社会信用代码的校验码不正确",
            "the check character of the unified social credit code is wrong",
        )


def _person_reasons(person: Person, party: Party, duties: Duties) -> Iterator[Reason]:
    if not _NAME.fullmatch(person.id):
        yield _no("person.id", "人员编号格式不正确", "the person's id is not a plain name")
    if not person.roles:
        yield _no("person.roles", "未指定任何角色", "no role is given")
    for role in person.roles:
        if role not in duties.roles or duties.roles[role].org != party.kind:
            yield _no(
                "person.role",
                f"类型为 {party.kind} 的单位不能授予该角色",
                f"a party of kind {party.kind} cannot give this role",
            )
    for one, other in duties.exclusions(person.roles):
        yield _no(
            "person.key_positions",
            f"{duties.roles[one].zh}与{duties.roles[other].zh}不得由同一人担任",
            f"one person may not be both {one} and {other}",
        )


def _demand(reasons: Iterator[Reason]) -> None:
    found = tuple(reasons)
    if found:
        raise IneligibleError(found)


def _no(rule: str, zh: str, en: str) -> Reason:
    return Reason(
        rule=rule,
        why=Said(zh=zh, en=en),
        fix=Said(zh="更正后重新登记", en="correct it and enter it again"),
        place=rule.partition(".")[2],
    )
