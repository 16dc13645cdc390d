"""The chart of a budget over its time, on the page of budgets."""

import re

from jobs.record import budgets
from jobs.record.budgets import Charge
from jobs.record.event import Event
from sandbox.privacy.accounting import PICO
from tests.gateway.console.desk import Desk
from tests.gateway.console.town import SCENARIO


def test_the_institution_alone_sees_how_a_budget_burns_down(desk: Desk) -> None:
    with desk.town.record.writing() as tx:
        for epoch, rho in ((1, PICO // 8), (2, PICO // 4)):
            paid = Charge(
                job=desk.town.jobs["released"],
                epoch=epoch,
                scopes=(f"grant:{SCENARIO}.v1",),
                rho=rho,
                events_json="[]",
            )
            budgets.reserve(tx, paid, Event("budget.reserved", paid.job, "system"))

    page = desk.sit("u-impl").get("/console/budgets?lang=en")

    [figure] = re.findall(r'<figure class="burn">.*?</figure>', page.text, re.DOTALL)
    assert "0.125 of 0.5 left after 2 charges" in figure
    assert re.search(r'class="left" d="M0 0H\d+V150H\d+"', figure)
    assert re.search(r"used up on \d{4}-\d\d-\d\d", figure)
    assert "burn" not in desk.sit("u-bank-dev").get("/console/budgets").text
