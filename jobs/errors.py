"""Mistakes a caller can make. What the rules decide is an answer (`Refused`), never an error."""


class JobsError(Exception):
    """The root of every error that `jobs` raises on purpose."""


class NotFoundError(JobsError):
    """There is no such thing, or none that this caller may know of."""


class OutOfOrderError(JobsError):
    """The thing is not at the point where this step can be taken."""


class StaleError(OutOfOrderError):
    """Somebody else moved it first: the state or epoch is not the one that was read."""


class ConflictError(JobsError):
    """The same idempotency key came with a different body, or the id is taken."""


class BudgetExhaustedError(JobsError):
    """The privacy budget does not cover the charge; nothing was charged."""


class SilentChangeError(JobsError):
    """A transaction would have changed the record without an event: it was rolled back."""


class SeatError(JobsError):
    """A person may not take this seat: wrong role, own organisation, or seat taken."""


class RecordBrokenError(JobsError):
    """The log, a signature or a stored body does not verify."""
