"""Where the original's documents are read from: its MongoDB, or a directory that `mongodump` wrote."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from leadscore.legacy.translation import Document

NOT_INSTALLED = (
    "Reading the original's data needs pymongo, which is not installed. Run: pip install -r requirements-legacy.txt"
)
TIMEOUT_MS = 10_000
BATCH = 1_000


class SourceUnusable(Exception):
    """The documents cannot be read, for a reason that the reader can do something about."""


class Source(Protocol):
    """A database of the original."""

    def collections(self) -> list[str]:
        """Return the names of the collections."""

    def documents(self, collection: str) -> Iterator[Document]:
        """Yield the documents of a collection, none if there is no such collection."""


def open_source(where: str) -> Source:
    """Return the database at a MongoDB URI, or in a directory of `mongodump`; raise `SourceUnusable`."""
    try:
        import bson
        import pymongo  # noqa: F401
    except ImportError:
        raise SourceUnusable(NOT_INSTALLED) from None
    if not hasattr(bson, "decode_file_iter"):
        raise SourceUnusable("The package “bson” stands where pymongo's own should: uninstall it, then pymongo again.")
    return _Server(where) if where.startswith(("mongodb://", "mongodb+srv://")) else _Dump(Path(where))


def _options() -> Any:
    from bson.codec_options import CodecOptions

    return CodecOptions(tz_aware=True, unicode_decode_error_handler="replace", datetime_conversion=_clamped())


def _clamped() -> Any:
    from bson.codec_options import DatetimeConversion

    return DatetimeConversion.DATETIME_CLAMP  # JavaScript knows years that Python does not


class _Server:
    """A MongoDB server, read in the order of the documents' ids."""

    def __init__(self, uri: str) -> None:
        from pymongo import MongoClient
        from pymongo.errors import ConfigurationError, InvalidURI, PyMongoError

        try:
            client: Any = MongoClient(uri, serverSelectionTimeoutMS=TIMEOUT_MS, appname="leadscore")
            self._database = client.get_default_database().with_options(codec_options=_options())
            self._names = sorted(self._database.list_collection_names())
        except (ConfigurationError, InvalidURI) as error:
            raise SourceUnusable(
                f"The address of the database cannot be used: {error}. It names the database at its end, as in "
                "mongodb://localhost:27017/leadscoring."
            ) from error
        except PyMongoError as error:
            raise SourceUnusable(f"The database cannot be reached: {_first_line(error)}") from error

    def collections(self) -> list[str]:
        return list(self._names)

    def documents(self, collection: str) -> Iterator[Document]:
        from pymongo.errors import PyMongoError

        try:
            yield from self._database[collection].find(batch_size=BATCH).sort("_id", 1)
        except PyMongoError as error:
            raise SourceUnusable(f"Reading {collection} stopped: {_first_line(error)}") from error


class _Dump:
    """What `mongodump` wrote: a file for each collection, perhaps compressed."""

    def __init__(self, directory: Path) -> None:
        if not directory.is_dir():
            raise SourceUnusable(f"{directory} is neither a directory nor a mongodb:// address.")
        self._files = _bson_files(directory)
        if not self._files:
            inner = [found for each in sorted(directory.iterdir()) if each.is_dir() and (found := _bson_files(each))]
            if len(inner) != 1:
                what = "no .bson files" if not inner else "several databases: name the directory of one"
                raise SourceUnusable(f"{directory} holds {what}.")
            self._files = inner[0]

    def collections(self) -> list[str]:
        return sorted(self._files)

    def documents(self, collection: str) -> Iterator[Document]:
        import bson

        path = self._files.get(collection)
        if path is None:
            return
        try:
            with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
                yield from bson.decode_file_iter(file, _options())
        except (OSError, EOFError, bson.errors.InvalidBSON) as error:
            raise SourceUnusable(f"{path} is damaged: {_first_line(error)}") from error


def _bson_files(directory: Path) -> dict[str, Path]:
    files = [*directory.glob("*.bson"), *directory.glob("*.bson.gz")]
    return {path.name.split(".bson")[0]: path for path in files if not path.name.startswith("system.")}


def _first_line(error: BaseException) -> str:
    return str(error).split(", Timeout:")[0].splitlines()[0] if str(error) else type(error).__name__
