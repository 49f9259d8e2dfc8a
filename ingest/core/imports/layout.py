"""All there is to know for reading a file, found out or said. It is kept with the import, so that whoever goes on with
it reads the file in the same way.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

from ingest.core.imports.dialects import Dialect
from ingest.core.imports.encodings import Encoded
from ingest.core.imports.moments import DateOrder
from ingest.core.imports.options import Format, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is read. `start`: the byte its first record begins at, `start_line`: the lines before that."""

    kind: Kind
    format: Format
    encoding: str
    line_end: str
    dialect: Dialect
    columns: tuple[str, ...]
    mapping: dict[str, str]
    has_header: bool
    date_order: DateOrder | None
    time_zone: str
    event_type: str
    start: int
    start_line: int

    @property
    def terminator(self) -> bytes:
        return self.line_end.encode(self.encoding)

    @property
    def unit(self) -> int:
        return Encoded(name=self.encoding).unit

    def dump(self) -> dict[str, Any]:
        """Return the layout as JSON takes it."""
        return asdict(self)

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Self:
        """Return a layout from what `dump` made of it."""
        return cls(**(stored | {"dialect": Dialect(**stored["dialect"]), "columns": tuple(stored["columns"])}))
