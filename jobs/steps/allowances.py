"""What a year may cost and who counts as one: documents that the institution keeps."""

from dataclasses import dataclass, replace
from typing import TypeVar

from jobs.errors import NotFoundError
from jobs.proof import bodies
from jobs.record import documents
from jobs.record.database import Reading, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.rules.scopes import Grouping
from sandbox.asset import AssetId

RULE = "budget_rule"
LIMIT = "budget_limit"
GROUP = "budget_group"
Word = TypeVar("Word")


@dataclass(frozen=True, slots=True, kw_only=True)
class YearRule:
    """What one rulebook lets a year cost; pico-rho, nothing where it sets no ceiling."""

    rulebook: str
    """Its id and the SHA-256 of its merged values."""
    asset: int | None = None
    unit: int | None = None
    developer: int | None = None

    def ceiling(self, grouping: Grouping) -> int | None:
        """Return the ceiling of a group of this kind."""
        return self.unit if grouping is Grouping.UNIT else self.developer


@dataclass(frozen=True, slots=True, kw_only=True)
class YearLimit:
    """What the institution lets one asset cost in each year, in pico-rho."""

    rho: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Assets about the same people, or parties that could pool their answers."""

    grouping: Grouping
    name: str
    members: tuple[str, ...] = ()
    limit: int | None = None
    """What the institution lets it cost in each year, in pico-rho; nothing: it is only counted."""


def rule_of(tx: Reading, rulebook: str) -> YearRule | None:
    """Return the ceilings of the rulebook with this id, where they were made known to the record."""
    return _found(tx, RULE, rulebook, YearRule)


def limit_of(tx: Reading, asset: AssetId) -> YearLimit | None:
    """Return the institution's own limit for each year of an asset, where it set one."""
    return _found(tx, LIMIT, asset, YearLimit)


def groups(tx: Reading) -> tuple[Group, ...]:
    """Return every group, by kind and name."""
    return tuple(bodies.load(Group, paper.body) for paper in documents.listed(tx, GROUP))


def group_named(tx: Reading, grouping: Grouping, name: str) -> Group:
    """Return the group; one that was never kept has no members and no limit."""
    kept = _found(tx, GROUP, f"{grouping}:{name}", Group)
    return kept or Group(grouping=grouping, name=name)


def group_of(tx: Reading, grouping: Grouping, member: str) -> Group | None:
    """Return the one group of this kind that `member` is in, or nothing."""
    papers = documents.listed(tx, GROUP, org=grouping)
    known = (bodies.load(Group, paper.body) for paper in papers)
    return next((group for group in known if member in group.members), None)


def keep_rule(tx: Writing, rulebook: str, rule: YearRule, event: Event) -> bool:
    """Keep the ceilings of a rulebook; say whether anything was new in them."""
    return _keep(tx, Document(kind=RULE, id=rulebook, body=bodies.dump(rule), at=tx.now), event)


def keep_limit(tx: Writing, asset: AssetId, limit: YearLimit, event: Event) -> bool:
    """Keep the institution's limit for each year of an asset; say whether it was new."""
    return _keep(tx, Document(kind=LIMIT, id=asset, body=bodies.dump(limit), at=tx.now), event)


def keep_group(tx: Writing, group: Group, event: Event) -> bool:
    """Keep a group as it stands now; say whether anything of it was new."""
    name = f"{group.grouping}:{group.name}"
    paper = Document(kind=GROUP, id=name, org=group.grouping, body=bodies.dump(group), at=tx.now)
    return _keep(tx, paper, event)


def _found(tx: Reading, kind: str, name: str, word: type[Word]) -> Word | None:
    paper = _paper(tx, kind, name)
    return None if paper is None else bodies.load(word, paper.body)


def _paper(tx: Reading, kind: str, name: str) -> Document | None:
    try:
        return documents.get(tx, kind, name)
    except NotFoundError:
        return None


def _keep(tx: Writing, paper: Document, event: Event) -> bool:
    was = _paper(tx, paper.kind, paper.id)
    if was is None:
        documents.add(tx, paper, event)
        return True
    if was.body == paper.body:
        return False
    documents.replace(tx, replace(paper, version=was.version), was_version=was.version, event=event)
    return True
