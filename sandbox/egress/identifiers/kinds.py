"""Every identifier that is looked for, and those of them that need no words beside them."""

from sandbox.egress.identifiers.chinese import CHINESE
from sandbox.egress.identifiers.kind import Kind
from sandbox.egress.identifiers.worldwide import WORLDWIDE

KINDS: tuple[Kind, ...] = (*CHINESE, *WORLDWIDE)
BARE: tuple[Kind, ...] = tuple(kind for kind in KINDS if not kind.context)
"""What is recognised by itself."""
DISGUISED: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind.disguised)
"""What is looked for behind disguises too."""
__all__ = ["BARE", "DISGUISED", "KINDS", "Kind"]
