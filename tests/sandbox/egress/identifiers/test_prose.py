"""Chinese documents, formal and chat: what they hold is found, and hardly anything else."""

import os
from collections import Counter

import pytest

from sandbox.egress.identifiers.scan import scan_names, scan_text
from tests.sandbox.egress.identifiers.prose import CHAT, FORMAL, Written, bench

COUNT = 5000 if os.environ.get("SHUYU_EGRESS") == "long" else 500
ALIKE = {
    "PERSON_ADDRESSED": "PERSON",
    "TAX_NUMBER": "CN_CREDIT_CODE",
    "BANK_ACCOUNT": "BANK_CARD",
    "CREDIT_CARD_ANNOUNCED": "BANK_CARD",
}
"""Two right names of one thing."""


def f1(documents: list[Written]) -> tuple[float, Counter[str]]:
    """Return F1 over (document, kind), and what was wrong by kind."""
    found: list[set[str]] = [set() for _ in documents]
    text = "\n".join(f"{one.text}\n" for one in documents)  # a blank line: no words carry over
    for hit in (*scan_text(text), *scan_names(text)):
        found[(hit.line - 1) // 2].add(ALIKE.get(hit.kind.entity, hit.kind.entity))
    wrong: Counter[str] = Counter()
    right = 0
    for one, kinds in zip(documents, found, strict=True):
        right += len(kinds & one.holds)
        wrong.update(f"+{kind}" for kind in kinds - one.holds)
        wrong.update(f"-{kind}" for kind in one.holds - kinds)
    return 2 * right / (2 * right + wrong.total()), wrong


@pytest.mark.req("G-05")
@pytest.mark.parametrize(
    ("forms", "least"), [(FORMAL, 0.996), (CHAT, 0.992)], ids=["formal", "chat"]
)
def test_f1_on_made_up_documents(forms: tuple[str, ...], least: float) -> None:
    score, wrong = f1(bench(7, forms, COUNT))

    assert score >= least, wrong
