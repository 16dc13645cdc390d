"""The developer's own texts and files on the wire: bounded, and in one form."""

import base64
import json
from typing import Annotated

from pydantic import AfterValidator, Base64Encoder, EncodedBytes, JsonValue, StringConstraints
from pydantic_core import PydanticCustomError
from typing_extensions import override

from gateway.api.shapes import Shape
from jobs.steps.submit import Bundle

TEXT_BYTES = 64 * 1024
"""The largest SQL text, and the largest parameter object."""


def _small(text: str) -> str:
    if len(text.encode()) > TEXT_BYTES:
        raise PydanticCustomError("too_large", "too large")
    return text


def _small_object(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _small(json.dumps(value, ensure_ascii=False))
    return value


Sql = Annotated[str, StringConstraints(min_length=1), AfterValidator(_small)]
Decimal = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,9})?$")]
"""An exact decimal number, as text: a privacy cost is never a float."""


Parameters = Annotated[dict[str, JsonValue], AfterValidator(_small_object)]
"""A JSON object of at most `TEXT_BYTES`."""


class _StrictBase64(Base64Encoder):
    """Pydantic's own passes over characters that are not base64."""

    @classmethod
    @override
    def decode(cls, data: bytes) -> bytes:
        """Return the bytes."""
        try:
            return base64.b64decode(data, validate=True)
        except ValueError as error:
            raise PydanticCustomError("base64_decode", "not base64") from error


class FileIn(Shape):
    """One file of a code bundle, in base64."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    content: Annotated[bytes, EncodedBytes(encoder=_StrictBase64)]


def bundle_of(files: tuple[FileIn, ...]) -> Bundle:
    """Return the files in the order of their names."""
    return Bundle(files=tuple(sorted((file.name, file.content) for file in files)))


def text_of(value: dict[str, JsonValue]) -> str:
    """Write an object as JSON, its names in order."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
