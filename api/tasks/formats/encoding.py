"""Text as JSON has it."""

from json.encoder import encode_basestring

import msgspec

decoder = msgspec.json.Decoder()
encoder = msgspec.json.Encoder()


def quoted(text: str) -> str:
    """A string as JSON, characters beyond ASCII as they are."""
    return encode_basestring(text)
