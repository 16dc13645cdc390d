"""What the frames on the keeper's socket say: one small type a question, one a kind of answer."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, TypeAdapter

from sandbox.asset import ImageDigest
from sandbox.errors import EngineDownError, EngineError, ImageError, SandboxError, StorageFullError
from sandbox.order import Artifact, ContainerOrder, Limits, Outcome
from sandbox.runner.contract import Found
from sandbox.runner.frames import Frame
from sandbox.runner.register import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Run this order over these views."""

    says: Literal["run"] = "run"
    order: ContainerOrder
    views: tuple[tuple[str, Path], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Read this artifact."""

    says: Literal["read"] = "read"
    artifact: Artifact
    asked: str
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End this job."""

    says: Literal["cancel"] = "cancel"
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Go on: whoever asked for the run or reading is still there; it has no answer of its own."""

    says: Literal["hold"] = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reap:
    """Remove what belongs to no job of these."""

    says: Literal["reap"] = "reap"
    live: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Say what the node has."""

    says: Literal["look"] = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """Take in an image from an archive."""

    says: Literal["import"] = "import"
    archive: Path
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Take in an image that the engine has."""

    says: Literal["register"] = "register"
    name: str
    digest: ImageDigest
    line: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Write an image to a file."""

    says: Literal["save"] = "save"
    digest: ImageDigest
    archive: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How an order ended."""

    says: Literal["ran"] = "ran"
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was read; its bytes are the frame's one blob."""

    says: Literal["answer"] = "answer"
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """Which jobs' remains were removed; none also answers a cancelling."""

    says: Literal["reaped"] = "reaped"
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the node has."""

    says: Literal["seen"] = "seen"
    found: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The id of an image that was taken in."""

    says: Literal["registered"] = "registered"
    digest: ImageDigest


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An error that is to be raised on the asker's side."""

    says: Literal["mistake"] = "mistake"
    error: str
    why: str

    def raised(self) -> SandboxError:
        """Return the error itself."""
        return _ERRORS.get(self.error, EngineError)(self.why)


_ERRORS: dict[str, type[SandboxError]] = {
    error.__name__: error for error in (EngineDownError, EngineError, ImageError, StorageFullError)
}

Message = (
    Run
    | Read
    | Cancel
    | Hold
    | Reap
    | Look
    | Import
    | Register
    | Save
    | Ran
    | Answer
    | Reaped
    | Seen
    | Registered
    | Mistake
)
_WIRE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Discriminator("says")])


def framed(message: Message) -> Frame:
    """Say the message as a frame, with its large contents beside the JSON."""
    bare, blobs = _parted(message)
    return Frame(head=_WIRE.dump_json(bare), blobs=blobs)


def said(frame: Frame) -> Message:
    """Return what the frame says; raise `ValueError` where it is no message."""
    return _joined(_WIRE.validate_json(frame.head), frame.blobs)


def _parted(message: Message) -> tuple[Message, tuple[bytes, ...]]:
    match message:
        case Run(order=order):
            names = tuple((name, b"") for name, _ in order.code)
            bare = replace(message, order=replace(order, code=names))
            return bare, tuple(content for _, content in order.code)
        case Read(artifact=artifact):
            return replace(message, artifact=replace(artifact, content=b"")), (artifact.content,)
        case Ran(outcome=outcome):
            empty = tuple(replace(one, content=b"") for one in outcome.artifacts)
            bare_ran = replace(message, outcome=replace(outcome, artifacts=empty))
            return bare_ran, tuple(one.content for one in outcome.artifacts)
        case Answer(content=content):
            return replace(message, content=b""), (content,)
        case _:
            return message, ()


def _joined(message: Message, blobs: tuple[bytes, ...]) -> Message:
    match message:
        case Run(order=order):
            pairs = zip(order.code, blobs, strict=True)
            code = tuple((name, content) for (name, _), content in pairs)
            return replace(message, order=replace(order, code=code))
        case Read(artifact=artifact):
            (content,) = blobs
            return replace(message, artifact=replace(artifact, content=content))
        case Ran(outcome=outcome):
            both = zip(outcome.artifacts, blobs, strict=True)
            whole = tuple(replace(one, content=content) for one, content in both)
            return replace(message, outcome=replace(outcome, artifacts=whole))
        case Answer():
            (content,) = blobs
            return replace(message, content=content)
        case _:
            return message
