"""Whether a consent can be taken in: signed by its channel, about one purpose, and within what was granted for it."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from jobs.grant import Grant, PartyId
from jobs.proof import bodies
from jobs.proof.consent import SALT_BYTES, Statement, sealed_subject
from jobs.proof.keys import PublicKey
from sandbox.asset import Asset
from sandbox.reason import Reason, Said

MOST_TIMES = 1_000_000
_ART_22 = "Shanghai art. 22"
_SENTENCES: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "channel": (
            "该陈述不是由提交它的授权渠道作出，或渠道尚未登记密钥",
            "the statement is not of the channel that hands it in, or that channel has no key in the record",
            "由作出陈述的渠道提交；先由域管理员登记渠道密钥",
            "let the channel that made it hand it in; the domain's administrator registers its key first",
        ),
        "signature": (
            "签名与陈述不符",
            "the signature is not the channel's over this statement",
            "以渠道登记的密钥对陈述的规范 JSON 签名",
            "sign the statement's canonical JSON with the channel's registered key",
        ),
        "subject": (
            "陈述中的主体与所给主体不符",
            "the statement is about another subject than the one that is named",
            "subject 取 SHA-256(盐 ‖ 主体键)，盐为 32 个随机字节",
            "let `subject` be the SHA-256 of 32 random bytes of salt and the subject's key",
        ),
        "unit": (
            "主体键与该数据资源的主体列类型不符",
            "the subject's key is not of the kind that the asset keys its units by",
            "按数据资源主体列的写法给出主体键",
            "name the subject as the asset's key column has it",
        ),
        "asset": (
            "目录中没有该数据资源",
            "there is no such asset in the catalogue",
            "更正数据资源编号",
            "correct the asset's id",
        ),
        "scenario": (
            "该应用场景未获批，或不按授权同意读取该数据资源",
            "the scenario is not granted, or does not read this asset by consents",
            "更正应用场景编号；同意只对一个场景有效",
            "correct the scenario's id; a consent is for one scenario alone",
        ),
        "recipient": (
            "接收方不是该场景的开发主体",
            "the recipient is not the scenario's developer",
            "更正接收方",
            "correct the recipient",
        ),
        "columns": (
            "所列各列须为该场景对该数据资源获批的列，且不为空、不重复",
            "the columns must be among those that the scenario was granted of the asset, at least one, and none twice",
            "只列出该场景获批的列",
            "name columns that the scenario was granted",
        ),
        "term": (
            "期限的终点须晚于起点，且尚未过去",
            "the term must end after it begins, and not be over",
            "更正起止时间",
            "correct when it begins and ends",
        ),
        "times": (
            f"次数须为 1 至 {MOST_TIMES}",
            f"the number of times must be 1 to {MOST_TIMES}",
            "更正次数",
            "correct the number of times",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A consent as a channel hands it in."""

    statement: Statement
    unit: str
    """The subject's own key: it is kept nowhere."""
    salt: str
    """What hides the subject in the statement, in hexadecimal digits; kept nowhere either."""
    signature: str
    """In base64."""

    @property
    def signed(self) -> bytes:
        """Return the signature's bytes; none where it is no base64."""
        try:
            return base64.b64decode(self.signature, validate=True)
        except binascii.Error:
            return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the record knows of a consent's terms."""

    caller: PartyId
    key: PublicKey | None
    """The calling channel's."""
    asset: Asset | None
    grant: Grant | None
    """The newest live one of the scenario."""
    now: datetime


def consent_reasons(offer: Offer, known: Known) -> Iterator[Reason]:
    """Find everything for which a consent cannot be taken in; no reason quotes the subject."""
    said = offer.statement
    if said.channel != known.caller or known.key is None:
        yield refusal("channel")
    elif not known.key.verifies(offer.signed, bodies.dump(said).encode()):
        yield refusal("signature")
    if not _opens(offer):
        yield refusal("subject")
    if known.asset is None:
        yield refusal("asset")
    yield from _scope(said, known)
    if not said.valid_from < said.valid_to or said.valid_to <= known.now:
        yield refusal("term")
    if not 1 <= said.times <= MOST_TIMES:
        yield refusal("times")


def refusal(part: str) -> Reason:
    """Return the reason that one part of a consent is amiss."""
    zh, en, fix_zh, fix_en = _SENTENCES[part]
    return Reason(
        rule=f"consent.{part}",
        why=Said(zh=zh, en=en),
        fix=Said(zh=fix_zh, en=fix_en),
        place=part,
        clause=_ART_22,
    )


def _scope(said: Statement, known: Known) -> Iterator[Reason]:
    view = known.grant.view(said.asset) if known.grant else None
    if known.grant is None or view is None or not view.consented:
        yield refusal("scenario")
        return
    if said.recipient != known.grant.developer:
        yield refusal("recipient")
    named = said.columns
    if not named or len(set(named)) < len(named) or not set(named) <= set(view.columns):
        yield refusal("columns")


def _opens(offer: Offer) -> bool:
    try:
        salt = bytes.fromhex(offer.salt)
    except ValueError:
        return False
    return len(salt) == SALT_BYTES and sealed_subject(offer.unit, salt) == offer.statement.subject
