"""Who is calling, over HTTP: bearer tokens, the console's cookie, and the need for a role."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.testclient import TestClient
from starlette.responses import JSONResponse

from gateway.governance.errors import RoleError, TokenError
from gateway.governance.rules import Rules
from gateway.governance.tokens import issue_token, revoke_token, token_id
from gateway.identity import COOKIE, Caller, Calling, close_session, need, open_session
from jobs.grant import PersonId
from jobs.record.database import Record
from tests.gateway.governance.town import Clock


def app_over(record: Record, clock: Clock, rules: Rules) -> FastAPI:
    app = FastAPI()
    app.state.record, app.state.clock, app.state.rules = record, clock, rules

    @app.get("/me")
    def me(caller: Calling) -> str:
        return caller.person

    @app.get("/forward")
    def forward(caller: Annotated[Caller, Depends(need("forward_scenario"))]) -> str:
        return caller.person

    @app.post("/in")
    def enter(request: Request, response: Response, token: str) -> str:
        return open_session(request, response, token).person

    @app.post("/out")
    def leave(request: Request, response: Response) -> None:
        close_session(request, response)

    @app.exception_handler(TokenError)
    def no_token(_: Request, __: Exception) -> Response:
        return JSONResponse({}, status_code=401)

    @app.exception_handler(RoleError)
    def no_role(_: Request, __: Exception) -> Response:
        return JSONResponse({}, status_code=403)

    return app


@pytest.fixture
def client(record: Record, clock: Clock, rules: Rules) -> Iterator[TestClient]:
    with TestClient(app_over(record, clock, rules), base_url="https://domain.test") as opened:
        yield opened


@pytest.fixture
def token(record: Record) -> str:
    return issue_token(record, PersonId("u-op"), days=1, by="init")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_good_bearer_token_names_its_person(client: TestClient, token: str) -> None:
    assert client.get("/me", headers=bearer(token)).json() == "u-op"


@pytest.mark.parametrize("header", ["", "Bearer ", "Basic dTpw", "Bearer shuyu_x_y", "token"])
def test_no_or_a_bad_credential_is_a_401(client: TestClient, header: str) -> None:
    assert client.get("/me", headers={"Authorization": header}).status_code == 401
    assert client.get("/me").status_code == 401


def test_a_role_that_is_not_held_is_a_403(client: TestClient, record: Record, token: str) -> None:
    other = issue_token(record, PersonId("u-bank-dev"), days=1, by="init")

    assert client.get("/forward", headers=bearer(token)).status_code == 200
    assert client.get("/forward", headers=bearer(other)).status_code == 403


def test_the_consoles_cookie_is_closed_to_scripts_and_to_other_sites(
    client: TestClient, token: str
) -> None:
    answer = client.post("/in", params={"token": token})

    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/"} <= set(cookie.split("; "))
    assert token not in cookie
    assert client.get("/me").json() == "u-op"


def test_a_session_ends_with_a_log_out_and_with_its_token(
    client: TestClient, record: Record, token: str
) -> None:
    client.post("/in", params={"token": token})
    kept = client.cookies[COOKIE]
    client.post("/out")
    client.cookies.set(COOKIE, kept)
    assert client.get("/me").status_code == 401

    client.cookies.clear()
    client.post("/in", params={"token": token})
    assert client.get("/me").status_code == 200
    revoke_token(record, token_id(token), by="u-lead")
    assert client.get("/me").status_code == 401


def test_a_bad_bearer_is_not_forgiven_for_a_good_cookie(client: TestClient, token: str) -> None:
    client.post("/in", params={"token": token})

    assert client.get("/me", headers=bearer("x")).status_code == 401
