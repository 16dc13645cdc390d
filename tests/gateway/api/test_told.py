"""No route tells a developer a field or a header that has no bound in `gateway.api.told`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from fastapi.testclient import TestClient

from gateway.api.told import BODIES, FIELDS, HEADERS, Bound
from gateway.client import words
from jobs.grant import GrantId
from tests.gateway.api.domain import SCENARIO, Domain
from tests.gateway.api.released import release
from tests.gateway.api.test_jobs_api import CONTAINER, SQL

DEVELOPERS = ("dev", "lead")
BODIES_IN: Mapping[str, Any] = {
    "/v1/stops": {"scope": "all", "opinion": "why"},
    "/v1/stops/door/resume": {"opinion": "why"},
}
"""What a route asks for before it looks who asks."""
PRICED = {
    "scenario": SCENARIO,
    "sql": SQL,
    "epsilon": "0.5",
    "output": "O1",
}
_WORDS = {"Me": "MeOut", "Job": "JobOut", "Release": "ReleaseOut", "ReleasedFile": "ReleasedFileOut",
          "Budget": "BudgetOut", "Reason": "ReasonOut", "Said": "SaidOut", "Place": "PlaceOut",
          "Problem": "ProblemOut"}  # fmt: skip
_OWN = frozenset({"Stop", "File"})
"""Words of the SDK that are for staff, or are sent and not received."""


def routes(domain: Domain) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Give every route that does not refuse a developer by role."""
    for path, methods in domain.app.openapi()["paths"].items():
        for method, route in methods.items():
            if any(_is_open(domain.client(who), method, path) for who in DEVELOPERS):
                yield method, path, route


def _is_open(client: TestClient, method: str, path: str) -> bool:
    named = re.sub(r"\{[^}]*\}", "X-1", path)
    return client.request(method, named, json=BODIES_IN.get(path, {})).status_code != 403


def shapes(spec: Mapping[str, Any], part: object) -> Iterator[str]:
    """Give the names of every shape that an answer may hold, at any depth."""
    seen: set[str] = set()
    waiting = [part]
    while waiting:
        match waiting.pop():
            case {"$ref": str(ref)} if ref.rpartition("/")[2] not in seen:
                name = ref.rpartition("/")[2]
                seen.add(name)
                waiting.append(spec["components"]["schemas"][name])
            case dict(inner):
                waiting += inner.values()
            case list(inner):
                waiting += inner
            case _:
                pass
    yield from seen


def told(domain: Domain) -> set[str]:
    spec = domain.app.openapi()
    answers = [route["responses"] for _, _, route in routes(domain)]
    found = set()
    for name in shapes(spec, answers):
        plain = re.sub(r"^Listing_\w+_$", "Listing", name)
        found |= {
            f"{plain}.{each}" for each in spec["components"]["schemas"][name].get("properties", ())
        }
    return found


def test_every_field_that_a_developer_is_told_has_a_bound_and_every_bound_a_field(
    still: Domain,
) -> None:
    assert told(still) == set(FIELDS)


def test_every_answer_that_is_no_json_has_a_bound(still: Domain) -> None:
    found = {path for _, path, route in routes(still) if not _is_json(route["responses"])}

    assert found == set(BODIES)


def _is_json(responses: Mapping[str, Any]) -> bool:
    good = [answer for code, answer in responses.items() if code.startswith("2")]
    return all("application/json" in answer.get("content", {}) for answer in good)


def test_the_routes_of_staff_refuse_a_developer(still: Domain) -> None:
    open_to = {path for _, path, _ in routes(still)}

    closed = set(still.app.openapi()["paths"]) - open_to

    assert {path.split("/")[2] for path in closed} == {
        *("review", "log", "egress", "stops", "consents"),
    }
    assert not any(path.split("/")[2] in {"log", "egress", "stops"} for path in open_to)


def test_every_header_that_a_developer_is_sent_stands_in_the_list(domain: Domain) -> None:
    made = release(domain)
    dev = domain.client("dev")
    sent = dev.post("/v1/jobs", json=CONTAINER, headers={"Idempotency-Key": "k"})
    answers = [
        sent,
        dev.post("/v1/jobs", json=CONTAINER, headers={"Idempotency-Key": "k"}),
        dev.get("/v1/jobs/J-none"),
        dev.post("/v1/queries/explain", json=PRICED),
        dev.get(f"/v1/grants/{GrantId(f'{SCENARIO}.v1')}"),
        dev.get(f"/v1/releases/{made.id}/files/O3"),
        dev.get(f"/v1/releases/{made.id}/certificate"),
        domain.stranger("wrong").get("/v1/jobs"),
    ]

    names = {name.lower() for answer in answers for name in answer.headers}

    assert names <= HEADERS


def test_the_sdk_and_so_the_command_know_no_field_that_the_api_does_not_tell() -> None:
    kinds = {
        name: kind for name, kind in vars(words).items() if hasattr(kind, "__dataclass_fields__")
    }

    assert set(kinds) == set(_WORDS) | _OWN
    for name, shape in _WORDS.items():
        known = {f"{shape}.{each.name}" for each in fields(kinds[name])}
        assert known <= set(FIELDS)


def test_only_fields_of_a_run_count_against_the_eight_bits() -> None:
    of_run = {name for name, bound in FIELDS.items() if bound is Bound.RUN}

    assert {name for name in of_run if name.startswith("JobOut")} == {
        "JobOut.state",
        "JobOut.ended",
        "JobOut.duration",
        "JobOut.reasons",
    }
    assert {name.partition(".")[0] for name in of_run} == {"JobOut", "ReasonOut"}
