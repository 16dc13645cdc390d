"""No page shows a developer anything that has no bound in `gateway.api.told`."""

from collections.abc import Iterator
from importlib.resources import files

import pytest
from fastapi.routing import APIRoute
from jinja2 import meta, nodes

from gateway.api.told import PAGES
from gateway.console import pages
from gateway.console.rendering import environment
from tests.gateway.console.desk import Desk, words
from tests.gateway.console.town import CANARY

FOR_STAFF = frozenset(
    {
        "anchors",
        "consents",
        "egress_log",
        "review_again",
        "review_case",
        "review_drawn",
        "review_queue",
    }
    | {"run", "runs", "stop"}
)
"""The templates of pages that refuse a developer, as the test below sees for itself."""
PARTS_FOR_STAFF = frozenset({"review_parts"})
"""What those are made of, and no other."""
_FURNITURE = frozenset({"t", "badge", "moment", "cell", "heads", "empty", "reason", "csrf", "size"})
"""Functions that a page is made with; what they are given is named beside them."""


def expressions(template: str) -> Iterator[str]:
    """Give every name that a template shows or asks, with the attributes that it takes of it."""
    folder = files("gateway.console").joinpath("templates")
    tree = environment().parse(folder.joinpath(f"{template}.html").read_text("utf-8"))
    taken = {_dotted(node) for node in tree.find_all((nodes.Getattr, nodes.Getitem))}
    for each in taken | meta.find_undeclared_variables(tree):
        if each and each not in _FURNITURE and not each.startswith("loop."):
            yield f"{template}.{each}"


def _dotted(node: nodes.Node) -> str:
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr():
            return f"{inner}.{node.attr}" if (inner := _dotted(node.node)) else ""
        case nodes.Getitem():
            return f"{inner}[]" if (inner := _dotted(node.node)) else ""
        case _:
            return ""


def shown() -> set[str]:
    every = {name.removesuffix(".html") for name in environment().list_templates(["html"])}
    return {
        each for template in every - FOR_STAFF - PARTS_FOR_STAFF for each in expressions(template)
    }


def test_every_expression_of_a_developers_page_has_a_bound_and_every_bound_an_expression() -> None:
    csrf = {"layout.csrf"}

    assert shown() | csrf == set(PAGES)


def test_an_expression_without_a_bound_would_be_found() -> None:
    tree = environment().parse("{{ job.exit_code }} {{ job.files[0].mtime }}")

    found = {_dotted(node) for node in tree.find_all((nodes.Getattr, nodes.Getitem))}

    assert {"job.exit_code", "job.files[].mtime"} <= found
    assert not {f"job.{each}" for each in found} & set(PAGES) - {"job.job.files"}


def staff_pages() -> Iterator[str]:
    for room in pages.STAFF:
        for route in room.router.routes:
            assert isinstance(route, APIRoute)
            if "GET" in (route.methods or ()):
                yield route.path.replace("{job_id}", "J-" + "4".rjust(26, "0"))


@pytest.mark.parametrize("person", ["u-bank-lead", "u-bank-dev"])
@pytest.mark.parametrize("path", sorted(set(staff_pages())))
def test_the_pages_of_staff_refuse_a_developer(desk: Desk, person: str, path: str) -> None:
    answer = desk.sit(person).get(path)

    assert answer.status_code == 403
    assert CANARY not in words(answer)


def test_the_templates_for_staff_are_those_of_the_rooms_for_staff() -> None:
    used = {
        name
        for room in pages.STAFF
        for name in environment().list_templates(["html"])
        if f'"{name}"'
        in files("gateway.console")
        .joinpath(f"{room.__name__.rpartition('.')[2]}.py")
        .read_text("utf-8")
    }

    assert {name.removesuffix(".html") for name in used} == set(FOR_STAFF)


def test_the_parts_for_staff_are_used_by_the_templates_for_staff_alone() -> None:
    folder = files("gateway.console").joinpath("templates")
    every = {name.removesuffix(".html") for name in environment().list_templates(["html"])}
    using = {
        name
        for name in every
        for part in PARTS_FOR_STAFF
        if f"'{part}.html'" in folder.joinpath(f"{name}.html").read_text("utf-8")
    }

    assert using
    assert using <= FOR_STAFF
