"""The identifiers of people and machines that are the same everywhere, and those of some other countries."""

from sandbox.egress.identifiers import check_digits as check
from sandbox.egress.identifiers.kind import (
    ACCOUNT,
    ALONE,
    CONTACT,
    DEVICE,
    DOCUMENT,
    NO_DIGIT_AFTER,
    NO_DIGIT_BEFORE,
    NOTHING_AFTER,
    PERSON,
    Kind,
    said,
)
from sandbox.reason import Said

_GROUP = "[0-9A-Fa-f]{1,4}"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶĹĻĽŁŃŅŇŌŐŒŘŚŞŠŢŤŪŮŰŲŹŻŽȘȚ"
LETTER = "A-Za-zÀ-ÖØ-öø-ɏ"
_WORDS = rf"(?:[{UPPER}][{LETTER}'’.-]* ){{1,3}}"
_STREET = (
    r"(?:(?<!Wall )Street|St|Avenue|Ave|Road|Rd|Lane|Ln|(?<!Test )(?<!Hard )Drive|Dr|Boulevard|Blvd|Court|Ct|(?<!One )(?<!Two )(?<!Three )Way"
    r"|Terrace|(?<!First )(?<!Second )(?<!Third )Place|(?<!Chi )(?<!Least )(?<!Mean )(?<!R )Square(?! Feet| Foot| Met| Mile| Kilo| Error| Root| Deviation)|Crescent|Parkway|Pkwy|Highway|Hwy|Alley|Mews"
    r"|Grove|Gardens|Plaza|Turnpike|Causeway|Esplanade|Expressway|Freeway|Viaduct|Roads|Str\.)"
)
_SMALL = r"(?:d[aeio]s?|d[eu]ll?[aeo]?|l[aeo]s?|[a-z]{2,4}) "
_STREET_FIRST = (
    rf"(?:V[Ii][Aa]|Viale|Rua|Calle|C/|Ctra\.|[Rr]ue|Avenida|Avda\.|Av\.|ul\.|Strada|Piazza|Corso|Travessa|Impasse|Quai) "
    rf"(?:{_SMALL}){{0,2}}(?:[{UPPER}][{LETTER}'’.-]* (?:{_SMALL}){{0,1}}){{1,4}}[0-9]{{1,4}}"
    rf"|[0-9]{{1,4}},? (?:[Rr]ue|[Cc]hemin|[Aa]llée|[Qq]uai|[Ii]mpasse) (?:{_SMALL}){{0,2}}[{UPPER}][{LETTER}'’-]*"
)
_STREET_LAST = (
    rf"[{UPPER}][{LETTER}-]*(?:stra(?:ß|ss)e|straat|gatan|sgata|vägen|vegur|ve[ig]en|vej|weg|laan|allee|allé|all[ée]en|singel|gracht|platz|gasse|plantsoen|plein|bakken|katu|ntie) [0-9]{{1,4}}"
    rf"|[{UPPER}][{LETTER}-]+ (?:utca|útja|út|tér|vei|vej|strasse|Strasse|laan|allé) [0-9]{{1,4}}"
)
_BOX = r"P\.? ?O\.? ?Box [0-9]{1,6}|(?:PSC|CMR|Unit) [0-9]{3,5},? Box [0-9]{1,5}|(?:APO|FPO|DPO),? A[AEP] [0-9]{5}"

WORLDWIDE: tuple[Kind, ...] = (
    Kind(
        entity="EMAIL_ADDRESS",
        title=Said(zh="电子邮箱", en="e-mail address"),
        family=CONTACT,
        pattern=(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@"
            r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
        ),
        disguised=True,
    ),
    Kind(
        entity="PHONE_NUMBER",
        title=Said(zh="国际电话号码", en="international phone number"),
        family=CONTACT,
        pattern=(
            rf"(?<![0-9A-Za-z.+])(?:\+(?:[1-79][0-9]{{0,2}}|8[0-57-9][0-9]?)[ .-]?(?:\([0-9]{{1,4}}\)[ .-]?)?[0-9]{{2,4}}(?:[ .-]?[0-9]{{2,4}}){{1,3}}"
            rf"|(?:1[ .-])?(?:\([2-9][0-9]{{2}}\) ?|[2-9][0-9]{{2}}[-.])[2-9][0-9]{{2}}[-.][0-9]{{4}}){NO_DIGIT_AFTER}"
        ),
    ),
    Kind(
        entity="PHONE_NUMBER_LOCAL",
        title=Said(zh="电话号码", en="phone number"),
        family=CONTACT,
        pattern=rf"{ALONE}(?:[(0-9][0-9 ()-]{{5,18}}[0-9]|[0-9]{{2}}(?:\.[0-9]{{2}}){{3,4}})(?!\.?[0-9]){NOTHING_AFTER}(?!@)",
        is_valid=check.is_as_long_as_a_phone_number,
        context=said(
            r"(?<![A-Za-z])(?:phone|telephone|tel\.?|mobile|cell|fax|(?:can|please) call|(?:call|reach|text|ring)(?: me| us| him| her)? (?:at|on)|answering at|my registered)"
        ),
    ),
    Kind(
        entity="CREDIT_CARD",
        title=Said(zh="信用卡号", en="credit card number"),
        family=ACCOUNT,
        pattern=(
            rf"{NO_DIGIT_BEFORE}(?:3[47][0-9]{{2}}[ -]?[0-9]{{6}}[ -]?[0-9]{{5}}|3(?:0[0-5]|[68][0-9])[0-9][ -]?[0-9]{{6}}[ -]?[0-9]{{4}}"
            rf"|6(?:011|5[0-9]{{2}})[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}){NO_DIGIT_AFTER}"
        ),
        is_valid=check.is_bank_card,
        chance=0.1,
    ),
    Kind(
        entity="CREDIT_CARD_ANNOUNCED",
        title=Said(zh="信用卡号", en="credit card number"),
        family=ACCOUNT,
        pattern=rf"{NO_DIGIT_BEFORE}[0-9](?:[ -]?[0-9]){{11,18}}{NO_DIGIT_AFTER}",
        is_valid=check.is_bank_card,
        context=r"(?<![A-Za-z])(?:card|cc)(?![A-Za-z])|卡号|信用卡|银行卡",
        chance=0.1,
    ),
    Kind(
        entity="IBAN_CODE",
        title=Said(zh="国际银行账号", en="international bank account number"),
        family=ACCOUNT,
        pattern=rf"{ALONE}[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]{{4}}){{2,7}}(?: ?[A-Z0-9]{{1,3}})?{NOTHING_AFTER}",
        is_valid=check.is_iban,
    ),
    Kind(
        entity="US_SSN",
        title=Said(zh="美国社会保障号", en="US social security number"),
        family=DOCUMENT,
        pattern=r"(?<![0-9A-Za-z.-])(?:[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4})(?![0-9A-Za-z-])",
        is_valid=check.is_ssn,
    ),
    Kind(
        entity="US_ITIN",
        title=Said(zh="美国个人纳税号", en="US individual taxpayer number"),
        family=DOCUMENT,
        pattern=r"(?<![0-9A-Za-z.-])9[0-9]{2}-(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])-[0-9]{4}(?![0-9A-Za-z-])",
    ),
    Kind(
        entity="FOREIGN_DOCUMENT",
        title=Said(zh="外国证件号", en="foreign passport, licence or insurance number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Za-z]{{0,5}}[0-9][0-9A-Za-z]{{4,15}}{NOTHING_AFTER}",
        is_valid=check.has_digits,
        context=said(
            r"(?<![A-Za-z])(?:passport|driv(?:er|ing)'?s? licen[sc]e|dl|national insurance|ssn|social security)"
        ),
    ),
    Kind(
        entity="UK_NHS",
        title=Said(zh="英国医疗号", en="British health service number"),
        family=DOCUMENT,
        pattern=rf"{NO_DIGIT_BEFORE}[0-9]{{3}}[ -]?[0-9]{{3}}[ -]?[0-9]{{4}}{NO_DIGIT_AFTER}",
        is_valid=check.is_nhs_number,
        context=r"(?<![A-Za-z])(?:nhs|national health)",
    ),
    Kind(
        entity="IMEI",
        title=Said(zh="手机串号", en="IMEI of a phone"),
        family=DEVICE,
        pattern=rf"{NO_DIGIT_BEFORE}[0-9]{{6}}[ -]?[0-9]{{2}}[ -]?[0-9]{{6}}[ -]?[0-9]{NO_DIGIT_AFTER}",
        is_valid=check.is_luhn,
        context=r"IMEI|串号|设备号|device",
        fills_columns=True,
        chance=0.1,
    ),
    Kind(
        entity="IP_ADDRESS",
        title=Said(zh="网络地址", en="IP address"),
        family=DEVICE,
        pattern=rf"(?<![0-9A-Za-z.])(?:{_BYTE}\.){{3}}{_BYTE}(?![0-9A-Za-z])(?!\.[0-9])",
        is_valid=check.always,
    ),
    Kind(
        entity="IPV6_ADDRESS",
        title=Said(zh="网络地址", en="IP address"),
        family=DEVICE,
        pattern=(
            rf"(?<![0-9A-Za-z.])(?<![0-9A-Fa-f:]:)(?:(?:{_GROUP}:){{7}}{_GROUP}|(?:{_GROUP}:){{1,6}}(?::{_GROUP}){{1,6}}|(?:{_GROUP}:){{2,7}}:)(?![0-9A-Za-z])(?!:[0-9A-Fa-f:])"
        ),
        is_valid=check.is_ip,
    ),
    Kind(
        entity="MAC_ADDRESS",
        title=Said(zh="网卡地址", en="MAC address"),
        family=DEVICE,
        pattern=(
            r"(?:(?<![0-9A-Za-z])(?<![0-9A-Fa-f]{2}[:-])|(?<=[Mm][Aa][Cc]:))(?:(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}"
            r"|(?=[0-9.]*[A-Fa-f])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![0-9A-Za-z])(?![:-][0-9A-Fa-f]{2})"
        ),
        is_valid=check.is_mac,
    ),
    Kind(
        entity="CRYPTO",
        title=Said(zh="加密货币地址", en="wallet address"),
        family=ACCOUNT,
        pattern=rf"{ALONE}(?:[13][1-9A-HJ-NP-Za-km-z]{{25,34}}|bc1[02-9ac-hj-np-z]{{20,87}}){NOTHING_AFTER}",
        is_valid=check.is_wallet,
    ),
    Kind(
        entity="ADDRESS",
        title=Said(zh="住址", en="address"),
        family=PERSON,
        pattern=(
            rf"(?<![0-9A-Za-z.])(?:(?<!Table )(?<!Figure )(?<!Section )(?<!Chart )(?<!Model )[0-9]{{1,5}}[A-Z]? (?:[NSEW]\.? )?{_WORDS}{_STREET}|{_STREET_FIRST}|{_STREET_LAST}|{_BOX}|Apt\. [0-9]{{1,4}}|[0-9]{{1,4}},? (?:Suite|Apt) [0-9]{{1,4}})(?![0-9a-z])"
        ),
    ),
    Kind(
        entity="ADDRESS_ANNOUNCED",
        title=Said(zh="住址", en="address"),
        family=PERSON,
        pattern=(
            rf"(?<![0-9A-Za-z.])(?:[0-9]{{1,5}}[A-Z]? (?:[0-9]{{1,5}} )?[{UPPER}][{LETTER}]|{_WORDS}[0-9]{{1,4}}(?!\.?[0-9]))"
        ),
        context=said(
            r"(?<![A-Za-z])(?:address(?:es)?(?: (?:is|to|at))?|liv(?:es?|ed|ing) at|resid(?:es?|ed|ing) at|located at|meet (?:me|you|us|him|her) at)"
        ),
    ),
)
"""RFC 5321 (shortened), E.164, ISO/IEC 7812, ISO 13616, 3GPP TS 23.003, BIP 13 and 173."""
