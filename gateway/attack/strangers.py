"""Attempts of somebody without a token on the deployment's own gateway, where it answers: nothing is asked but to be let in."""

from collections.abc import Callable

import httpx2

from gateway.attack.stage import OFFICER, Stage, attempt, proven
from sandbox.attack.attempt import Act, Family, Verdict, controlled
from sandbox.reason import Said

_OPEN = frozenset({"/v1/health", "/v1/openapi.json"})
_SHUT = range(300, 500)
_SECONDS = 20.0


def _get(on: Stage, path: str, *, method: str = "GET", **headers: str) -> httpx2.Response:
    with httpx2.Client(transport=on.line, timeout=_SECONDS) as client:
        return client.request(method, f"{on.live or on.home.url}{path}", headers=headers)


def _paths(on: Stage) -> list[str]:
    said = _get(on, "/v1/openapi.json").json()["paths"]
    return sorted(path for path, verbs in said.items() if "get" in verbs and path not in _OPEN)


def _all(**headers: str) -> Callable[[Stage], Verdict]:
    """Return an attempt to read every path of the interface."""

    def act(on: Stage) -> Verdict:
        paths = _paths(on)
        filled = [path.replace("{path}", "0/000") for path in paths]
        answers = [_get(on, path.replace("{", "").replace("}", ""), **headers) for path in filled]
        opened = [
            path
            for path, answer in zip(paths, answers, strict=True)
            if answer.status_code not in _SHUT
        ]
        sound = on.ask(OFFICER, "GET", "/v1/review/queue")
        return proven(
            f"{len(paths)} paths, {len(opened)} open",
            held=not opened,
            control=controlled("with a token they open", works=sound.is_success),
        )

    return act


def _shut(path: str, *, method: str = "GET", **headers: str) -> Callable[[Stage], Verdict]:
    """Return an attempt on one path."""

    def act(on: Stage) -> Verdict:
        answer = _get(on, path, method=method, **headers)
        health = _get(on, "/v1/health")
        return proven(
            str(answer.status_code),
            held=answer.status_code in _SHUT and b"PRIVATE" not in answer.content,
            control=controlled("the gateway answers others", works=health.is_success),
        )

    return act


def _quiet(on: Stage) -> Verdict:
    """Look for names of programs and paths in what a mistake is told."""
    answer = _get(on, "/v1/jobs/%00")
    said = answer.text.lower() + str(answer.headers).lower()
    found = [
        word
        for word in ("traceback", "uvicorn", "sqlite", "site-packages", "/home/")
        if word in said
    ]
    return proven(
        f"{answer.status_code}, {len(found)} words of its inside",
        held=not found and answer.status_code in _SHUT,
        control=controlled("it is told something", works=bool(said)),
    )


def _row(name: str, said: Said, act: Callable[[Stage], Verdict]) -> Act[Stage]:
    return attempt(f"stranger.{name}", Family.STRANGERS, said, act)


STRANGERS: tuple[Act[Stage], ...] = (
    _row("no_token", Said(zh="不带令牌访问全部接口", en="reads every path without a token"), _all()),
    _row("false_token", Said(zh="以伪造令牌访问全部接口", en="reads every path with a false token"), _all(Authorization="Bearer shuyu_x_y")),
    _row("basic", Said(zh="以口令方式登录", en="signs in by a name and a password"), _all(Authorization="Basic YWRtaW46YWRtaW4=")),
    _row("false_session", Said(zh="以伪造会话打开控制台", en="opens the console with a false session"), _shut("/console", Cookie="session=admin")),
    _row("climbs", Said(zh="以路径爬出读取密钥", en="climbs out of the console's files to the keys"), _shut("/console/static/..%2f..%2f..%2fkeys/grant.key")),
    _row("forwarded", Said(zh="自称来自本机", en="says that it comes from this very machine"), _shut("/v1/jobs", **{"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"})),
    _row("override", Said(zh="以请求头改换方法", en="changes the method by a header"), _shut("/v1/jobs", **{"X-HTTP-Method-Override": "POST"})),
    _row("trace", Said(zh="以 TRACE 取回请求", en="asks for its request back"), _shut("/v1/jobs", method="TRACE")),
    _row("quiet", Said(zh="从错误中探知内部", en="learns of its inside by mistakes"), _quiet),
)  # fmt: skip
"""Every attempt of the family."""
