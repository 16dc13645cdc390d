import pytest

from tests.sandbox.egress.consented.register import Register


@pytest.fixture(scope="session")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register.made(tmp_path_factory.mktemp("register"))
