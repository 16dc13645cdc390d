"""A reviewer at the console, over HTTP: signs in, reads a held job, and signs its verdict in the page's own form."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape

import httpx2

from tests.line.domain import Domain


@dataclass(frozen=True, slots=True)
class Reviewer:
    """One person's session at the console."""

    browser: httpx2.Client

    def page(self, path: str) -> str:
        """Return a page of the console as its reader sees it, entities undone."""
        answer = self.browser.get(f"/console/{path}")
        assert answer.status_code == httpx2.codes.OK, answer.text
        return unescape(answer.text)

    def sign(self, job: str) -> tuple[str, ...]:
        """Pass a held job in its page's form; return the digests that the form had."""
        page = self.page(f"review/{job}")
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
        signed = tuple(value for name, value in hidden if name == "signed")
        said = {name: value for name, value in hidden if name != "signed"}
        words = dict.fromkeys(("compliance", "safety", "consistency", "reason"), "已核对")
        form = {**said, **words, "signed": list(signed), "vote": "pass", "read": "yes"}
        answer = self.browser.post(f"/console/review/{job}/verdict", data=form)
        assert answer.status_code == httpx2.codes.SEE_OTHER, unescape(answer.text)
        return signed


@contextmanager
def at_console(domain: Domain, person: str) -> Iterator[Reviewer]:
    """Exchange a person's token for a session at the console."""
    url = domain.home.url
    with httpx2.Client(base_url=url, headers={"Origin": url}) as browser:
        answer = browser.post("/console/login", data={"token": domain.tokens[person]})
        assert answer.status_code == httpx2.codes.SEE_OTHER, answer.text
        yield Reviewer(browser)


def sign_at_console(domain: Domain, job: str) -> tuple[str, ...]:
    """Have both seats pass a held job, the operator's first; return the digests that both signed."""
    signed = []
    for person in ("u-op", "u-sec"):
        with at_console(domain, person) as reviewer:
            signed.append(reviewer.sign(job))
    assert signed[0] == signed[1]
    return signed[0]
