"""Identifiers that are made up with right check digits, their disguises, and what only looks like them."""

import base64
import html
import random
from collections.abc import Callable
from urllib.parse import quote

from sandbox.egress.identifiers.check_digits import (
    CREDIT_ALPHABET,
    RESIDENT_CHECKS,
    RESIDENT_WEIGHTS,
    is_hong_kong_id,
    is_luhn,
    is_taiwan_id,
    is_vin,
)

Chance = random.Random


def digits(chance: Chance, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def ended(body: str, ends: str, is_right: Callable[[str], bool]) -> str:
    return next(body + end for end in ends if is_right(body + end))


def resident_id(chance: Chance) -> str:
    day = f"{chance.randint(1940, 2015)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    body = (
        chance.choice(("110105", "310101", "440305", "510104", "370211")) + day + digits(chance, 3)
    )
    total = sum(int(d) * w for d, w in zip(body, RESIDENT_WEIGHTS, strict=True))
    return body + RESIDENT_CHECKS[total % 11]


def mobile(chance: Chance) -> str:
    return (
        chance.choice(("138", "139", "150", "186", "177", "199"))
        + digits(chance, 4)
        + f"{chance.randint(1, 9999):04d}"
    )


def card(chance: Chance) -> str:
    return ended("622" + digits(chance, 12), "0123456789", is_luhn)


def credit_code(chance: Chance) -> str:
    body = "91" + chance.choice(("310101", "440300", "110108")) + "MA"
    body += "".join(chance.choice(CREDIT_ALPHABET) for _ in range(7))
    total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + CREDIT_ALPHABET[(31 - total % 31) % 31]


def email(chance: Chance) -> str:
    name = "".join(chance.choice("abcdefghijkmnpqrstuvwxyz") for _ in range(6))
    return f"{name}{chance.randint(10, 99)}@{chance.choice(('qq', '163', 'example'))}.{chance.choice(('com', 'cn'))}"


def plate(chance: Chance) -> str:
    return f"{chance.choice('京沪粤苏浙')}{chance.choice('ABCDEF')}{digits(chance, 5)}"


def hong_kong_id(chance: Chance) -> str:
    letter = chance.choice("ABCDEFGHKPRVYZ") + digits(chance, 6)
    right = ended(letter, "0123456789A", is_hong_kong_id)
    return f"{right[:-1]}({right[-1]})"


def taiwan_id(chance: Chance) -> str:
    return ended(
        chance.choice("ABCDEFGH") + chance.choice("12") + digits(chance, 7),
        "0123456789",
        is_taiwan_id,
    )


def vin(chance: Chance) -> str:
    front, back = "LSVA" + digits(chance, 4), "G" + chance.choice("ABCDEFGH") + digits(chance, 6)
    return next(front + check + back for check in "0123456789X" if is_vin(front + check + back))


def ssn(chance: Chance) -> str:
    return f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{chance.randint(1000, 9999)}"


def mac(chance: Chance) -> str:
    return ":".join(f"{chance.randrange(256):02X}" for _ in range(6))


def address(chance: Chance) -> str:
    return f"上海市浦东新区张杨路{chance.randint(1, 999)}号{chance.randint(1, 30)}栋{chance.randint(101, 2502)}室"


MAKERS: dict[str, Callable[[Chance], str]] = {
    "CN_RESIDENT_ID": resident_id,
    "CN_MOBILE": mobile,
    "BANK_CARD": card,
    "CN_CREDIT_CODE": credit_code,
    "EMAIL_ADDRESS": email,
    "CN_PLATE": plate,
    "HK_ID": hong_kong_id,
    "VIN": vin,
    "US_SSN": ssn,
    "MAC_ADDRESS": mac,
    "CN_ADDRESS": address,
}

ZERO_WIDTH = "\u200b"


def each(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(map(change, text))


def spelt(signs: str) -> Callable[[str], str]:
    return each(lambda c: signs[int(c)] if c.isdigit() else c)


def between(separator: str) -> Callable[[str], str]:
    return separator.join


def grouped(separator: str) -> Callable[[str], str]:
    def cut(text: str) -> str:
        if "@" in text:
            return separator.join(text)
        sizes = {18: (6, 8, 4), 11: (3, 4, 4)}.get(len(text), (4,) * (len(text) // 4))
        parts, at = [], 0
        for size in sizes:
            parts.append(text[at : at + size])
            at += size
        return separator.join(parts)

    return cut


def from_code(start: int) -> Callable[[str], str]:
    return spelt("".join(chr(start + n) for n in range(10)))


def encoded(times: int) -> Callable[[str], str]:
    def code(text: str) -> str:
        for _ in range(times):
            text = base64.b64encode(text.encode()).decode()
        return text

    return code


def mixed(text: str) -> str:
    return "".join(
        "〇一二三四五六七八九"[int(c)] if c.isdigit() and i % 2 else c for i, c in enumerate(text)
    )


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def hidden_at(at: str, dot: str) -> Callable[[str], str]:
    """Disguise the signs of an e-mail address; a number keeps its groups apart by them."""
    return lambda text: (
        text.replace("@", at).replace(".", dot) if "@" in text else grouped(" ")(text)
    )


WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PINYIN = ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"]

OBFUSCATIONS: dict[str, Callable[[str], str]] = {
    "full-width": each(lambda c: chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c),
    "zero-width space": between(ZERO_WIDTH),
    "zero-width joiner": between("\u200d"),
    "soft hyphen": between("\u00ad"),
    "word joiner": between("\u2060"),
    "byte order mark": between("\ufeff"),
    "variation selector": between("\ufe0f"),
    "bidirectional marks": between("\u202d"),
    "spaces": between(" "),
    "two spaces": between("  "),
    "no-break spaces": between("\u00a0"),
    "thin spaces": between("\u2009"),
    "hyphens": between("-"),
    "underscores": between("_"),
    "stars": between("*"),
    "middle dots": between("·"),
    "commas": between(","),
    "Chinese commas": between("、"),
    "slashes": between("/"),
    "bars": between("|"),
    "brackets": lambda text: "".join(f"[{c}]" for c in text),
    "groups by spaces": grouped(" "),
    "groups by hyphens": grouped("-"),
    "groups by dots": grouped("."),
    "groups by slashes": grouped("/"),
    "groups by long dashes": grouped("—"),
    "Chinese numerals": spelt("〇一二三四五六七八九"),
    "banker's numerals": spelt("零壹贰叁肆伍陆柒捌玖"),
    "every other numeral Chinese": mixed,
    "circled": spelt("⓪①②③④⑤⑥⑦⑧⑨"),
    "superscript": spelt("⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "subscript": from_code(0x2080),
    "mathematical bold": from_code(0x1D7CE),
    "Arabic-Indic": from_code(0x660),
    "Devanagari": from_code(0x966),
    "keycaps": each(lambda c: f"{c}\ufe0f\u20e3" if c.isdigit() else c),
    "struck through": each(lambda c: f"{c}\u0336"),
    "O for zero": lambda text: (
        text.replace("0", "O")
        if "@" not in text
        else f"{text[:3]} {text[3:]}".replace(" ", ZERO_WIDTH)
    ),
    "l for one": lambda text: text.replace("1", "l") if "@" not in text else text.upper(),
    "Cyrillic letters": each(
        lambda c: {"a": "а", "e": "е", "o": "о", "c": "с", "X": "Х", "M": "М", "A": "А"}.get(c, c)
    ),
    "reversed": lambda text: text[::-1],
    "percent": percent,
    "percent twice": lambda text: quote(percent(text)),
    "base64": encoded(1),
    "base64 twice": encoded(2),
    "hexadecimal": lambda text: text.encode().hex(),
    "spaced hexadecimal": lambda text: text.encode().hex(" "),
    "entities": each(lambda c: f"&#{ord(c)};"),
    "escapes": each(lambda c: f"\\u{ord(c):04x}"),
    "quoted-printable": each(lambda c: f"={ord(c):02X}"),
    "English words": lambda text: (
        " ".join(WORDS[int(c)] if c.isdigit() else c for c in text)
        if text.isdigit()
        else html.escape(text)
    ),
    "pinyin": lambda text: (
        " ".join(PINYIN[int(c)] if c.isdigit() else c for c in text) if text.isdigit() else text
    ),
    "[at] [dot]": hidden_at("[at]", "[dot]"),
    "(at) and spaces": hidden_at(" (at) ", "."),
    "艾特": hidden_at("艾特", "点"),
}
"""More than the 45 of the goal."""

LOOK_ALIKES: dict[str, Callable[[Chance], str]] = {
    "amount": lambda c: f"{c.lognormvariate(10, 3):.2f}",
    "amount with commas": lambda c: f"{c.randint(10**6, 10**12):,}",
    "thousands": lambda c: f"{c.randint(1, 10**6) * 1000}",
    "seconds since 1970": lambda c: str(c.randint(1_500_000_000, 1_800_000_000)),
    "milliseconds since 1970": lambda c: str(c.randint(15 * 10**11, 18 * 10**11)),
    "microseconds since 1970": lambda c: str(c.randint(15 * 10**14, 18 * 10**14)),
    "time": lambda c: (
        f"20{c.randint(10, 26)}-{c.randint(1, 12):02d}-{c.randint(1, 28):02d} {c.randint(0, 23):02d}:{c.randint(0, 59):02d}:{c.randint(0, 59):02d}"
    ),
    "order number": lambda c: (
        f"20{c.randint(10, 26)}{c.randint(1, 12):02d}{c.randint(1, 28):02d}{digits(c, 10)}"
    ),
    "long order number": lambda c: f"SO{digits(c, 16)}",
    "count of ten digits": lambda c: str(c.randint(10**9, 10**10)),
    "count of twelve digits": lambda c: str(c.randint(10**11, 10**12)),
    "rounded phone-like": lambda c: f"1{c.randint(300, 999)}0000000",
    "decimal": lambda c: str(c.random()),
    "coefficient": lambda c: f"{c.gauss(0, 1):.6f}, {c.gauss(0, 1):.6f}",
    "md5": lambda c: f"{c.getrandbits(128):032x}",
    "sha256": lambda c: f"{c.getrandbits(256):064x}",
    "uuid": lambda c: "-".join(f"{c.getrandbits(4 * n):0{n}x}" for n in (8, 4, 4, 4, 12)),
    "version": lambda c: f"v{c.randint(0, 9)}.{c.randint(0, 30)}.{c.randint(0, 30)}",
    "wrong identity number": lambda c: wrong(resident_id(c)),
    "wrong card": lambda c: wrong(card(c)),
    "wrong credit code": lambda c: wrong(credit_code(c)),
    "product code": lambda c: f"{c.choice('ABCDEFG')}{c.choice('HJKL')}-{digits(c, 6)}",
    "range": lambda c: f"{c.randint(1, 99) * 1000}-{c.randint(100, 999) * 1000}",
    "telephone-like decimal": lambda c: f"{mobile(c)}.{digits(c, 2)}",
    "region": lambda c: c.choice(
        ("江苏省", "南京市", "高新区", "马鞍山市", "石家庄市", "张家口市")
    ),
    "trade": lambda c: c.choice(("批发和零售业", "制造业", "金融业", "农、林、牧、渔业")),
    "sentence": lambda c: (
        f"2024年第{c.randint(1, 4)}季度共{c.randint(100, 9999)}户企业,平均余额{c.random() * 1000:.2f}万元。"
    ),
    "English sentence": lambda c: (
        f"In {c.randint(2000, 2024)} the mean balance was {c.random() * 10**6:,.2f} over {c.randint(10, 9999)} loans."
    ),
}


def wrong(text: str) -> str:
    """Change the last character, so that the check digit is wrong."""
    last = "0" if not text[-1].isdigit() else str((int(text[-1]) + 1) % 10)
    return text[:-1] + last
