"""A person at the console without a browser: signs in, follows pages, sends their own forms."""

import re
from dataclasses import dataclass
from html import unescape

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.gateway.console.town import Town

ORIGIN = "http://testserver"


@dataclass(frozen=True, slots=True)
class Desk:
    """The console, for whoever sits down."""

    town: Town

    def stranger(self) -> TestClient:
        return TestClient(self.town.app, follow_redirects=False, headers={"Origin": ORIGIN})

    def sit(self, person: str) -> TestClient:
        client = self.stranger()
        answer = client.post("/console/login", data={"token": self.town.tokens[person]})
        assert answer.status_code == 303, answer.text
        return client


def form_token(page: Response) -> str:
    """Return the token that the forms of `page` bear."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found[1]


def words(page: Response) -> str:
    """Return what a reader sees of `page`: no tags, no entities."""
    return unescape(re.sub(r"<[^>]*>", " ", page.text))
