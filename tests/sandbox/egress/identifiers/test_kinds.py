"""Each kind of identifier is found in Chinese and in English, with its check and its words; else it is not."""

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.identifiers import check_digits as check
from sandbox.egress.identifiers.kind import FAMILIES
from sandbox.egress.identifiers.kinds import BARE, KINDS
from sandbox.egress.identifiers.people import KEY, NAME
from sandbox.egress.identifiers.scan import scan_text
from tests.sandbox.egress.examples import quickly
from tests.sandbox.egress.identifiers.made import MAKERS, card, credit_code, resident_id, taiwan_id

WALLET = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
FOUND = {
    "CN_RESIDENT_ID": ("公民11010519491231002X到场", "ID 11010519491231002X."),
    "CN_RESIDENT_ID_15": ("身份证110105491231002", "id card: 110105491231002"),
    "CN_FOREIGN_RESIDENT": ("永久居留证ABC310080010112", "permanent residence ABC310080010112"),
    "CN_PASSPORT": ("护照号E12345678", "passport EA1234567"),
    "CN_TRAVEL_PERMIT": ("回乡证号H1234567801", "home return permit M12345678"),
    "HK_ID": ("持A123456(3)入境", "HKID A123456(3)"),
    "HK_ID_BARE": ("香港身份证A1234563", "HKID A1234563"),
    "MACAU_ID": ("澳门身份证12345678", "BIR 5123456(7)"),
    "TW_ID": ("台湾身份证A123456789", "Taiwan national id A123456789"),
    "CN_OFFICER_ID": ("军官证南字第20121234号", "officer 海字第20121234号"),
    "CN_SOCIAL_SECURITY": ("社保卡号A12345678", "social security card no. 12345678901"),
    "MEDICAL_RECORD": ("病历号0012345678", "MRN: 00123456"),
    "METER_NUMBER": ("电表表号3312345678", "meter number 3312345678"),
    "DATE_OF_BIRTH": ("出生日期:1984年5月6日", "born on 1984-05-06"),
    "PERSON_ADDRESSED": ("王建国先生到场", "Mr. John Smith came"),
    "CN_PLATE": ("车牌沪A12345停放", "car 粤BD12345"),
    "CN_MOBILE": ("手机13812345678", "call +86 138 1234 5678"),
    "CN_LANDLINE": ("电话021-58781234", "office (010) 62345678"),
    "CN_LANDLINE_LOCAL": ("传真58781234", "fax 02158781234"),
    "WECHAT": ("微信号zhang_san88", "WeChat: zhang_san88"),
    "WECHAT_ID": ("加wxid_a1b2c3d4e5f6好友", "id wxid_a1b2c3d4e5f6"),
    "QQ": ("QQ号123456789", "qq: 123456789"),
    "BANK_CARD": ("卡4111111111111111请核对", "card 4111-1111-1111-1111"),
    "BANK_ACCOUNT": ("收款账号31001234567", "bank account 310012345678"),
    "CN_CREDIT_CODE": ("代码91350100M000100Y43", "code 91350100M000100Y43"),
    "CN_ORGANISATION_CODE": ("组织机构代码00000000-0", "organisation code D2143569-X"),
    "TAX_NUMBER": ("纳税人识别号310101123456789", "tax id 310101123456789"),
    "VIN": ("车架1M8GDM9AXKP042788登记", "VIN 1M8GDM9AXKP042788"),
    "COORDINATES": ("坐标31.230416,121.473701", "GPS 31.230416, 121.473701"),
    "CN_ADDRESS": ("住在张杨路500号2栋1201室", "at 张杨路500号"),
    "EMAIL_ADDRESS": ("邮箱zhang@qq.com请查收", "mail zhang@qq.com now"),
    "PHONE_NUMBER": ("拨+44 20 7946 0958找他", "call (415) 555-2671"),
    "PHONE_NUMBER_LOCAL": ("联系 phone: 439 4166", "call me on (07700) 553419"),
    "CREDIT_CARD_ANNOUNCED": ("卡号是 180079807935974", "my card number is 4218196001337"),
    "CREDIT_CARD": ("卡378282246310005扣款", "card 3782 822463 10005"),
    "IBAN_CODE": ("汇到GB82WEST12345698765432账上", "IBAN GB82 WEST 1234 5698 7654 32"),
    "US_SSN": ("号536-90-4399的人", "ssn 536-90-4399"),
    "US_ITIN": ("号912-70-1234的人", "itin 912-70-1234"),
    "FOREIGN_DOCUMENT": ("持passport 533401372", "driver's license D1234567"),
    "UK_NHS": ("NHS号943 476 5919", "NHS number 943 476 5919"),
    "IMEI": ("串号490154203237518", "device 352099001761481"),
    "IP_ADDRESS": ("登录10.1.2.3成功", "from 10.1.2.3 today"),
    "IPV6_ADDRESS": ("地址2001:db8::8a2e:370:7334在线", "from 2001:db8::8a2e:370:7334"),
    "MAC_ADDRESS": ("网卡00:1A:2B:3C:4D:5E在线", "mac 00-1A-2B-3C-4D-5E"),
    "CRYPTO": (f"转到{WALLET}即可", "to bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    "ADDRESS": ("住221 Baker Street附近", "at 221 Baker Street, London"),
    "ADDRESS_ANNOUNCED": ("他的address: 9 Elm Close", "lives at 72 Republica"),
}


def entities(text: str) -> set[str]:
    return {hit.kind.entity for hit in scan_text(text)}


def test_every_kind_has_an_example() -> None:
    assert set(FOUND) == {kind.entity for kind in KINDS}


@pytest.mark.req("G-05")
@pytest.mark.parametrize("entity", FOUND)
def test_a_kind_is_found_in_chinese_and_in_english(entity: str) -> None:
    for text in FOUND[entity]:
        assert entity in entities(text), text


CONTEXTUAL = {kind.entity: kind for kind in KINDS if kind.context}


@pytest.mark.parametrize("entity", CONTEXTUAL)
def test_without_its_words_a_weak_number_is_not_taken_for_it(entity: str) -> None:
    kind = CONTEXTUAL[entity]
    for text in FOUND[entity]:
        number = next(m[0] for m in kind.compiled.finditer(text) if kind.accepts(m))

        assert entity not in entities(f"共 {number} 笔 and no more")


CHECKED: tuple[tuple[Callable[[random.Random], str], Callable[[str], bool]], ...] = (
    (resident_id, check.is_resident_id),
    (card, check.is_bank_card),
    (credit_code, check.is_credit_code),
    (taiwan_id, check.is_taiwan_id),
)


@pytest.mark.parametrize(("make", "is_right"), CHECKED)
def test_one_wrong_digit_breaks_the_check(
    make: Callable[[random.Random], str], is_right: Callable[[str], bool]
) -> None:
    number = make(random.Random(17))

    assert is_right(number)
    for place in (n for n, character in enumerate(number) if character.isdigit()):
        wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        assert not is_right(wrong), place


def test_the_published_examples_of_the_standards_pass() -> None:
    assert check.is_resident_id("11010519491231002X")  # GB 11643, annex
    assert check.is_resident_id("34052419800101001X")  # GB 11643, annex
    assert check.is_credit_code("91350100M000100Y43")  # GB 32100, annex
    assert check.is_organisation_code("D2143569X")  # GB 11714, annex
    assert check.is_vin("1M8GDM9AXKP042788")
    assert check.is_hong_kong_id("A1234563")
    assert check.is_taiwan_id("A123456789")
    assert check.is_iban("DE89370400440532013000")
    assert check.is_nhs_number("9434765919")
    assert check.is_wallet(WALLET)
    assert not check.is_wallet(WALLET[:-1] + "b")


def test_residence_permits_and_foreigners_numbers_have_the_same_form() -> None:
    for region in ("810000", "820000", "830000", "931101"):
        body = region + "19900101" + "123"
        total = sum(int(d) * w for d, w in zip(body, check.RESIDENT_WEIGHTS, strict=True))
        assert "CN_RESIDENT_ID" in entities(f"证号{body}{check.RESIDENT_CHECKS[total % 11]}")


@quickly
@given(
    st.sampled_from(sorted(MAKERS)),
    st.integers(0, 2**32),
    st.text("的是在请查收联系地址登记。，：；、（）「」", max_size=40),
    st.text("的是在请查收联系地址登记。，：；、（）「」", max_size=40),
)
def test_chinese_words_on_both_sides_hide_none(
    entity: str, seed: int, before: str, after: str
) -> None:
    assert entity in entities(before + MAKERS[entity](random.Random(seed)) + after)


def test_no_pattern_uses_a_word_boundary_and_every_bare_one_is_safe_to_search_long_texts() -> None:
    assert not [
        kind.entity for kind in KINDS if re.search(r"\\[bBwW]", kind.pattern + kind.context)
    ]
    for kind in BARE:
        assert not kind.compiled.search("")


def test_every_kind_speaks_both_languages_and_is_told_as_one_of_six_families() -> None:
    for kind in (*KINDS, NAME, KEY):
        assert kind.title.zh
        assert kind.title.en
        assert kind.family in FAMILIES
    assert len(FAMILIES) == 6
