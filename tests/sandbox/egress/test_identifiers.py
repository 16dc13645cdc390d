"""Identifiers of people and enterprises are found in any disguise, and look-alikes are not.

Every identifier here is made up, or is the published example of its standard.
"""

import random

import pyarrow as pa
import pytest

from sandbox.egress.identifiers.check_digits import (
    CREDIT_ALPHABET,
    RESIDENT_CHECKS,
    RESIDENT_WEIGHTS,
    is_bank_card,
    is_credit_code,
    is_resident_id,
)
from sandbox.egress.identifiers.columns import scan_column
from sandbox.egress.identifiers.scan import scan_text
from sandbox.egress.verdict import Blocked, Held
from tests.sandbox.egress.conftest import Judge
from tests.sandbox.egress.examples import file, findings, output, rules, told

FOUND = {
    "证号11010519491231002X已登记": "CN_RESIDENT_ID",
    "ID:110105 19491231 002x.": "CN_RESIDENT_ID",
    "证号110105-19491231-002X": "CN_RESIDENT_ID",
    "证号11010519491231\u200b002X": "CN_RESIDENT_ID",
    "证号１１０１０５１９４９１２３１００２Ｘ": "CN_RESIDENT_ID",
    "老身份证 110105491231002 已失效": "CN_RESIDENT_ID_15",
    "代码91350100M000100Y43的企业": "CN_CREDIT_CODE",
    "手机13812345678,": "CN_MOBILE",
    "手机+86 138-1234-5678。": "CN_MOBILE",
    "手机一三八一二三四五六七八": "CN_MOBILE",
    "tel 008613812345678": "CN_MOBILE",
    "卡号4111111111111111请核对": "BANK_CARD",
    "卡号6222 0212 3456 7890 128请核对": "BANK_CARD",
    "邮箱zhang.san@qq.com请查收": "EMAIL_ADDRESS",
    "邮箱zhang＠qq．com请查收": "EMAIL_ADDRESS",
}
LOOK_ALIKES = (
    "110105194912310021",
    "110105199902300021",
    "AUC 0.13812345678",
    "total 138123456789",
    "13812345678.25",
    "4111111111111112",
    "4111111111111111111111",
    "91350100M000100Y44",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "mean@scale",
    "2018-03-11 12:30:15",
    "110105491231002",
)


@pytest.mark.parametrize("text", FOUND)
def test_an_identifier_is_found_in_its_disguise(text: str) -> None:
    assert FOUND[text] in {hit.kind.entity for hit in scan_text(f"第一行\n{text}\n")}
    assert FOUND[text] in scan_column(pa.chunked_array([[text, "x"], [None]]))


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_a_look_alike_is_not_flagged(text: str) -> None:
    assert list(scan_text(text)) == []


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("登录10.1.2.3成功", "IP_ADDRESS"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "IBAN_CODE"),
        ("ssn 536-90-4399", "US_SSN"),
        ("网卡00:1A:2B:3C:4D:5E在线", "MAC_ADDRESS"),
    ],
)
def test_kinds_of_other_countries_are_found_inside_chinese_sentences(
    text: str, entity: str
) -> None:
    assert {hit.kind.entity for hit in scan_text(text)} == {entity}


def test_whole_numbers_are_read_as_digits_too() -> None:
    phones = [13812345678, 13912345678, 5]

    assert scan_column(pa.chunked_array([phones])) == {"CN_MOBILE": 2}
    assert scan_column(pa.chunked_array([[float(p) for p in phones]])) == {"CN_MOBILE": 2}
    assert scan_column(pa.chunked_array([pa.array(["x@a.cn"] * 3).dictionary_encode()])) == {
        "EMAIL_ADDRESS": 3
    }


def test_the_header_gives_a_column_its_context() -> None:
    old = pa.chunked_array([["110105491231002"]])

    assert scan_column(old) == {}
    assert scan_column(old, header="身份证号") == {"CN_RESIDENT_ID_15": 1}


def test_one_wrong_character_breaks_a_check() -> None:
    chance = random.Random(11)
    body = "310101" + "19900101" + f"{chance.randrange(1000):03d}"
    total = sum(int(d) * w for d, w in zip(body, RESIDENT_WEIGHTS, strict=True))
    number = body + RESIDENT_CHECKS[total % 11]

    assert is_resident_id(number)
    for place in range(18):
        wrong = (
            number[:place]
            + str((int(number[place].replace("X", "0")) + 1) % 10)
            + number[place + 1 :]
        )
        assert not is_resident_id(wrong)


def test_the_examples_of_the_standards_pass() -> None:
    assert is_resident_id("11010519491231002X")
    assert is_credit_code("91350100M000100Y43")
    assert is_bank_card("4111111111111111")
    assert len(CREDIT_ALPHABET) == 31


@pytest.mark.parametrize(
    "artifact",
    [
        file("txt", "Ask zhang@example.cn about it.\n"),
        file("csv", "zhang@example.cn,auc\nx,1\n"),
        file("json", '{"13812345678": {"auc": 1}}'),
        file("json", '{"auc": 13812345678}'),
        file("json", '{"note": "\\u0031\\u00338123\\u00345678"}'),
        file("json", '{"note": ["a\\n13812345678\\nb"]}'),
        file("md", "emhhbmdAZXhhbXBsZS5jbiBhbmQgMTM4MTIzNDU2Nzg=\n"),
    ],
)
def test_an_identifier_keeps_an_output_in(artifact: object, judge: Judge) -> None:
    verdict = judge(artifact, output())

    assert isinstance(verdict, Blocked)
    assert any(rule.startswith("egress.identifier.") for rule in rules(verdict))
    assert "zhang" not in told(verdict)
    assert "1381" not in told(verdict)


def test_an_enterprises_code_goes_to_a_person(judge: Judge) -> None:
    verdict = judge(file("txt", "The largest borrower is\n91350100M000100Y43.\n"), output())

    assert isinstance(verdict, Held)
    assert findings(verdict)[0].reason.place == "line 2"
