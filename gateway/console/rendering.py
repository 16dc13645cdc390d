"""Turns what a page shows into HTML: autoescaped, in the reader's language, under a strict policy."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from types import MappingProxyType
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from gateway.console.texts import Lang, chosen, said, text
from gateway.console.views import Frame
from sandbox.reason import Said

LANGUAGE_COOKIE = "shuyu_lang"
CHINA = timezone(timedelta(hours=8))
"""China has one time, without summer time."""
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)
"""What every answer of the console bears: no script runs, nothing foreign loads, nothing is kept."""
_TONES: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("released", "approved", "active", "cleared", "pass", "in_order"), "good")
    | dict.fromkeys(("refused", "blocked", "failed", "block", "objection"), "bad")
    | dict.fromkeys(("held", "suspended", "stopped", "waiting", "quarantined"), "warn")
    | dict.fromkeys(("submitted", "queued", "running", "with_operator", "sealed"), "calm")
    | dict.fromkeys(("in_local_assessment", "in_joint_assessment", "amending"), "calm")
)
_KIB = 1024
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters that a reader does not see as such; a line's end and a tab are left."""


def language(request: Request) -> Lang:
    """Return the language that this request is answered in."""
    return chosen(asked=request.query_params.get("lang"), kept=request.cookies.get(LANGUAGE_COOKIE))


def render(
    request: Request, template: str, view: Mapping[str, object], *, frame: Frame, status: int = 200
) -> HTMLResponse:
    """Return the page that `template` makes of `view`, and remember the language if one was asked."""
    lang = language(request)
    words = {
        "lang": lang,
        "t": partial(text, lang),
        "csrf": partial(_hidden, frame.csrf),
        "other_language": _switched(request, "en" if lang == "zh" else "zh"),
        "who": frame.who,
        "tabs": frame.tabs,
        "forked": frame.forked,
        "done": frame.done,
    }
    html = environment().get_template(template).render(words | dict(view))
    answer = HTMLResponse(html, status_code=status)
    if request.query_params.get("lang"):
        answer.set_cookie(
            LANGUAGE_COOKIE,
            lang,
            path="/console",
            httponly=True,
            samesite="strict",
            max_age=31536000,
        )
    return answer


@cache
def environment() -> Environment:
    """Return the templates of this package, compiled once; an unknown name in them is an error."""
    made = Environment(
        loader=PackageLoader("gateway.console"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "said": _said,
        "role": _role,
        "tone": lambda state: _TONES.get(state, ""),
        "china_time": china_time,
        "day": lambda at: at.astimezone(CHINA).date().isoformat(),
        "size": size,
    }
    return made


def visible(value: object) -> object:
    """Return a text with every control and bidirectional character shown by its number.

    Whoever wrote it, a person is about to decide by it: nothing in it may hide or reorder the rest
    (Unicode TR 36, section 2).
    """
    return _UNSEEN.sub(_number, value) if type(value) is str else value


def page_of(request: Request) -> str:
    """Return the path of the page that is asked for, or from which a form was sent."""
    path = request.url.path
    return path if request.method == "GET" else path.rpartition("/")[0]


def china_time(at: datetime) -> str:
    """Return the minute in China's time, as `2026-11-23 08:07`."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def size(count: int) -> str:
    """Return a number of bytes in a unit that can be read."""
    if count < _KIB:
        return f"{count} B"
    if count < _KIB * _KIB:
        return f"{count / _KIB:.1f} KiB"
    return f"{count / _KIB / _KIB:.1f} MiB"


@pass_context
def _said(context: Context, sentence: Said) -> str:
    return said(context["lang"], sentence)


@pass_context
def _role(context: Context, name: str) -> str:
    return text(context["lang"], f"role.{name}")


def _number(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"


def _hidden(token: str) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)


def _switched(request: Request, lang: Lang) -> str:
    path = page_of(request)
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    return f"{path}?{urlencode([*kept, ('lang', lang)])}"
