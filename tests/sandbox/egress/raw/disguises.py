"""All disguises."""

from tests.sandbox.egress.raw.disguise import Disguise
from tests.sandbox.egress.raw.hidden_in_bytes import BYTES
from tests.sandbox.egress.raw.hidden_in_tables import TABLES
from tests.sandbox.egress.raw.hidden_in_text import TEXTS

DISGUISES: dict[str, Disguise] = TABLES | TEXTS | BYTES
