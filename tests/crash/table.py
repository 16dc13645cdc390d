"""The crash table: every write of the straight line, in order, and what follows where a process dies at it."""

from tests.crash.gateway_rows import GATEWAY
from tests.crash.keeper_rows import KEEPER
from tests.crash.worker_rows import WORKER

ROWS = (*GATEWAY, *WORKER, *KEEPER)
NAMED = frozenset(kind for row in ROWS for kind in (row.write, *row.notes))
"""Every kind of event and every function that some row names."""
