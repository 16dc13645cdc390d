"""The identifiers of people and enterprises in China, Hong Kong, Macau and Taiwan."""

from sandbox.egress.identifiers import check_digits as check
from sandbox.egress.identifiers.kind import (
    ACCOUNT,
    ALONE,
    CONTACT,
    DEVICE,
    DOCUMENT,
    ENTERPRISE,
    NO_DIGIT_AFTER,
    NO_DIGIT_BEFORE,
    NOTHING_AFTER,
    PERSON,
    Kind,
    said,
)
from sandbox.egress.identifiers.surnames import NAMES
from sandbox.reason import Said

_PROVINCE_SIGNS = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_DATE = r"(?:18|19|20)[0-9]{2}(?:[-/.年 ]{1,2})?(?:0?[1-9]|1[0-2])(?:[-/.月 ]{1,2})?(?:0[1-9]|[12][0-9]|3[01]|[1-9])日?"

CHINESE: tuple[Kind, ...] = (
    Kind(
        entity="CN_RESIDENT_ID",
        title=Said(zh="居民身份证号", en="resident identity number"),
        family=DOCUMENT,
        pattern=(
            rf"{NO_DIGIT_BEFORE}[1-9][0-9]{{5}}[ -]?(?:19|20)[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
            rf"[ -]?[0-9]{{3}}[0-9Xx]{NOTHING_AFTER}"
        ),
        is_valid=check.is_resident_id,
        disguised=True,
    ),
    Kind(
        entity="CN_RESIDENT_ID_15",
        title=Said(zh="十五位居民身份证号", en="15-digit resident identity number"),
        family=DOCUMENT,
        pattern=(
            rf"{NO_DIGIT_BEFORE}[1-8][0-9]{{7}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{{3}}{NO_DIGIT_AFTER}"
        ),
        is_valid=check.is_old_resident_id,
        context=r"身份证|证件|公民身份|id.?card|id.?n(?:o|um)|resident",
    ),
    Kind(
        entity="CN_FOREIGN_RESIDENT",
        title=Said(zh="外国人永久居留证号", en="foreigner's permanent residence number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Z]{{3}}[0-9]{{6}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{{2}}{NOTHING_AFTER}",
        context=r"永久居留|居留证|permanent.?residen",
    ),
    Kind(
        entity="CN_PASSPORT",
        title=Said(zh="护照号", en="passport number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}(?:[DEGHKPS][0-9]{{8}}|(?:E[A-HJ-NP-Z]|DE|SE|PE|KJ|MA)[0-9]{{7}}){NOTHING_AFTER}",
        context=r"护照|passport",
    ),
    Kind(
        entity="CN_TRAVEL_PERMIT",
        title=Said(
            zh="港澳台通行证号",
            en="travel permit between the mainland, Hong Kong, Macau and Taiwan",
        ),
        family=DOCUMENT,
        pattern=rf"{ALONE}(?:[CWTHM][0-9]{{8}}(?:[0-9]{{2}})?|[CW][A-HJ-NP-Z][0-9]{{7}}|[0-9]{{8}}(?:[0-9]{{2}}[A-Z]?)?){NOTHING_AFTER}",
        context=said(
            r"通行证|回乡证|台胞证|来往内地|往来港澳|往来台湾|来往大陆|travel permit|home.?return(?: permit)?"
        ),
    ),
    Kind(
        entity="HK_ID",
        title=Said(zh="香港身份证号", en="Hong Kong identity number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Z]{{1,2}}[0-9]{{6}}[(（][0-9A][)）]",
        is_valid=check.is_hong_kong_id,
    ),
    Kind(
        entity="HK_ID_BARE",
        title=Said(zh="香港身份证号", en="Hong Kong identity number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Z]{{1,2}}[0-9]{{6}}[0-9A]{NOTHING_AFTER}",
        is_valid=check.is_hong_kong_id,
        context=r"香港|身份证|HKID|Hong Kong id",
        fills_columns=True,
        chance=1 / 11,
    ),
    Kind(
        entity="MACAU_ID",
        title=Said(zh="澳门身份证号", en="Macau identity number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[1578][0-9]{{6}}(?:[0-9]|[(（][0-9][)）])",
        context=r"澳门.{0,6}证|macau.{0,4}id|(?<![A-Za-z])BIR(?![A-Za-z])",
    ),
    Kind(
        entity="TW_ID",
        title=Said(zh="台湾身份证号", en="Taiwan identity number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Z][1289][0-9]{{8}}{NOTHING_AFTER}",
        is_valid=check.is_taiwan_id,
        context=r"台湾|身份证|身分證|national id|id.?n(?:o|um)|taiwan",
        fills_columns=True,
        chance=0.1,
    ),
    Kind(
        entity="CN_OFFICER_ID",
        title=Said(zh="军官证号", en="officer's number"),
        family=DOCUMENT,
        pattern=r"[军兵士文职警海空北南沈兰成济广政后装武]{1,4}字第[0-9]{6,8}号?",
    ),
    Kind(
        entity="CN_SOCIAL_SECURITY",
        title=Said(zh="社保或医保号", en="social or medical insurance number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Z0-9]{{8,20}}{NOTHING_AFTER}",
        is_valid=check.has_digits,
        context=said(r"社保卡|社保|医保卡|医保|社会保障卡|social security card"),
    ),
    Kind(
        entity="MEDICAL_RECORD",
        title=Said(zh="病历号", en="medical record number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Z]{{0,4}}-?[0-9][0-9A-Z-]{{4,18}}{NOTHING_AFTER}",
        is_valid=check.has_digits,
        context=said(
            r"病历|病案|住院|门诊|就诊卡?|诊疗卡|患者(?:编号|号|ID)|(?<![A-Za-z])(?:mrn|medical record|patient id|patient_id)"
        ),
    ),
    Kind(
        entity="METER_NUMBER",
        title=Said(zh="水电气表号或户号", en="meter or supply number"),
        family=DOCUMENT,
        pattern=rf"{ALONE}[A-Z]{{0,3}}[0-9][0-9A-Z]{{5,19}}{NOTHING_AFTER}",
        is_valid=check.has_digits,
        context=said(
            r"(?:电|水|气|燃气|热)表(?:表号|编号|号|户号)|用[电水气]户号|(?<!账)(?<!开)户号|meter(?: |_)?(?:no\.?|number|id|serial)"
        ),
    ),
    Kind(
        entity="DATE_OF_BIRTH",
        title=Said(zh="出生日期", en="date of birth"),
        family=PERSON,
        pattern=rf"(?<![0-9]){_DATE}(?![0-9])",
        context=said(
            r"出生(?:日期|年月日|于|年月)?|生日|(?<![A-Za-z])(?:birth.?day|birth.?date|date.?of.?birth|d\.?o\.?b|born(?: on)?)"
        ),
    ),
    Kind(
        entity="PERSON_ADDRESSED",
        title=Said(zh="人名", en="name of a person"),
        family=PERSON,
        pattern=rf"(?<![一-龥])(?!高?于){NAMES}[一-龥]{{0,2}}(?:先生|女士|小姐)|(?<![A-Za-z])(?:Mr|Mrs|Ms|Miss|Dr)\.? (?!Rate|Ratio|Distance|Count)[A-Z][a-z]+(?: [A-Z][a-z]+)?",
    ),
    Kind(
        entity="CN_PLATE",
        title=Said(zh="车牌号", en="vehicle plate"),
        family=DOCUMENT,
        pattern=(
            rf"[{_PROVINCE_SIGNS}][A-HJ-NP-Z][ ·•.-]?(?:[0-9]{{5}}[DFABCEGHJK]|[DFABCEGHJK][A-HJ-NP-Z0-9][0-9]{{4}}"
            rf"|[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳使领]){NOTHING_AFTER}"
        ),
        is_valid=check.is_plate,
        disguised=True,
    ),
    Kind(
        entity="CN_MOBILE",
        title=Said(zh="手机号", en="mobile number"),
        family=CONTACT,
        pattern=(
            rf"{NO_DIGIT_BEFORE}(?:(?:\+|00)?86[ -]?)?1(?:3[0-9]|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])"
            rf"[ .-]?[0-9]{{4}}[ .-]?[0-9]{{4}}{NO_DIGIT_AFTER}"
        ),
        is_valid=check.is_mobile,
        disguised=True,
    ),
    Kind(
        entity="CN_LANDLINE",
        title=Said(zh="固定电话", en="landline number"),
        family=ENTERPRISE,
        pattern=(
            rf"(?<![0-9A-Za-z.,+-])[(（]?(?:(?:\+|00)?86[ -]?)?0(?:10|2[0-57-9]|[3-9][0-9]{{2}})"
            rf"(?:[)）][ -]?|[ -])[1-9][0-9]{{6,7}}(?:[-转][0-9]{{1,5}})?{NO_DIGIT_AFTER}"
        ),
    ),
    Kind(
        entity="CN_LANDLINE_LOCAL",
        title=Said(zh="固定电话", en="landline number"),
        family=ENTERPRISE,
        pattern=rf"{NO_DIGIT_BEFORE}(?:0[0-9]{{9,11}}|[2-8][0-9]{{2,3}}-?[0-9]{{4}}){NO_DIGIT_AFTER}",
        context=said(r"电话|座机|固话|传真|(?<![A-Za-z])(?:telephone|landline|fax)"),
    ),
    Kind(
        entity="WECHAT",
        title=Said(zh="微信号", en="WeChat name"),
        family=CONTACT,
        pattern=rf"{ALONE}[A-Za-z][A-Za-z0-9_-]{{5,19}}{NOTHING_AFTER}",
        is_valid=check.has_any_digit,
        context=said(r"微信|加[vV]|(?<![A-Za-z])(?:we.?chat|weixin|vx|wx)"),
    ),
    Kind(
        entity="WECHAT_ID",
        title=Said(zh="微信号", en="WeChat name"),
        family=CONTACT,
        pattern=rf"{ALONE}wxid_[a-z0-9]{{10,20}}{NOTHING_AFTER}",
    ),
    Kind(
        entity="QQ",
        title=Said(zh="QQ号", en="QQ number"),
        family=CONTACT,
        pattern=rf"{NO_DIGIT_BEFORE}[1-9][0-9]{{4,10}}{NO_DIGIT_AFTER}",
        context=said(r"(?<![A-Za-z])(?:QQ群?|扣扣|企鹅)"),
    ),
    Kind(
        entity="BANK_CARD",
        title=Said(zh="银行卡号", en="bank card number"),
        family=ACCOUNT,
        pattern=(
            rf"{NO_DIGIT_BEFORE}(?:62[0-9]{{2}}[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}(?:[ -]?[0-9]{{1,3}})?"
            rf"|(?:4[0-9]{{3}}|5[1-5][0-9]{{2}}|2[2-7][0-9]{{2}}|35[2-8][0-9])(?:[ -]?[0-9]{{4}}){{3}}){NO_DIGIT_AFTER}"
        ),
        is_valid=check.is_bank_card,
        disguised=True,
        chance=0.1,
    ),
    Kind(
        entity="BANK_ACCOUNT",
        title=Said(zh="银行账号", en="bank account number"),
        family=ACCOUNT,
        pattern=rf"{NO_DIGIT_BEFORE}[0-9]{{9,30}}{NO_DIGIT_AFTER}",
        context=said(
            r"(?:银行|收款|付款|对公|开户)?(?:账号|帐号|账户|卡号)|(?<![A-Za-z])(?:bank account|account|acct)"
        ),
    ),
    Kind(
        entity="CN_CREDIT_CODE",
        title=Said(zh="统一社会信用代码", en="unified social credit code"),
        family=ENTERPRISE,
        pattern=(
            rf"{ALONE}(?:[159N][1239]|[248A][19]|3[1-59]|[67][129]|Y1)(?:1[0-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[123])[0-9]{{4}}"
            rf"[0-9A-HJ-NP-RTUWXY]{{10}}{NOTHING_AFTER}"
        ),
        is_valid=check.is_credit_code,
        disguised=True,
        chance=1 / 31,
    ),
    Kind(
        entity="CN_ORGANISATION_CODE",
        title=Said(zh="组织机构代码", en="organisation code"),
        family=ENTERPRISE,
        pattern=rf"{ALONE}[0-9A-Z]{{8}}-?[0-9X]{NOTHING_AFTER}",
        is_valid=check.is_organisation_code,
        context=r"组织机构|机构代码|organi[sz]ation code",
        fills_columns=True,
        chance=1 / 11,
    ),
    Kind(
        entity="TAX_NUMBER",
        title=Said(zh="纳税人识别号", en="taxpayer number"),
        family=ENTERPRISE,
        pattern=rf"{ALONE}[0-9A-Z]{{15,20}}{NOTHING_AFTER}",
        is_valid=check.has_digits,
        context=said(r"纳税人识别|税号|税务登记(?:证)?|tax(?:payer)?(?: id)?"),
    ),
    Kind(
        entity="VIN",
        title=Said(zh="车架号", en="vehicle identification number"),
        family=DEVICE,
        pattern=rf"{ALONE}[A-HJ-NPR-Z0-9]{{8}}[0-9X][A-HJ-NPR-TV-Y1-9][A-HJ-NPR-Z0-9]{{3}}[0-9]{{4}}{NOTHING_AFTER}",
        is_valid=check.is_vin,
    ),
    Kind(
        entity="COORDINATES",
        title=Said(zh="经纬度", en="coordinates"),
        family=DEVICE,
        pattern=r"(?<![0-9.])[0-9]{2,3}\.[0-9]{5,15}[,，] ?[0-9]{2,3}\.[0-9]{5,15}(?![0-9])",
        is_valid=check.always,
        context=r"坐标|经纬度|经度|纬度|位置|定位|(?<![A-Za-z])(?:gps|lat|lon|lng|location|coord)",
    ),
    Kind(
        entity="CN_ADDRESS",
        title=Said(zh="住址", en="address"),
        family=PERSON,
        pattern=(
            r"[一-龥](?:路|街道?|大道|巷|弄|胡同|村|屯|苑|园|小区|花园|公寓)[ ]?[0-9]{1,5}(?:-[0-9]{1,4})?(?:号|弄|栋|幢|座)"
            r"|[0-9]{1,4}(?:号楼|栋|幢|座|号院)[ ]?(?:[0-9A-Za-z]{1,3}单元)?[ ]?[0-9]{2,5}(?:室|号|户)?"
            r"|[0-9A-Za-z]{1,3}单元[ ]?[0-9]{2,5}(?:室|号|户)?"
        ),
    ),
)
"""Read the standards for the details: GB 11643, GB 32100, GB 11714, GA 36, GB 16735, ISO/IEC 7812."""
