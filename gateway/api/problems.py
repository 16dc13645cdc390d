"""How each error looks on the wire: one table, one shape (RFC 9457), two languages."""

import logging
import traceback
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from gateway.api.shapes import ReasonOut, Shape
from gateway.governance.errors import IneligibleError, RoleError, TokenError
from jobs.errors import (
    BudgetExhaustedError,
    ConflictError,
    JobsError,
    NotFoundError,
    OutOfOrderError,
    SeatError,
    StaleError,
)
from jobs.record.engine import RecordDownError
from jobs.record.signers import KeyPutAwayError
from jobs.steps.rereview import WithheldError
from jobs.steps.stop import DomainStoppedError
from jobs.steps.submit import BadBundleError
from sandbox.errors import SandboxError, StorageFullError
from sandbox.reason import Reason, Said


class RefusedError(JobsError):
    """The office, or the planner, has said no: an answer there, on the wire a problem."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        """Keep every reason, and say the English ones."""
        super().__init__("; ".join(reason.why.en for reason in reasons))
        self.reasons = reasons


class UnknownScenarioError(NotFoundError):
    """The caller's party holds no grant of the scenario that it names."""

    def __init__(self) -> None:
        """Say so, and what to do."""
        super().__init__("no such scenario was granted to this party")
        self.reasons = (_UNKNOWN_SCENARIO,)


_UNKNOWN_SCENARIO = Reason(
    rule="admit.scenario",
    why=Said(zh="贵单位没有获批该应用场景", en="no such scenario was granted to your party"),
    fix=Said(zh="使用已获批场景的编号，或先提交场景方案",
             en="name a scenario that was approved for you, or submit a plan first"),
    place="scenario",
    clause="Shanghai art. 21",
)  # fmt: skip
_log = logging.getLogger("shuyu.gateway")
_MOST_FAULTS = 20


class ProblemOut(Shape):
    """An answer that is not a yes (RFC 9457), in two languages, with every reason."""

    type: str
    """`urn:shuyu:problem:` and the kind: the same for every problem of that kind."""
    title: str
    status: int
    detail: str
    detail_zh: str
    reasons: tuple[ReasonOut, ...] = ()
    id: str | None = None
    """For a failure of the gateway's own: what to name when asking the operator about it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    status: int
    name: str
    said: Said
    tells: bool = False
    """Whether the error's own words are for the caller: they name ids and states only."""


def _kind(status: int, name: str, zh: str, en: str, *, tells: bool = False) -> Kind:
    return Kind(status, name, Said(zh=zh, en=en), tells)


NOBODY = _kind(401, "not-signed-in", "令牌缺失、错误、过期或已撤销",
               "the token is missing, wrong, expired or revoked")  # fmt: skip
MISSING = _kind(404, "not-found", "没有该对象，或您无权知悉",
                "there is no such thing, or none that you may know of")  # fmt: skip
ROLE = _kind(403, "role", "您的角色无权执行此操作", "none of your roles may do this")
INVALID = _kind(422, "not-valid", "请求内容不符合接口定义",
                "the request is not of the shape that the API asks for")  # fmt: skip
TOO_LARGE = _kind(413, "too-large", "请求体超过 2 MiB", "the request's body is larger than 2 MiB")
INTERNAL = _kind(500, "internal", "网关内部错误，详情只在日志中",
                 "the gateway failed; only its log has the details")  # fmt: skip

KINDS: Mapping[type[Exception], Kind] = MappingProxyType({
    TokenError: NOBODY,
    RoleError: ROLE,
    NotFoundError: MISSING,
    DomainStoppedError: _kind(503, "stopped", "运营域已紧急停止，恢复之前不放行任何内容",
                              "the domain was stopped in an emergency: nothing leaves until it is resumed"),
    WithheldError: _kind(409, "withheld", "该发布经抽样复核被提出异议，已停止下载；请与实施机构联系",
                         "an objection was raised to the release when it was looked at again: its download is "
                         "stopped; ask the implementing institution"),
    StaleError: _kind(409, "stale", "对象已被他人变更，请重新查看后再试",
                      "somebody else changed it first: look again, then retry"),
    OutOfOrderError: _kind(409, "out-of-order", "当前状态下不能执行此操作",
                           "this step cannot be taken at this point", tells=True),
    BadBundleError: _kind(422, "bad-bundle", "代码包过大，或其中有不合规的文件名",
                          "the code bundle is too large, or has a bad file name", tells=True),
    ConflictError: _kind(409, "conflict", "幂等键已用于另一请求，或编号已被占用",
                         "the idempotency key came with another body, or the id is taken",
                         tells=True),
    BudgetExhaustedError: _kind(409, "budget", "隐私预算余额不足",
                                "the privacy budget is not enough"),
    SeatError: _kind(403, "seat", "您不能占用该席位", "you may not take this seat"),
    RefusedError: _kind(422, "refused", "不予受理，理由如下", "it was refused, for these reasons"),
    IneligibleError: _kind(422, "ineligible", "不符合登记条件", "it does not meet the conditions"),
    StorageFullError: _kind(507, "storage-full", "存储空间已满，请稍后再试",
                            "the domain's disk is full: try again later"),
    RecordDownError: _kind(503, "record-down", "记录库暂时不可用，请稍后再试",
                           "the record does not answer: try again later"),
    KeyPutAwayError: _kind(503, "key-put-away", "签名密钥刚被更换，服务即将以新密钥重启，请稍后再试",
                           "a signing key was just replaced: the service restarts with the new one"),
})  # fmt: skip
"""Every error that has an answer of its own; any other is a failure of ours, and tells nothing."""

_STATUSES: Mapping[int, Kind] = MappingProxyType(
    {kind.status: kind for kind in (NOBODY, ROLE, MISSING, TOO_LARGE, INVALID)}
    | {
        400: _kind(400, "bad-request", "请求无法解析", "the request cannot be read"),
        405: _kind(405, "method", "该地址不支持此方法", "that method is not supported here"),
    }
)

_SHAPE_FAULTS: Mapping[str, Said] = MappingProxyType({
    "missing": Said(zh="缺少必填项", en="a required field is missing"),
    "extra_forbidden": Said(zh="含有未定义的字段", en="there is a field that the API does not define"),
    "json_invalid": Said(zh="不是有效的 JSON", en="it is not valid JSON"),
    "not_plain": Said(zh="含有 NUL、孤立代理码位、NaN 或无穷大",
                      en="it holds NUL, a lone surrogate, NaN or infinity"),
    "too_large": Said(zh="内容过大", en="it is too large"),
    "too_long": Said(zh="项数过多", en="it has too many items"),
    "string_too_long": Said(zh="文本过长", en="the text is too long"),
    "string_pattern_mismatch": Said(zh="文本不符合规定的格式", en="the text is not of the form asked for"),
    "base64_decode": Said(zh="不是有效的 base64", en="it is not valid base64"),
    "union_tag_invalid": Said(zh="没有这种类型", en="there is no such kind"),
    "union_tag_not_found": Said(zh="缺少类型", en="its kind is missing"),
    "enum": Said(zh="不是允许的取值", en="it is none of the allowed words"),
    "literal_error": Said(zh="不是允许的取值", en="it is none of the allowed words"),
})  # fmt: skip
_FAULT = Said(zh="类型或取值不符合要求", en="it is of the wrong type or out of bounds")
_SEE = Said(zh="对照 /v1/openapi.json 中的定义修改", en="compare it with /v1/openapi.json")


def answer(kind: Kind, *, detail: str = "", reasons: Sequence[Reason] = ()) -> JSONResponse:
    """Return the problem of this kind; `detail` replaces the kind's own English sentence."""
    return _response(kind, detail=detail or kind.said.en, reasons=reasons)


def failed(error: BaseException) -> JSONResponse:
    """Log `error` under a new id, and return a problem that tells the id and nothing else."""
    name = uuid.uuid4().hex
    # where it broke, never its words: an exception may quote what it choked on
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("problem %s: %s\n%s", name, type(error).__name__, where)
    return _response(INTERNAL, detail=INTERNAL.said.en, name=name)


def install(app: FastAPI) -> None:
    """Answer every error of the record, of the sandbox and of the wire with its problem."""
    app.add_exception_handler(JobsError, _known)
    app.add_exception_handler(SandboxError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _known(_request: Request, error: Exception) -> JSONResponse:
    kind = next((KINDS[each] for each in type(error).__mro__ if each in KINDS), None)
    if kind is None:
        return failed(error)
    reasons: Sequence[Reason] = getattr(error, "reasons", ())
    return answer(kind, detail=str(error) if kind.tells else "", reasons=reasons)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return answer(INVALID, reasons=[_fault(each) for each in error.errors()[:_MOST_FAULTS]])


def _fault(found: Mapping[str, Any]) -> Reason:
    """Say what is wrong and where, in our own words: pydantic's may quote the body."""
    place = found["loc"][:-1] if found["type"] == "extra_forbidden" else found["loc"]
    return Reason(
        rule=f"request.{found['type']}",
        why=_SHAPE_FAULTS.get(found["type"], _FAULT),
        fix=_SEE,
        place=".".join(str(part) for part in place),
    )


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = _STATUSES.get(error.status_code)
    return answer(kind) if kind else failed(error)


def _response(
    kind: Kind, *, detail: str, reasons: Sequence[Reason] = (), name: str | None = None
) -> JSONResponse:
    problem = ProblemOut(
        type=f"urn:shuyu:problem:{kind.name}",
        title=kind.name.replace("-", " ").capitalize(),
        status=kind.status,
        detail=detail,
        detail_zh=kind.said.zh,
        reasons=tuple(ReasonOut.of(reason) for reason in reasons),
        id=name,
    )
    headers = {"WWW-Authenticate": "Bearer"} if kind is NOBODY else None
    return JSONResponse(
        problem.model_dump(mode="json", exclude_none=True),
        kind.status,
        headers,
        media_type="application/problem+json",
    )
