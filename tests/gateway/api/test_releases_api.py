import pytest

from jobs.record import log, releases
from jobs.record.log import Filter
from jobs.release import ReleaseId
from tests.gateway.api.domain import Domain
from tests.gateway.api.released import CERTIFICATE, TABLE, digest, release


def test_a_released_job_names_its_release_and_a_bucket_for_its_time(domain: Domain) -> None:
    made = release(domain)

    job = domain.client("dev").get(f"/v1/jobs/{made.job}").json()

    assert (job["release"], job["ended"], job["duration"]) == ("R-1", "finished", "<10s")


def test_a_party_downloads_its_own_files_and_the_log_says_who_did(domain: Domain) -> None:
    release(domain)
    dev = domain.client("dev")

    answer = dev.get("/v1/releases/R-1/files/O3")

    assert answer.content == TABLE
    assert answer.headers["content-disposition"] == 'attachment; filename="O3.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert dev.get("/v1/releases/R-1/certificate").content == CERTIFICATE
    with domain.record.reading() as tx:
        events = log.newest(tx, only=Filter(kind="release.downloaded"))
        assert releases.downloads(tx, ReleaseId("R-1")) == 2
    assert [entry.event.actor for entry in events] == ["dev", "dev"]
    assert [entry.event.facts["digest"] for entry in events] == [digest(CERTIFICATE), digest(TABLE)]


def test_releases_are_listed_for_their_own_party_only(domain: Domain) -> None:
    release(domain)

    assert [each["id"] for each in domain.client("dev").get("/v1/releases").json()["items"]] == [
        "R-1"
    ]
    assert domain.client("rival").get("/v1/releases").json()["items"] == []


@pytest.mark.parametrize("path", ["", "/files/O3", "/certificate"])
@pytest.mark.parametrize("who", ["rival", "operator", "officer", "provider"])
def test_another_partys_release_does_not_exist(domain: Domain, who: str, path: str) -> None:
    release(domain)
    client = domain.client(who)

    real, none = client.get(f"/v1/releases/R-1{path}"), client.get(f"/v1/releases/R-2{path}")

    assert (real.status_code, real.json()) == (none.status_code, none.json())
    assert real.status_code == 404


def test_a_file_that_was_not_released_is_not_found(domain: Domain) -> None:
    release(domain)

    assert domain.client("dev").get("/v1/releases/R-1/files/O1").status_code == 404


def test_bytes_that_were_altered_on_the_shelf_do_not_leave(domain: Domain) -> None:
    made = release(domain)
    shelf = domain.rooms.shelf
    place = shelf._folder / made.files[0].digest.removeprefix("sha256:")
    place.write_bytes(b"CANARY-7f3a91")

    answer = domain.client("dev").get("/v1/releases/R-1/files/O3")

    assert answer.status_code == 500
    assert "CANARY" not in answer.text
    with domain.record.reading() as tx:
        assert releases.downloads(tx, made.id) == 0
