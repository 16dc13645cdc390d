"""Holds a developer's own program against its grant: image, command, parameters."""

import json
from collections.abc import Iterator

from jobs.grant import Grant
from jobs.job import CodedWork
from jobs.rules.admission import Facts
from jobs.rules.sentences import reason
from sandbox.reason import Reason


def program_reasons(work: CodedWork, grant: Grant, facts: Facts) -> Iterator[Reason]:
    """Give every reason why this program may not be started."""
    if work.image not in grant.images:
        yield reason("admit.image", place="image")
    elif facts.images is not None and work.image not in facts.images:
        yield reason("admit.image_missing", place="image")
    if not work.command:
        yield reason("admit.command", place="command")
    if not _is_object(work.parameters):
        yield reason("admit.parameters", place="parameters")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
