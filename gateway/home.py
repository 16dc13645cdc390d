"""The domain home: one folder with the settings, the keys, the record and the data."""

import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from jobs.errors import JobsError
from jobs.proof.folder import KeyFolder
from jobs.proof.keys import PublicKey, SigningKey, Suite
from jobs.proof.merkle import Hashing
from jobs.proof.ring import KeyRing
from jobs.rules.lots import SECRET_BYTES
from jobs.rules.runtimes import Runtimes
from jobs.rules.volume import Volumes
from sandbox.asset import Grade
from sandbox.data.consent_marks import mark_key
from sandbox.data.pseudonym_keys import fresh

FOLDERS = ("keys", "record", "data", "views", "quarantine", "shelf", "images", "run")
SETTINGS = "shuyu.toml"
_MODES = ("production", "demo")
_VOLUMES = ("volume_job_kib", "volume_scenario_mib", "volume_developer_mib")
_RUNTIMES = ("runc", "runsc")
_GVISOR_FROM = tuple(grade for grade in Grade if grade is not Grade.CORE)
_NAME = re.compile(r"[\w.-]+")
"""It becomes part of every key's name, which bears no space and no plus sign (C2SP signed-note)."""


class HomeError(JobsError):
    """The folder is no domain home, or a setting in it cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of a domain; `TEMPLATE` explains each where its owner reads it."""

    name: str = "shuyu.example"
    mode: str = "production"
    host: str = "127.0.0.1"
    port: int = 8700
    record: str = ""
    engine: str = ""
    runtime: str = "runc"
    gvisor_from: str = "L3"
    ray: str = ""
    ray_cpus: int = 2
    slots: int = 2
    warm: int = 2
    job_seconds: int = 600
    job_memory_gib: int = 4
    suite: str = "ed25519-sha256"
    witness: str = ""
    witness_key: str = ""
    timestamp: str = ""
    timestamp_roots: str = ""
    hub: str = ""
    anchor_seconds: int = 3600
    rereview_rate: float = 0.05
    volume_job_kib: int = 8192
    volume_scenario_mib: int = 64
    volume_developer_mib: int = 256


TEMPLATE = """\
# 数域 Shuyu: the settings of one authorisation domain (公共数据授权运营域). Every setting stands here; a
# line that is taken out has the value shown.

# The domain's name: it is part of the name of every key, and so of every signature.
name = "{name}"

# `production`, or `demo`: only a demo may run under a rulebook that is a draft.
mode = "{mode}"

# Where the gateway listens. Put a reverse proxy with TLS before it for anything but loopback.
host = "127.0.0.1"
port = {port}

# The record's database: empty for SQLite in record/, or postgresql+psycopg://user@host/database
record = ""

# The container engine: empty for $DOCKER_HOST, or the default socket.
engine = "{engine}"

# The container runtime that jobs run under: `runc`, or `runsc` (gVisor).
runtime = "runc"
# From which grade of the data on it is gVisor all the same: `L1` to `L4`, or `important`. For important data it
# always is; core data are never mounted. Where the engine lacks gVisor, such jobs are refused.
gvisor_from = "{gvisor_from}"

# The Ray cluster's address, such as 192.0.2.10:6379: empty for one that the worker starts on this machine.
ray = ""
# How many processors that local Ray may use.
ray_cpus = 2

# How many jobs run at once.
slots = 2
# How many containers of one kind wait for their jobs, so that these start in milliseconds: 0 for none.
warm = 2

# The most that one job may use, whatever a plan asks for.
job_seconds = 600
job_memory_gib = 4

# What signs and hashes: `ed25519-sha256`, or `sm2-sm3` (商用密码, GB/T 32918 and GB/T 32905; needs the extra
# `sm`). It is chosen when the domain is made and stays.
suite = "{suite}"

# Who vouches for the log from outside. Each is left out where it is empty; none ever holds up a release.
# A witness (C2SP tlog-witness): its address and its public key, as `shuyu witness` shows it.
witness = ""
witness_key = ""
# A time stamp authority (RFC 3161): its address, and a PEM file of the roots that it is trusted by.
timestamp = ""
timestamp_roots = ""
# The national hub of public data (国家公共数据区块链枢纽): for now a folder whose files are anchors.
hub = ""
# How often the log is anchored, in seconds.
anchor_seconds = 3600

# Which share of the releases that no person judged is drawn by lot for a second look (发布后抽样复核). Where a
# rulebook asks for more, that holds. It takes effect two days later: lots are committed to a day before.
rereview_rate = 0.05

# How much may leave (出域信息量), counted after compression: of one job; of one scenario in a month; to one
# developer in a month. It bounds a leak that nothing else saw.
volume_job_kib = 8192
volume_scenario_mib = 64
volume_developer_mib = 256
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One domain home that was opened."""

    path: Path
    settings: Settings

    @property
    def record_url(self) -> str:
        """The record's database, as SQLAlchemy names it."""
        return self.settings.record or f"sqlite:///{self.path / 'record' / 'record.db'}"

    @property
    def engine(self) -> str:
        """The container engine's address."""
        fallback = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        return self.settings.engine or fallback

    @property
    def runtimes(self) -> Runtimes:
        """Which container runtime the data of each grade need."""
        strict = Grade(self.settings.gvisor_from)
        return Runtimes(least=self.settings.runtime, gvisor_from=strict)

    @property
    def volumes(self) -> Volumes:
        """How much may leave."""
        return Volumes.of(
            job_kib=self.settings.volume_job_kib,
            scenario_mib=self.settings.volume_scenario_mib,
            developer_mib=self.settings.volume_developer_mib,
        )

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return f"http://{self.settings.host}:{self.settings.port}"

    @property
    def pseudonym_key(self) -> Path:
        """The file of what keys every pseudonym: see `sandbox.data.pseudonym_keys`."""
        return self.path / "keys" / "pseudonym.key"

    @property
    def consent_key(self) -> Path:
        """The file of what keys the marks of those who consent: see `sandbox.data.consent_marks`."""
        return self.path / "keys" / "consent.key"

    def mark_key(self) -> bytes | None:
        """Return what keys the marks, or nothing where this home takes no consents.

        A home that was made before it had one derives it, where the pseudonyms' key lies here too.
        """
        if not self.consent_key.exists() and self.pseudonym_key.exists():
            _write(self.consent_key, mark_key(self.pseudonym_key.read_bytes()))
        return self.consent_key.read_bytes() if self.consent_key.exists() else None

    @property
    def ray_token(self) -> Path:
        """The file of the token that Ray asks for: whoever has it runs code on every node."""
        return self.path / "keys" / "ray.token"

    def lots_secret(self) -> bytes:
        """Return what releases are drawn with for a second look, made where there is none; raise `HomeError` if it is damaged."""
        path = self.path / "keys" / "lots.key"
        if not path.exists():
            _write(path, secrets.token_bytes(SECRET_BYTES))
        found = path.read_bytes()
        if len(found) != SECRET_BYTES:
            raise HomeError(f"keys/{path.name} does not hold {SECRET_BYTES} bytes")
        return found

    @property
    def keys(self) -> KeyFolder:
        """The keys that the domain signs with."""
        suite = Suite(self.settings.suite)
        return KeyFolder(path=self.path / "keys", name=self.settings.name, suite=suite)

    @property
    def hashing(self) -> Hashing:
        """What the record's tree is hashed with."""
        return Suite(self.settings.suite).hashing

    @property
    def trusted(self) -> Path:
        """The public keys that a verifier needs, as `shuyu verify --keys` reads them."""
        return self.keys.trusted_path

    def key(self, part: str) -> SigningKey:
        """Return the signing key of one part, `grant`, `release` or `log`; raises as `KeyFolder`."""
        return self.keys.signing(part)

    def public(self, part: str) -> PublicKey:
        """Return a part's public key without touching its private one."""
        return self.ring(part).current

    def ring(self, part: str) -> KeyRing:
        """Return every key that a part has signed with."""
        return self.keys.trusted().ring(part)


def make_home(
    path: Path,
    *,
    name: str,
    port: int = 8700,
    mode: str = "production",
    suite: str = "ed25519-sha256",
) -> Home:
    """Make a domain home at `path`, with fresh keys; folders 0700, files 0600.

    Raises:
        HomeError: there is something at `path` already, or a setting cannot be used; nothing is made.
        SuiteMissingError: the library of the suite is not installed; nothing is made.

    """
    _settings({"name": name, "port": port, "mode": mode, "suite": suite})
    SigningKey.unsaved(name, Suite(suite))  # says what is not installed before anything is made
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise HomeError(f"{path} is not an empty folder: a domain home is made in a new one")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    for folder in FOLDERS:
        (path / folder).mkdir(mode=0o700)
    # a demo must run on any engine, and its data are public
    strict = Grade.L3 if mode == "production" else Grade.IMPORTANT
    filled = {"name": name, "mode": mode, "port": port, "engine": "", "suite": suite}
    text = TEMPLATE.format(**filled, gvisor_from=strict)
    _write(path / SETTINGS, text.encode())
    _write(path / "keys" / "lots.key", secrets.token_bytes(SECRET_BYTES))
    _write(path / "keys" / "pseudonym.key", fresh(sm3=suite == Suite.SM2))
    home = open_home(path)
    home.mark_key()
    home.keys.make()
    return home


def open_home(path: Path) -> Home:
    """Open the domain home at `path`; raise `HomeError` where it is none, or a setting is wrong."""
    try:
        found = tomllib.loads((path / SETTINGS).read_text("utf-8"))
    except OSError as error:
        raise HomeError(f"{path} is no domain home: make one with `shuyu init {path}`") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HomeError(f"{path / SETTINGS} is not TOML: {error}") from error
    return Home(path=path.resolve(), settings=_settings(found))


def _settings(found: Mapping[str, Any]) -> Settings:
    types = get_type_hints(Settings)
    unknown = sorted(set(found) - {field.name for field in fields(Settings)})
    if unknown:
        raise HomeError(f"{SETTINGS} has no setting called {', '.join(unknown)}")
    for name, value in found.items():
        if type(value) is not types[name]:
            raise HomeError(f"the setting {name} must be of type {types[name].__name__}")
    settings = Settings(**found)
    _demand("name", _NAME.fullmatch(settings.name) is not None, "letters, digits, dots, hyphens")
    _demand("mode", settings.mode in _MODES, "`production` or `demo`")
    _demand("runtime", settings.runtime in _RUNTIMES, "`runc` or `runsc`")
    _demand("gvisor_from", settings.gvisor_from in _GVISOR_FROM, "`L1` to `L4`, or `important`")
    _demand("port", 0 < settings.port < 1 << 16, "1 to 65535")
    _demand("suite", settings.suite in tuple(Suite), "`ed25519-sha256` or `sm2-sm3`")
    for name in ("slots", "ray_cpus", "job_seconds", "job_memory_gib", "anchor_seconds", *_VOLUMES):
        _demand(name, getattr(settings, name) > 0, "1 or more")
    _demand("warm", settings.warm >= 0, "0 or more")
    _demand("rereview_rate", 0 <= settings.rereview_rate <= 1, "0.0 to 1.0")
    return settings


def _demand(name: str, kept: bool, wanted: str) -> None:  # noqa: FBT001 - the demand itself
    if not kept:
        raise HomeError(f"the setting {name} must be {wanted}")


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
