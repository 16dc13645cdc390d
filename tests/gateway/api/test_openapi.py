from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from gateway.app import create_app
from tests.gateway.api.domain import Domain
from tests.gateway.api.test_door import BrokenClock

EXAMPLES = 6
"""For each operation and caller; a longer run is one number away."""


def search(app: FastAPI, token: str) -> None:
    """Call every operation with bodies that fit its schema and bodies that do not."""
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    headers = {"Authorization": f"Bearer {token}"}
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    assert len(operations) > 25

    for operation in operations:
        if operation.path.endswith("/wait"):
            continue  # it would wait

        @seed(7)
        @settings(max_examples=EXAMPLES, deadline=None, database=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def holds(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers=headers, checks=[not_a_server_error])

        holds()


def test_the_search_for_failures_would_find_one(still: Domain) -> None:
    broken = create_app(replace(still.rooms, clock=BrokenClock()))

    with pytest.raises(FailureGroup):
        search(broken, still.tokens["dev"])


@pytest.mark.parametrize("who", ["dev", "officer", "chief"])
def test_nothing_that_the_schema_allows_or_forbids_makes_the_gateway_fail(
    still: Domain, who: str
) -> None:
    search(still.app, still.tokens[who])


def test_every_operation_says_what_it_does_and_how_a_problem_looks(still: Domain) -> None:
    paths = create_app(still.rooms).openapi()["paths"]

    for path, methods in paths.items():
        for operation in methods.values():
            assert operation["description"].endswith((".", "?")), path
            assert "default" in operation["responses"], path
