"""What lies in a file under its wrappings, as the reader container unwrapped it."""

from dataclasses import dataclass
from enum import StrEnum


class Wrapping(StrEnum):
    """What the reader container takes off; the gate tells these words and no others."""

    GZIP = "gzip"
    BZ2 = "bz2"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"
    ZLIB = "zlib"
    ZIP = "zip"
    TAR = "tar"
    PNG = "png"
    HEX = "hex"
    HEX_PAIRS = "hex pairs"
    BASE32 = "base32"
    BASE64 = "base64"
    BASE85 = "base85"
    ASCII85 = "ascii85"
    PERCENT = "percent"
    QUOTED_PRINTABLE = "quoted-printable"
    UNICODE_ESCAPES = "unicode escapes"
    ENTITIES = "entities"
    JSON_IN_JSON = "json in json"
    SAFETENSORS = "safetensors"
    MASK = "mask"
    NUMBERS = "numbers"


_ARCHIVES = frozenset(list(Wrapping)[:9])


@dataclass(frozen=True, slots=True)
class Layer:
    """The text found under some wrappings, outermost first; the file itself has none."""

    text: str
    wrappings: tuple[Wrapping, ...] = ()

    @property
    def archives(self) -> int:
        """How many of its wrappings are compressions or archives."""
        return sum(each in _ARCHIVES for each in self.wrappings)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """All layers of one file, itself first; `bomb` where unwrapping had to stop at a bound, or where nothing could be read."""

    layers: tuple[Layer, ...]
    bomb: bool = False

    @classmethod
    def plain(cls, text: str) -> "Unwrapped":
        """Return a text in which nothing is wrapped: the gate's own."""
        return cls((Layer(text),))

    def within(self, characters: int) -> "Unwrapped":
        """Return the same with so many characters at the most: the first ones of each layer, while there is room."""
        kept, room = [], characters
        for layer in self.layers:
            kept.append(Layer(layer.text[:room], layer.wrappings))
            room -= len(kept[-1].text)
        return Unwrapped(tuple(kept), self.bomb)

    def saying(self, text: str) -> "Unwrapped":
        """Return the same with another text for the file itself: what the gate reads in it."""
        return Unwrapped((Layer(text), *self.layers[1:]), self.bomb)


UNREAD = Unwrapped((Layer(""),), bomb=True)
