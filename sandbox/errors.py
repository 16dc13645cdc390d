"""What can go wrong in the sandbox that is not the job's own doing."""


class SandboxError(Exception):
    """The root of every error that `sandbox` raises on purpose."""


class DataError(SandboxError):
    """A file or its declaration cannot be taken in; `row` and `column` say where, never what."""

    def __init__(self, why: str, *, row: int | None = None, column: str | None = None) -> None:
        """Say why, and at which row (1 is the first after the header) and column."""
        place = "".join(
            [f" in row {row}" if row is not None else "", f" of column {column}" if column else ""]
        )
        super().__init__(why + place)
        self.row, self.column = row, column


class UnknownAssetError(SandboxError):
    """No snapshot of that digest lies in this domain."""


class ViewError(SandboxError):
    """A view cannot be compiled from its terms."""


class ImageError(SandboxError):
    """An image cannot be imported, or is not in this domain."""


class EngineError(SandboxError):
    """The container engine failed before the job could end."""


class EngineDownError(EngineError):
    """No container engine answers, or it cannot run the demanded runtime."""


class KeeperDownError(EngineError):
    """The room keeper does not answer on its socket."""


class ClusterDownError(SandboxError):
    """Ray does not answer."""


class StorageFullError(SandboxError):
    """The disk that the domain home lies on is full."""
