import pytest

from jobs.proof.merkle import Hashing
from jobs.proof.statement import CertificateFacts
from jobs.record.database import Record
from tests.jobs.proof.office import Office


@pytest.fixture
def office(sqlite_record: Record) -> Office:
    return Office.opened(sqlite_record)


@pytest.fixture
def reviewed(office: Office, sqlite_record: Record) -> CertificateFacts:
    """Give the facts of a good release of a held report, beside the table."""
    return office.reviewed(sqlite_record)


@pytest.fixture
def sm3_record(sqlite_record: Record) -> Record:
    """Give an empty record whose tree is hashed with SM3."""
    sqlite_record.found(domain="shuyu.test", hashing=Hashing.SM3)
    return sqlite_record
