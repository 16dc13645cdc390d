"""What a developer learns of a run that failed, over real processes: the kind of error, and its line for a price."""

import pytest

from tests.line.domain import CANARY, Domain

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]
BOOM = f"""\
import os
secret = {CANARY!r}
assert os.listdir('/data/BP-LOANS')
print(secret)
raise {{}}(secret)
"""


@pytest.mark.parametrize(
    ("error", "rule"),
    [("ZeroDivisionError", "run.zero_division_error"), ("class_of_mine", "run.name_error")],
)
def test_a_program_that_prints_and_throws_data_is_told_by_its_type_and_line_alone(
    domain: Domain, error: str, rule: str
) -> None:
    failed = domain.run(BOOM.format(error))

    with domain.as_("u-bank-dev") as bank:
        told = bank.place(failed.id)

    assert (failed.state, failed.ended) == ("failed", "failed")
    assert [(each.rule, each.place) for each in failed.reasons] == [(rule, "")]
    assert (told.rule, told.place, told.bits) == (rule, "main.py, line 5", 3)
    assert CANARY not in repr((failed, told))
