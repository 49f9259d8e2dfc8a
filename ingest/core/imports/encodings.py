"""In which encoding a file is written: its byte order mark, else UTF-8 if it is, else Windows-1252.

One of the many encodings that look like Windows-1252 cannot be told from it without guessing at languages, so it has to
be said (`encoding`); what it would come to shows in the preview.
"""

import codecs
from dataclasses import dataclass

from ingest.core.events import Problem, Refused

# All of them end a line with the bytes LF or CR and use these for nothing else, but for UTF-16, which has units of two.
ENCODINGS = (
    *("utf-8", "utf-16-le", "utf-16-be", "windows-1252", "iso-8859-1", "iso-8859-15", "windows-1250", "iso-8859-2"),
    *("windows-1251", "koi8-r", "windows-1253", "windows-1254", "iso-8859-9", "mac-roman", "shift_jis", "gb18030"),
    *("big5", "euc-kr"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FILES_OF_OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP file. In Excel choose “Save as”, “CSV UTF-8”"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook. In Excel choose “Save as”, “CSV UTF-8”"),
    (b"\x1f\x8b", "packed with gzip. Unpack it first"),
    (b"%PDF", "a PDF"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd. Unpack it first"),
    (b"BZh", "packed with bzip2. Unpack it first"),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\v\x1a\x1b")
_FEW_CONTROLS = 8
_MOST_CONTROLS = 0.02
_UTF_16_NULS = 0.35
_MOST_OTHER_NULS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """An encoding, and how many bytes of a mark stand before the text."""

    name: str
    mark: int = 0

    @property
    def unit(self) -> int:
        """Return how many bytes belong together."""
        return 2 if self.name.startswith("utf-16") else 1


def detect_encoding(sample: bytes, *, all_utf8: bool, wanted: str | None = None) -> Encoded:
    """Return the encoding of a file that begins with `sample`; `all_utf8`: the whole of it is valid UTF-8.

    Raises `Refused` for what is no text.
    """
    for magic, what in _FILES_OF_OTHER_KINDS:
        if sample.startswith(magic):
            raise _no_text(f"is {what}")
    found = _marked(sample)
    if wanted is not None:
        return Encoded(name=wanted, mark=found.mark if found is not None and found.name == wanted else 0)
    if found is not None:
        return found
    controls = sum(sample.count(byte) for byte in range(1, 32) if byte not in _TEXT_CONTROLS)
    if controls <= _FEW_CONTROLS and (found := _utf_16_without_mark(sample)):
        return found
    controls += sample.count(0)
    if controls > max(_FEW_CONTROLS, len(sample) * _MOST_CONTROLS):
        raise _no_text("is no text file. Save it as CSV or as JSON Lines")
    return Encoded(name="utf-8" if all_utf8 or _begins_as_utf8(sample) else "windows-1252")


def _marked(sample: bytes) -> Encoded | None:
    return next((Encoded(name=name, mark=len(mark)) for mark, name in _MARKS if sample.startswith(mark)), None)


def _utf_16_without_mark(sample: bytes) -> Encoded | None:
    half = max(len(sample) // 2, 1)
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if odd > _UTF_16_NULS and even < _MOST_OTHER_NULS:
        return Encoded(name="utf-16-le")
    if even > _UTF_16_NULS and odd < _MOST_OTHER_NULS:
        return Encoded(name="utf-16-be")
    return None


def _begins_as_utf8(sample: bytes) -> bool:
    """Return whether most lines with letters beyond ASCII are UTF-8: a broken one among them is just that."""
    good = bad = 0
    for line in sample.split(b"\n")[:-1]:
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                bad += 1
            else:
                good += 1
    return good > 0 and good >= bad


def _no_text(detail: str) -> Refused:
    return Refused("invalid", (Problem(pointer="/file", detail=detail),))
