"""Names are found in columns and in prose, columns of keys by their figures, and cut-apart numbers over columns."""

import hashlib
import random
import uuid

import pyarrow as pa
import pytest

from sandbox.egress.identifiers.columns import scan_column, study
from sandbox.egress.identifiers.neighbours import cut_apart
from sandbox.egress.identifiers.people import people_in
from sandbox.egress.identifiers.scan import scan_names
from tests.sandbox.egress.identifiers.made import MAKERS, card, mobile

GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰建国志红玉梅文博"
ENGLISH = ("John Smith", "Mary Jones", "Peter Brown", "Anna Taylor", "Paul Wilson", "Jane Davies")
METHODS = (
    "贝叶斯回归的系数为 0.3。",
    "高斯分布的均值与方差见表。",
    "马尔可夫链的转移概率保持不变。",
    "皮尔逊相关系数为 0.71,肯德尔系数为 0.52。",
    "洛伦兹曲线与基尼系数显示差距扩大。",
    "江苏省的平均余额高于浙江省。",
    "高收入家庭的贷款余额上升。",
    "金融业与制造业的企业数量相当。",
)


def names(chance: random.Random, count: int) -> list[str]:
    return [
        chance.choice("王李张刘陈杨黄赵吴周") + "".join(chance.sample(GIVEN, chance.randint(1, 2)))
        for _ in range(count)
    ]


def test_a_column_of_chinese_names_is_one_with_and_without_its_header() -> None:
    column = pa.array(names(random.Random(1), 200))

    assert scan_column(column, header="姓名") == {"PERSON": 200}
    assert scan_column(column) == {"PERSON": 200}


def test_a_column_of_english_names_is_one_by_its_header_alone() -> None:
    assert scan_column(pa.array(ENGLISH), header="customer_name") == {"PERSON": 6}
    assert scan_column(pa.array(["New York", "Los Angeles", "San Diego"] * 4)) == {}


@pytest.mark.parametrize(
    "words",
    [
        ["江苏省", "浙江省", "广东省", "山东省", "河南省", "四川省"],
        ["批发和零售业", "制造业", "金融业", "建筑业", "农业", "教育"],
        ["高", "中", "低", "较高", "较低"],
        ["房屋贷款", "汽车贷款", "消费贷款", "经营贷款", "助学贷款"],
    ],
)
def test_a_column_of_categories_is_none_of_names(words: list[str]) -> None:
    assert scan_column(pa.array(words), header="名称") == {}


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("联系人:张建国已到场。", True),
        ("客户王小明于三月还款。", True),
        ("经理说李文博先生已经离职。", True),
        ("他和陈志强一起去了上海。", False),
    ],
)
def test_a_name_in_prose_is_found_and_blocks_where_words_announce_it(
    text: str, *, sure: bool
) -> None:
    found = [(hit.line, hit.sure) for hit in scan_names(f"第一行\n{text}")]

    assert (2, sure) in found


@pytest.mark.parametrize("text", METHODS)
def test_those_who_gave_methods_their_names_and_places_are_no_people(text: str) -> None:
    assert list(scan_names(text)) == []


def test_a_line_beyond_what_the_model_reads_counts_as_one_with_a_name() -> None:
    lines = ["总体稳定。", *(f"李{number}户的余额没有变化" for number in range(5)), "张三还款"]
    lines = [f"客户{line}" for line in lines]

    assert [line for line, sure in people_in(lines) if sure] == [6]
    assert list(people_in(lines, most=1)) == [(1, False)]


def keys(how: str, number: int) -> str:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    match how:
        case "hash":
            return digest[:32]
        case "uuid":
            return str(uuid.UUID(hex=digest[:32], version=4))
        case _:
            return digest[:24].upper() + "_x1"


@pytest.mark.parametrize("how", ["hash", "uuid", "token"])
def test_a_column_of_keys_is_one_and_goes_to_a_person(how: str) -> None:
    [found] = study(pa.array([keys(how, number) for number in range(60)]))

    assert (found.kind.entity, found.sure) == ("UNIQUE_KEY", False)


def test_serial_numbers_are_keys_where_their_header_says_so() -> None:
    serials = pa.array([f"C{10**7 + n}" for n in range(60)])

    assert scan_column(serials, header="loan_id") == {"UNIQUE_KEY": 60}
    assert scan_column(serials) == {}
    assert scan_column(pa.array([f"C{10**7 + n % 5}" for n in range(60)]), header="loan_id") == {}


def test_right_check_digits_by_chance_go_to_a_person_and_true_ones_block() -> None:
    chance = random.Random(9)
    shaped = pa.array([f"62{chance.randrange(10**14):014d}" for _ in range(400)])

    by_chance = {f.kind.entity: f.sure for f in study(shaped)}
    true = {f.kind.entity: f.sure for f in study(pa.array([card(chance) for _ in range(400)]))}

    assert by_chance["BANK_CARD"] is False
    assert true["BANK_CARD"] is True


def test_chance_in_other_readings_is_reckoned_with_too() -> None:
    chance = random.Random(10)
    orders = pa.array([f"20240101{chance.randrange(10**8):08d}26" for _ in range(3000)])

    assert not any(found.sure for found in study(orders) if found.kind.entity == "BANK_CARD")


@pytest.mark.parametrize("entity", ["CN_RESIDENT_ID", "CN_MOBILE", "BANK_CARD"])
def test_an_identifier_cut_over_neighbouring_columns_is_found(entity: str) -> None:
    chance = random.Random(entity)
    whole = [MAKERS[entity](chance) for _ in range(12)]
    columns = [["x"] * 12, [text[:6] for text in whole], [text[6:] for text in whole]]

    [cut] = cut_apart(columns)

    assert (cut.kind.entity, cut.first, cut.last, cut.rows) == (entity, 1, 2, 12)


def test_one_cut_in_three_whose_zeros_were_lost_is_found() -> None:
    chance = random.Random(2)
    phones = [mobile(chance) for _ in range(30)]

    cuts = list(
        cut_apart(
            [[p[:3] for p in phones], [str(int(p[3:7])) for p in phones], [p[7:] for p in phones]]
        )
    )

    assert [(cut.kind.entity, cut.first, cut.last) for cut in cuts] == [("CN_MOBILE", 0, 2)]


def test_counts_side_by_side_are_no_identifier() -> None:
    chance = random.Random(3)
    columns = [[str(chance.randint(10, 10**5)) for _ in range(40)] for _ in range(8)]

    assert list(cut_apart(columns)) == []


def test_years_beside_months_and_counts_are_no_identifier() -> None:
    chance = random.Random(4)
    columns = [
        ["2024"] * 24,
        [f"{month:02d}" for month in range(1, 13)] * 2,
        [str(chance.randint(1000, 9999)) for _ in range(24)],
    ]

    assert list(cut_apart(columns)) == []
