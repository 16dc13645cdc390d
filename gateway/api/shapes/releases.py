"""Releases on the wire."""

from datetime import datetime
from typing import Self

from gateway.api.shapes import Shape
from jobs.release import Release
from sandbox.order import ReleaseClass


class ReleasedFileOut(Shape):
    """One file of a release."""

    name: str
    file: str
    media_type: str
    digest: str
    size: int


class ReleaseOut(Shape):
    """What left the domain for one job."""

    id: str
    job: str
    release_class: ReleaseClass
    files: tuple[ReleasedFileOut, ...]
    certificate: str
    """The digest of the certificate file."""
    at: datetime

    @classmethod
    def of(cls, release: Release) -> Self:
        """Show `release`."""
        return cls(
            id=release.id,
            job=release.job,
            release_class=release.release_class,
            files=tuple(
                ReleasedFileOut(
                    name=file.name,
                    file=file.file,
                    media_type=file.media_type,
                    digest=file.digest,
                    size=file.size,
                )
                for file in release.files
            ),
            certificate=release.certificate,
            at=release.at,
        )
