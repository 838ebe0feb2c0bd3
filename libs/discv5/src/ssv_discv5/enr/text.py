"""The text form of a record: `enr:` and URL-safe base64 without padding.

Source: EIP-778, *Text Encoding*.
"""

import base64
import binascii

from ssv_discv5.enr.record import MAX_SIZE, Record
from ssv_discv5.errors import MalformedError

PREFIX = "enr:"


def to_text(record: Record) -> str:
    """Return a record as operators pass it around."""
    return PREFIX + base64.urlsafe_b64encode(record.raw).rstrip(b"=").decode()


def from_text(text: str) -> Record:
    """Return the record in `enr:…`; raises MalformedError."""
    body = text.strip().removeprefix(PREFIX)
    if len(body) == len(text.strip()) or len(body) > MAX_SIZE * 2:
        raise MalformedError("a record's text begins with enr: and is short")
    if "+" in body or "/" in body:
        raise MalformedError("a record's text is not URL-safe base64")
    try:
        raw = base64.b64decode(body.encode("ascii") + b"=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise MalformedError("a record's text is not URL-safe base64") from None
    return Record.decode(raw)
