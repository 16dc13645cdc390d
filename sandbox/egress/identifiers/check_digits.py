"""The check digits of the identifiers that have one; each takes the bare characters."""

from datetime import date

RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643-1999, from ISO 7064 MOD 11-2."""
RESIDENT_CHECKS = "10X98765432"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: digits and capital letters without I, O, S, V and Z."""
PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
"""The first two digits of GB/T 2260 codes; 83 stands on residence permits of Taiwan residents."""


def is_resident_id(number: str) -> bool:
    """Whether 18 characters are a resident identity number (GB 11643): region, birthday, check."""
    number = number.upper()
    known = number[:2] in PROVINCES or number[0] == "9"
    if not known or not is_birthday(number[6:14]):
        return False
    total = sum(int(d) * w for d, w in zip(number[:17], RESIDENT_WEIGHTS, strict=True))
    return RESIDENT_CHECKS[total % 11] == number[17]


def is_old_resident_id(number: str) -> bool:
    """Whether 15 digits may be a resident identity number of before 1999; it has no check digit."""
    return number[:2] in PROVINCES and is_birthday("19" + number[6:12])


def is_birthday(digits: str) -> bool:
    """Whether 8 digits are a day of the years 1900 to 2099."""
    try:
        return 1900 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year < 2100  # noqa: PLR2004 - the years of living people
    except ValueError:
        return False


def is_credit_code(code: str) -> bool:
    """Whether 18 characters are a unified social credit code (GB 32100, weights 3^i mod 31)."""
    values = [CREDIT_ALPHABET.find(character) for character in code.upper()]
    if min(values) < 0 or code[2:4] not in PROVINCES | {"10"}:
        return False
    total = sum(value * pow(3, i, 31) for i, value in enumerate(values[:17]))
    return (31 - total % 31) % 31 == values[17]


def is_bank_card(number: str) -> bool:
    """Whether 13 to 19 digits pass Luhn's check (ISO/IEC 7812-1, annex B)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0 and len(set(number)) > 1


def always(_number: str) -> bool:
    """Accept what the pattern alone decides."""
    return True
