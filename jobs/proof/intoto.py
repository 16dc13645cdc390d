"""In-toto statements (v1) about named bytes: what certificates and manifests are written as."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field
from typing_extensions import TypeForm

from jobs.errors import RecordBrokenError
from jobs.proof.bodies import dump, load
from sandbox.asset import Digest

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREFIX = "sha256:"
Word = TypeVar("Word")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing that a statement is about, by its name and the SHA-256 of its bytes."""

    name: str
    digest: dict[str, str]

    @classmethod
    def of(cls, name: str, digest: Digest) -> "Subject":
        """Return the subject of this name and digest."""
        return cls(name=name, digest={"sha256": digest.removeprefix(_PREFIX)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    kind: Annotated[str, Field(alias="_type")]
    subject: tuple[Subject, ...]
    predicateType: str  # noqa: N815 - in-toto's word
    predicate: dict[str, Any]


def write(kind: str, subjects: tuple[Subject, ...], predicate: object) -> bytes:
    """Return the statement of predicate type `kind` about `subjects`, as canonical JSON."""
    statement: Mapping[str, object] = {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": kind,
        "predicate": predicate,
    }
    return dump(statement).encode()


def read(payload: bytes, kind: str, word: TypeForm[Word]) -> tuple[tuple[Subject, ...], Word]:
    """Return what the statement is about and what it says.

    Raise `RecordBrokenError` where it is no statement of predicate type `kind`.
    """
    statement = load(_Statement, payload)
    if (statement.kind, statement.predicateType) != (STATEMENT_TYPE, kind):
        raise RecordBrokenError(f"not an in-toto statement of type {kind}")
    return statement.subject, load(word, dump(statement.predicate))
