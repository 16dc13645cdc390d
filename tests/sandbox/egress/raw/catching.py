"""Says which stage of the filter catches a disguise, or who must."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

import numpy as np
import pandas as pd

from sandbox.egress.inspection import Inspection, inspect, reopen
from sandbox.egress.verdict import Blocked, Held, Verdict
from sandbox.order import Artifact, OutputName, OutputTerms
from tests.sandbox.egress.examples import output
from tests.sandbox.egress.raw.books import Book
from tests.sandbox.egress.raw.disguise import Disguise, Files, csv, of_csv

RAW = frozenset({"egress.raw_rows", "egress.raw_column", "egress.unit_keys"})
NEAR = 0.05
"""How far off a number may be that canonical bytes still tell, as a share of it."""


class Stage(StrEnum):
    """From the strictest."""

    CONTENT = "content"
    """Blocked: rows or columns of the source were found in it."""
    FORM = "form"
    """Blocked for what it is: a type that may not leave, something packed or encoded."""
    CANONICAL = "canonical form"
    """What would leave does not tell it any more."""
    WARNED = "person, warned"
    """Held with a finding."""
    PERSON = "person"
    """Held, as everything is that the gate did not compute itself."""
    NOBODY = "nobody"
    """It would leave."""


def thief_reads(disguise: Disguise, files: Files, stolen: pd.DataFrame, *, near: float) -> bool:
    """Whether most of the column can be read again, each number as near as that."""
    assert disguise.read is not None
    try:
        read = disguise.read(files)
    except (ValueError, LookupError, OverflowError, TypeError):
        return False
    wanted = stolen[disguise.column(stolen)].dropna()
    if wanted.dtype.kind not in "iuf":
        return set(map(str, wanted)) & set(read) != set()
    told = np.sort(np.array(read, float))
    if not len(told):
        return False
    wished = wanted.to_numpy(float)
    place = np.clip(np.searchsorted(told, wished), 1, len(told) - 1) if len(told) > 1 else 0
    miss = np.minimum(np.abs(told[place] - wished), np.abs(told[place - 1] - wished))
    return bool((miss <= near * np.abs(wished) + 1e-9).mean() >= min(0.5, 3 / len(wished)))


def artifacts(files: Files) -> tuple[list[Artifact], list[OutputTerms]]:
    """Return one artifact for each file, and its terms."""
    terms = [replace(output(), name=OutputName(f"O{i}")) for i in range(1, len(files) + 1)]
    each = zip(terms, files, strict=True)
    return [Artifact(t.name, suffix, content) for t, (suffix, content) in each], terms


def judged(files: Files, book: Book, *, guarded: bool = True) -> tuple[Verdict, ...]:
    """Return the verdicts on the files of one job."""
    came, terms = artifacts(files)
    return inspect(came, book.inspection(*terms, guarded=guarded)).verdicts


def rules(verdicts: Sequence[Verdict]) -> set[str]:
    found = [f for v in verdicts if isinstance(v, Blocked | Held) for f in v.findings]
    return {finding.reason.rule for finding in found}


def stage(disguise: Disguise, stolen: pd.DataFrame, book: Book) -> Stage:
    """Return the strictest stage that catches rows of `book` in a disguise."""
    files = disguise.hide(stolen)
    came, terms = artifacts(files)
    inspection = book.inspection(*terms)
    verdicts = inspect(came, inspection).verdicts
    if any(isinstance(verdict, Blocked) for verdict in verdicts):
        return Stage.CONTENT if rules(verdicts) & RAW else Stage.FORM
    if not all(isinstance(verdict, Held) for verdict in verdicts):
        return Stage.NOBODY
    left = _canonical(came, verdicts, inspection)
    if disguise.read is not None and not thief_reads(disguise, left, stolen, near=NEAR):
        return Stage.CANONICAL
    return Stage.WARNED if rules(verdicts) else Stage.PERSON


def _canonical(
    came: Sequence[Artifact], verdicts: Sequence[Verdict], inspection: Inspection
) -> Files:
    """Return what would leave once people sign it."""
    left = []
    for artifact, verdict in zip(came, verdicts, strict=True):
        assert isinstance(verdict, Held)
        cleared = reopen(artifact, inspection, signed=verdict.digest)
        left.append((cleared.file.rpartition(".")[2], _in_order(cleared.content, artifact)))
    return left


def _in_order(content: bytes, artifact: Artifact) -> bytes:
    """Return a table's columns in the thief's own order, which is known to whoever wrote it."""
    if artifact.suffix != "csv":
        return content
    names = of_csv(artifact.content).columns
    left = of_csv(content)
    return csv(left[names]) if set(names) == set(left.columns) else content
