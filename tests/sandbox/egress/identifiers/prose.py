"""Makes Chinese documents, formal ones and chat, with what each holds: our own bench, drawn by a seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.sandbox.egress.identifiers.made import (
    Chance,
    card,
    credit_code,
    digits,
    email,
    mobile,
    plate,
    resident_id,
)

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华文斌玲辉健婷波雪梅宁鑫浩宇博晨欣怡佳"
CITIES = (
    "上海市浦东新区",
    "北京市朝阳区",
    "广东省深圳市南山区",
    "浙江省杭州市西湖区",
    "江苏省苏州市",
)
ROADS = ("人民路", "解放大道", "中山路", "张杨路", "文一西路", "长江路", "幸福巷")
FORMAL = (
    "甲方:{PERSON},身份证号{CN_RESIDENT_ID},联系电话{CN_MOBILE},住址:{CN_ADDRESS}。",
    "申请人{PERSON}(身份证号码:{CN_RESIDENT_ID})于{day}提出申请,经审核符合条件。",
    "借款人{PERSON}以车牌号{CN_PLATE}的车辆作抵押,贷款金额{amount}元。",
    "收款账户:{BANK_CARD},开户名:{PERSON},金额人民币{amount}元整。",
    "该企业统一社会信用代码为{CN_CREDIT_CODE},法定代表人:{PERSON}。",
    "患者{PERSON},出生日期:{DATE_OF_BIRTH},病历号{MEDICAL_RECORD},于{day}入院。",
    "如有疑问,请致电{CN_MOBILE}或发送邮件至{EMAIL_ADDRESS}。",
    "纳税人识别号:{CN_CREDIT_CODE},联系人{PERSON},手机{CN_MOBILE}。",
    "当事人{PERSON},户籍地址{CN_ADDRESS},驾驶{CN_PLATE}号小型轿车。",
    "护照号码:{CN_PASSPORT},持照人{PERSON}先生。",
    "用电户号{METER_NUMBER},用电地址{CN_ADDRESS}。",
    "截至{day},全市共有企业{count}户,贷款余额{amount}元,同比增长{percent}%。",
    "根据《中华人民共和国数据安全法》第二十一条,数据实行分类分级保护。",
    "合同编号HT{serial},签订日期{day},合同总价{amount}元。",
    "样本量{count},均值{percent},标准差{percent},相关系数0.{three}。",
    "本季度第一产业增加值{amount}元,占比{percent}%,较上年同期回落0.{three}个百分点。",
    "附件共{three}页,流水号{serial},归档时间{day} 10:25:36。",
)
CHAT = (
    "我手机{CN_MOBILE},有事打我",
    "加我微信号{WECHAT}哈",
    "qq号{QQ} 备注一下",
    "转我卡上 {BANK_CARD} 谢啦",
    "{PERSON}的电话是{CN_MOBILE}你记一下",
    "地址发你了 {CN_ADDRESS} 收件人{PERSON}",
    "身份证{CN_RESIDENT_ID}帮我订票",
    "邮箱{EMAIL_ADDRESS}发我就行",
    "车牌{CN_PLATE} 停楼下了",
    "帮我查下{CN_CREDIT_CODE}这家公司",
    "电话 {spaced} 晚上打",
    "我的号一三八{han}别外传",
    "哈哈哈今天花了{amount}块",
    "这单号{serial}到哪了",
    "{count}人在群里 才{three}个说话",
    "666666 太强了",
    "周三下午3点到5点开会 别迟到",
    "房价涨了{percent}% 买不起啊",
    "验证码{three}{three} 别告诉别人",
    "高铁G{three}次 {day}发车",
)


@dataclass(frozen=True, slots=True)
class Written:
    """One document."""

    text: str
    holds: frozenset[str]


def person(chance: Chance) -> str:
    return chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, chance.choice((1, 2, 2))))


def address(chance: Chance) -> str:
    road = chance.choice(CITIES) + chance.choice(ROADS)
    return f"{road}{chance.randint(1, 999)}号{chance.randint(1, 30)}栋{chance.randint(101, 2502)}室"


SLOTS: dict[str, Callable[[Chance], str]] = {
    "PERSON": person,
    "CN_RESIDENT_ID": resident_id,
    "CN_MOBILE": mobile,
    "CN_ADDRESS": address,
    "CN_PLATE": plate,
    "BANK_CARD": card,
    "CN_CREDIT_CODE": credit_code,
    "EMAIL_ADDRESS": email,
    "DATE_OF_BIRTH": lambda c: f"{c.randint(1940, 2010)}年{c.randint(1, 12)}月{c.randint(1, 28)}日",
    "MEDICAL_RECORD": lambda c: f"00{digits(c, 8)}",
    "CN_PASSPORT": lambda c: f"E{digits(c, 8)}",
    "METER_NUMBER": lambda c: f"31{digits(c, 8)}",
    "WECHAT": lambda c: f"{c.choice(('xiao', 'love', 'wang'))}_{digits(c, 4)}",
    "QQ": lambda c: f"{c.randint(1, 9)}{digits(c, 8)}",
}
FILLERS: dict[str, Callable[[Chance], str]] = {
    "day": lambda c: f"20{c.randint(10, 26)}年{c.randint(1, 12)}月{c.randint(1, 28)}日",
    "amount": lambda c: f"{c.lognormvariate(10, 2):,.2f}",
    "count": lambda c: str(c.randint(100, 99999)),
    "percent": lambda c: f"{c.uniform(0, 30):.2f}",
    "serial": lambda c: f"20{c.randint(10, 26)}{digits(c, 8)}",
    "three": lambda c: digits(c, 3),
}


def written(chance: Chance, forms: tuple[str, ...]) -> Written:
    form = chance.choice(forms)
    holds = {name for name in SLOTS if f"{{{name}}}" in form}
    slots = {name: make(chance) for name, make in {**SLOTS, **FILLERS}.items()}
    slots["spaced"] = " ".join(
        (slots["CN_MOBILE"][:3], slots["CN_MOBILE"][3:7], slots["CN_MOBILE"][7:])
    )
    slots["han"] = "".join("〇一二三四五六七八九"[int(d)] for d in "3" + digits(chance, 6) + "7")
    if "{spaced}" in form or "{han}" in form:
        holds.add("CN_MOBILE")
    return Written(form.format(**slots), frozenset(holds))


def bench(seed: int, forms: tuple[str, ...], count: int) -> list[Written]:
    chance = random.Random(seed)
    return [written(chance, forms) for _ in range(count)]
