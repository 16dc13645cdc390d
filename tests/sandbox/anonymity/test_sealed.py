"""Sealed evidence: its digest can be held against it, and says nothing by itself."""

from dataclasses import replace

import pyarrow as pa
import pytest

from sandbox.anonymity.evidence import Evidence
from sandbox.anonymity.judge import Known, evidence_of
from sandbox.anonymity.sealed import as_json, seal, sealed_in
from sandbox.asset import AssetId
from sandbox.errors import DataError
from tests.sandbox.data.tables import CANARY

LOANS = AssetId("BP-LOANS")


def measured() -> Evidence:
    table = pa.table({"name": [CANARY] * 3, "unit": [1, 2, 3]})
    return evidence_of(table, (), unit="unit", known=Known(quasi=()))


def test_what_was_sealed_is_read_back_and_has_its_digest() -> None:
    sealed = [seal(LOANS, measured(), level=3), seal(LOANS, measured())]

    read = sealed_in(as_json(sealed, indent=2))

    assert read == tuple(sealed)
    assert [each.digest for each in read] == [each.digest for each in sealed]


def test_the_same_figures_have_another_digest_each_time_they_are_sealed() -> None:
    assert seal(LOANS, measured()).digest != seal(LOANS, measured()).digest


def test_another_figure_asset_level_or_salt_has_another_digest() -> None:
    one = seal(LOANS, measured(), level=2)
    others = [
        replace(one, evidence=replace(one.evidence, k=one.evidence.k + 1)),
        replace(one, asset=AssetId("BP-OTHER")),
        replace(one, level=3),
        replace(one, salt="0" * 64),
    ]

    assert len({each.digest for each in (one, *others)}) == 5


def test_evidence_of_before_it_was_sealed_is_still_read() -> None:
    old = (
        "[" + as_json([seal(LOANS, measured())]).split('"evidence":')[1].split(',"level"')[0] + "]"
    )

    (read,) = sealed_in(old)

    assert (read.evidence, read.salt) == (measured(), "")


@pytest.mark.parametrize("text", [f'"{CANARY}"', '[{"salt": 1}]', "{", "[1]"])
def test_what_is_no_sealed_evidence_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(DataError) as refused:
        sealed_in(text)

    assert CANARY not in str(refused.value)
