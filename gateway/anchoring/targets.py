"""The targets that the settings name."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_pem_x509_certificates

from gateway.anchoring.cosigner import Cosigner
from gateway.anchoring.hub import FileHub, HubTarget
from gateway.anchoring.offer import Target
from gateway.anchoring.timestamp import Stamper
from gateway.home import Home, HomeError
from jobs.proof.cosignature import WitnessKey
from jobs.proof.keys import KeyFileError


def targets_of(home: Home, *, clock: Callable[[], datetime]) -> tuple[Target, ...]:
    """Return every target that is set; raise `HomeError` where one is set that cannot be used."""
    return tuple(_targets(home, clock))


def _targets(home: Home, clock: Callable[[], datetime]) -> Iterator[Target]:
    settings = home.settings
    if settings.witness:
        _host("witness", settings.witness)
        yield Cosigner(settings.witness, key=_key(settings.witness_key), clock=clock)
    if settings.timestamp:
        host = _host("timestamp", settings.timestamp)
        roots = _roots(home.path / settings.timestamp_roots)
        yield Stamper(settings.timestamp, host=host, roots=roots)
    if settings.hub:
        folder = home.path / settings.hub
        yield HubTarget(FileHub(folder, clock=clock), name=folder.name)


def _host(name: str, url: str) -> str:
    wanted = f"the setting {name} must be an address such as https://example.com"
    try:
        found = urlsplit(url)
        _ = found.port  # which is read only now
    except ValueError:
        raise HomeError(wanted) from None
    if found.scheme not in {"http", "https"} or not found.hostname:
        raise HomeError(wanted)
    return found.hostname


def _key(text: str) -> WitnessKey:
    try:
        return WitnessKey.parse(text)
    except KeyFileError as error:
        why = f"the setting witness_key must be as `shuyu witness` shows it: {error}"
        raise HomeError(why) from None


def _roots(path: Path) -> tuple[Certificate, ...]:
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        why = "the setting timestamp_roots must be a PEM file of the authority's roots"
        raise HomeError(why) from None
