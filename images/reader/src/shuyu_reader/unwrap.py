"""Unwraps what is packed or encoded inside a file, layer by layer, within fixed bounds."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shuyu_reader.unwrapping.archives import TooLargeError, opened
from shuyu_reader.unwrapping.encodings import decoded
from shuyu_reader.unwrapping.plain import is_readable, numbers_in, tensors_in, unmasked

MAX_DEPTH = 8
"""How many wrappings inside each other are opened; one more is a bomb."""
MAX_BYTES = 8 * 2**20
"""Bytes of all layers together, the file's own among them; more is a bomb, of which nothing is read.

The checks are Python: they take up to some 300 bytes of memory and ten microseconds for each byte of short numbers or words."""
MAX_LAYERS = 512
"""How many layers are opened in all; more is a bomb."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The bytes found under some wrappings, outermost first; the file itself has none."""

    content: bytes
    wrappings: tuple[str, ...] = ()


@dataclass(slots=True)
class Unwrapped:
    """All layers of one file; `bomb` where opening had to stop at a bound."""

    layers: list[Layer] = field(default_factory=list)
    bomb: bool = False
    _bytes: int = 0

    def add(self, layer: Layer) -> bool:
        """Keep `layer`; answer whether there is room to go on."""
        self._bytes += len(layer.content)
        too_much = self._bytes > MAX_BYTES or len(self.layers) >= MAX_LAYERS
        self.bomb = self.bomb or too_much or len(layer.wrappings) > MAX_DEPTH
        if not self.bomb:
            self.layers.append(layer)
        return not self.bomb

    def room(self) -> int:
        """Return how many more bytes may be unpacked."""
        return MAX_BYTES - self._bytes


def unwrap(content: bytes) -> Unwrapped:
    """Return every layer of `content`, itself first; never unpacks more than `MAX_BYTES`.

    A larger `content` is one empty layer and a bomb.
    """
    if len(content) > MAX_BYTES:
        return Unwrapped(layers=[Layer(b"")], bomb=True)
    found = Unwrapped()
    waiting = [Layer(content)]
    while waiting and found.add(layer := waiting.pop()):
        try:
            waiting.extend(_inside(layer, found.room()))
        except TooLargeError:
            found.bomb = True
    return found


def _inside(layer: Layer, room: int) -> Iterator[Layer]:
    """Yield what lies right under `layer`: what marks tell, or encoded messages, or else numbers as bytes."""
    found = list(opened(layer.content, room)) or list(decoded(layer.content, room))
    if not found and not is_readable(layer.content):
        found = [(how, inner) for how, inner in _unmarked(layer) if inner]
    for how, inner in found:
        yield Layer(inner, (*layer.wrappings, how))


def _unmarked(layer: Layer) -> Iterator[tuple[str, bytes]]:
    yield "safetensors", tensors_in(layer.content)
    if layer.wrappings[-1:] != ("mask",):  # a mask under a mask is one mask, and the best was found
        yield "mask", unmasked(layer.content)
    yield "numbers", numbers_in(layer.content)
