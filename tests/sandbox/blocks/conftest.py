"""A node of the runner's own tests, for the blocks that run in real containers."""

from tests.sandbox.runner.conftest import built, engine_host, fresh_node

__all__ = ["built", "engine_host", "fresh_node"]
