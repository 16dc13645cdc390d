"""The check digits of the identifiers that have one; each takes the bare characters."""

import ipaddress
from datetime import date
from hashlib import sha256

from sandbox.egress.identifiers.regions import PREFECTURES, PROVINCES

RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643-1999, from ISO 7064 MOD 11-2."""
RESIDENT_CHECKS = "10X98765432"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: digits and capital letters without I, O, S, V and Z."""
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_VIN_VALUES = dict(
    zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", "012345678912345678123457923456789", strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
"""In the order of their two-digit values, from 10."""
_TAIWAN_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_IBAN_LENGTHS = [
    "AD24",
    "AE23",
    "AL28",
    "AT20",
    "AZ28",
    "BA20",
    "BE16",
    "BG22",
    "BH22",
    "BR29",
    "BY28",
    "CH21",
    "CR22",
    "CY28",
    "CZ24",
    "DE22",
    "DK18",
    "DO28",
    "EE20",
    "EG29",
    "ES24",
    "FI18",
    "FO18",
    "FR27",
    "GB22",
    "GE22",
    "GI23",
    "GL18",
    "GR27",
    "GT28",
    "HR21",
    "HU28",
    "IE22",
    "IL23",
    "IQ23",
    "IS26",
    "IT27",
    "JO30",
    "KW30",
    "KZ20",
    "LB28",
    "LC32",
    "LI21",
    "LT20",
    "LU20",
    "LV21",
    "LY25",
    "MC27",
    "MD24",
    "ME22",
    "MK19",
    "MR27",
    "MT31",
    "MU30",
    "NL18",
    "NO15",
    "PK24",
    "PL28",
    "PS29",
    "PT25",
    "QA29",
    "RO24",
    "RS22",
    "SA24",
    "SC31",
    "SE24",
    "SI19",
    "SK24",
    "SM27",
    "ST25",
    "SV28",
    "TL23",
    "TN24",
    "TR26",
    "UA29",
    "VA22",
    "VG24",
    "XK20",
]
"""ISO 13616, from SWIFT's registry."""


def is_resident_id(number: str) -> bool:
    """Whether 18 characters are a resident identity number (GB 11643): region, birthday, check.

    A foreigner's permanent residence number begins with 9 and the province that it was issued in.
    """
    number = number.upper()
    known = number[1:3] in PROVINCES if number[0] == "9" else number[:4] in PREFECTURES
    if not known or not is_birthday(number[6:14]):
        return False
    total = sum(int(d) * w for d, w in zip(number[:17], RESIDENT_WEIGHTS, strict=True))
    return RESIDENT_CHECKS[total % 11] == number[17]


def is_old_resident_id(number: str) -> bool:
    """Whether 15 digits may be a resident identity number of before 1999; it has no check digit."""
    return number[:4] in PREFECTURES and is_birthday("19" + number[6:12])


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


def is_organisation_code(code: str) -> bool:
    """Whether 9 characters are an organisation code (GB 11714, mod 11)."""
    total = sum(int(c, 36) * w for c, w in zip(code[:8], _ORGANISATION_WEIGHTS, strict=True))
    return "0X987654321"[total % 11] == code[8].upper()


def is_luhn(number: str) -> bool:
    """Whether digits pass Luhn's check (ISO/IEC 7812-1, annex B)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(doubled)) % 10 == 0


def is_bank_card(number: str) -> bool:
    """Whether 13 to 19 digits pass Luhn's check and are not all the same."""
    return is_luhn(number) and len(set(number)) > 1


def is_mobile(number: str) -> bool:
    """Whether the last 11 digits may be a subscriber's, and no rounded amount."""
    return not number.endswith("0000") and len(set(number[-9:])) > 2  # noqa: PLR2004 - 13333333333 is a filler


def is_as_long_as_a_phone_number(number: str) -> bool:
    """Whether 7 to 15 digits (E.164) stand in it, and no rounded amount."""
    return 7 <= len(number) <= 15 and not number.endswith("0000")  # noqa: PLR2004 - E.164


def is_hong_kong_id(number: str) -> bool:
    """Whether one or two letters, six digits and a check character are a Hong Kong identity number."""
    letters, digits = number[:-7].upper().rjust(2), number[-7:].upper()
    values = [36 if letter == " " else int(letter, 36) for letter in letters]
    values += [int(digit, 16) for digit in digits]  # A stands for ten
    return sum(v * w for v, w in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def is_taiwan_id(number: str) -> bool:
    """Whether a letter and nine digits are a Taiwan identity number."""
    letter = _TAIWAN_LETTERS.find(number[0].upper()) + 10
    digits = [*divmod(letter, 10), *map(int, number[1:])]
    return sum(d * w for d, w in zip(digits, _TAIWAN_WEIGHTS, strict=True)) % 10 == 0


def is_vin(number: str) -> bool:
    """Whether 17 characters are a vehicle identification number (GB 16735): check at place 9."""
    total = sum(int(_VIN_VALUES[c]) * w for c, w in zip(number.upper(), _VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11] == number[8].upper() and not number.isdigit()


def is_plate(plate: str) -> bool:
    """Whether a plate's serial has at most two letters beside its type's (GA 36)."""
    return sum(character.isdigit() for character in plate) >= 3  # noqa: PLR2004 - of five or six


def is_iban(code: str) -> bool:
    """Whether it is an international bank account number (ISO 13616, mod 97)."""
    code = code.upper()
    if f"{code[:2]}{len(code)}" not in _IBAN_LENGTHS:
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def is_ssn(number: str) -> bool:
    """Whether 9 digits may be a US social security number: no group that is never issued."""
    never = number[:3] in {"000", "666"} or number[0] == "9"
    return not never and number[3:5] != "00" and number[5:] != "0000" and len(set(number)) > 1


def is_nhs_number(number: str) -> bool:
    """Whether 10 digits are a number of the British health service (mod 11)."""
    total = sum(int(d) * w for d, w in zip(number, range(10, 0, -1), strict=True))
    return total % 11 == 0 and len(set(number)) > 1


def is_ip(address: str) -> bool:
    """Whether it is an IP address that names a machine, and no version number such as 1.0.0.0."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (found.is_unspecified or found.is_loopback or address.endswith(".0.0"))


def is_mac(address: str) -> bool:
    """Whether 12 hexadecimal digits name one network card."""
    return len(set(address.replace(":", "").upper())) > 1


def is_wallet(address: str) -> bool:
    """Whether it is a Bitcoin address: base58 or bech32 with a right checksum."""
    return _is_bech32(address.lower()) if address[:2].lower() == "bc" else _is_base58(address)


def _is_base58(address: str) -> bool:
    number = 0
    for character in address:
        number = number * 58 + _BASE58.index(character)
    whole = number.to_bytes(max(25, (number.bit_length() + 7) // 8), "big")
    return len(whole) == 25 and sha256(sha256(whole[:-4]).digest()).digest()[:4] == whole[-4:]  # noqa: PLR2004 - version, hash, checksum


def _is_bech32(address: str) -> bool:
    values = [_BECH32.find(character) for character in address[3:]]
    if min(values) < 0:
        return False
    check = 1
    for value in (3, 3, 0, 2, 3, *values):  # "bc", spread out as BIP 173 has it
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for place, step in enumerate(_BECH32_STEPS):
            check ^= step if top >> place & 1 else 0
    return check in {1, 0x2BC830A3}


def has_digits(text: str) -> bool:
    """Whether it holds four digits or more, as running numbers do and words do not."""
    return sum(character.isdigit() for character in text) >= 4  # noqa: PLR2004 - see above


def has_any_digit(text: str) -> bool:
    """Whether it holds a digit or an underscore, as account names do and words seldom do."""
    return any(character.isdigit() or character == "_" for character in text)


def always(_number: str) -> bool:
    """Accept what the pattern alone decides."""
    return True
