"""The check as the gate asks it: where identifiers stand, what is only kept for people, what is honest."""

import hashlib
import json
import random
import string
from collections.abc import Callable, Sequence

import pandas as pd
import pytest

from sandbox.egress.checks.identifiers import identifiers
from sandbox.egress.exhibit import examine
from sandbox.egress.finding import Finding, Weight
from sandbox.egress.inspection import Inspection
from sandbox.order import Artifact, Function, OutputColumn, OutputTerms
from tests.sandbox.egress.examples import BY_GRADE, InProcessReader, file, output
from tests.sandbox.egress.identifiers.made import MAKERS, resident_id

InspectionOf = Callable[..., Inspection]
RULE = "egress.identifier."


@pytest.fixture
def found(inspection_of: InspectionOf) -> Callable[..., list[Finding]]:
    def ask(artifact: Artifact, terms: OutputTerms | None = None) -> list[Finding]:
        terms = terms or output()
        exhibit = examine(artifact, terms, InProcessReader())
        return list(identifiers(exhibit, inspection_of(terms)))

    return ask


Found = Callable[..., list[Finding]]


def english(finding: Finding) -> str:
    return finding.exact.en if finding.exact else ""


def csv(**columns: Sequence[object]) -> Artifact:
    return file("csv", pd.DataFrame(columns).to_csv(index=False))


@pytest.mark.req("G-05")
@pytest.mark.parametrize("entity", MAKERS)
def test_each_kind_is_found_in_a_table_a_document_and_a_report(entity: str, found: Found) -> None:
    made = [MAKERS[entity](random.Random(seed)) for seed in range(8)]

    for artifact in (
        csv(note=made, n=list(range(8))),
        file("json", json.dumps({"a": made}, ensure_ascii=False)),
        file("md", "\n".join(f"第{n}处:{text}。" for n, text in enumerate(made))),
    ):
        told = found(artifact)

        assert any(entity in english(finding) for finding in told), artifact.suffix
        assert not any(text in repr(told) for text in made)


def test_presidio_explains_what_stands_in_a_table_or_a_report(found: Found) -> None:
    made = [MAKERS["US_SSN"](random.Random(seed)) for seed in range(8)]

    for artifact in (csv(note=made), file("md", "\n".join(made))):
        [finding] = [one for one in found(artifact) if "US_SSN" in english(one)]

        assert "Presidio: 8/8" in english(finding)


def test_a_header_a_key_and_an_index_of_a_document_are_searched(found: Found) -> None:
    number = resident_id(random.Random(1))

    assert found(csv(**{number: [1, 2]}))[0].reason.place.startswith("header of column number 1")
    assert found(file("json", json.dumps({number: {"auc": 0.5}})))
    assert found(file("json", json.dumps({"x": [[{"y": {number: 1}}]]})))


def test_the_key_of_a_list_gives_its_items_their_context(found: Found) -> None:
    numbers = [3120000000 + 7 * n for n in range(9)]

    assert found(file("json", json.dumps({"电表表号": numbers})))
    assert found(file("json", json.dumps({"余额": numbers}))) == []


def test_an_enterprises_code_and_a_doubtful_column_go_to_a_person(found: Found) -> None:
    code = found(file("md", "最大的客户是 91350100M000100Y43。"))
    keys = found(csv(k=[hashlib.md5(str(n).encode()).hexdigest() for n in range(40)]))

    assert {finding.weight for finding in (*code, *keys)} == {Weight.REVIEW}


def test_a_column_of_numbers_is_read_as_identifiers_only_where_most_are(found: Found) -> None:
    phones = [13812345678 + 1357 * n for n in range(30)]
    sums = [10**10 + 987654321 * n for n in range(30)]

    assert found(csv(total=phones))
    assert found(csv(total=sums)) == []


def test_an_identifier_over_two_columns_is_found(found: Found) -> None:
    whole = [resident_id(random.Random(seed)) for seed in range(30)]

    told = found(csv(a=[text[:6] for text in whole], b=[text[6:] for text in whole]))

    assert "column number 1 to column number 2" in {finding.reason.place for finding in told}


def key_of(number: int) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


@pytest.mark.parametrize(
    "hide",
    [
        lambda key: hashlib.sha256(key.encode()).hexdigest(),
        lambda key: hashlib.md5(key.encode()).hexdigest().upper(),
        lambda key: key[::-1],
        " ".join,
        lambda key: key.encode().hex(),
        lambda key: "".join(chr(ord(c) + 0xFEE0) for c in key),
    ],
)
def test_keys_of_the_views_are_found_in_other_forms(
    hide: Callable[[str], str], found: Found
) -> None:
    honest = f"模型版本 {hide('0123456789abcdef0123456789abcdef')}"

    assert any("borrower" in one.reason.place for one in found(file("md", hide(key_of(7)))))
    assert not any("borrower" in one.reason.place for one in found(file("md", honest)))


def aggregate(seed: int) -> Artifact:
    """Make a table of counts, sums, means and shares by categories, as an honest job would write it."""
    chance = random.Random(seed)
    rows = chance.randint(2, 60)
    keys = chance.choice(
        (
            [
                chance.choice(("江苏省", "高新区", "马鞍山市", "石家庄市", "王店镇")) + str(n)
                for n in range(rows)
            ],
            [f"{2000 + n}-{chance.randint(1, 12):02d}" for n in range(rows)],
            [f"{n * 10000}-{n * 10000 + 9999}" for n in range(rows)],
            ["".join(chance.choices(string.ascii_lowercase, k=6)) for _ in range(rows)],
            [2000 + n for n in range(rows)],
        )
    )
    size = chance.choice((10**3, 10**6, 10**9, 10**11))
    table = pd.DataFrame(
        {
            chance.choice(("group", "地区", "year", "name")): keys,
            "n": [chance.randint(10, size) for _ in range(rows)],
            "people": [chance.randint(10, 10**5) for _ in range(rows)],
            chance.choice(("total", "余额合计")): [
                chance.randint(10**3, size * 10**3) for _ in range(rows)
            ],
            "mean": [chance.lognormvariate(8, 2) for _ in range(rows)],
            "share": [round(chance.random(), 4) for _ in range(rows)],
        }
    )
    match seed % 3:
        case 0:
            return file("csv", table.to_csv(index=False))
        case 1:
            return file("json", table.to_json(orient="records", force_ascii=False))
        case _:
            spaced = table.map(lambda cell: f"{cell:,}" if isinstance(cell, int) else cell)
            return file("md", spaced.to_string(index=False))


@pytest.mark.parametrize("first", range(0, 200, 40))
def test_nothing_is_found_in_200_honest_aggregates(first: int, found: Found) -> None:
    for seed in range(first, first + 40):
        assert found(aggregate(seed)) == [], seed


def test_nothing_is_found_in_a_declared_table_with_the_catalogues_labels(found: Found) -> None:
    labels = ["王店镇", "李家沱街道", "张江镇", "陈塘庄街道", "杨浦区", "黄浦区"]
    terms = output(
        columns=(
            OutputColumn(name="place", type="string", function=Function.DIMENSION),
            *BY_GRADE[1:3],
        )
    )

    assert found(csv(place=labels, n=[20] * 6, people=[20] * 6), terms) == []
