"""What the original leaves behind: a small database of it as BSON, in a mongodump directory or behind a socket."""

import gzip
import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bson
from bson.objectid import ObjectId

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
OLD_KEY = "pk_" + "ab" * 24
Documents = Mapping[str, Sequence[Mapping[str, Any]]]


def oid(number: int) -> ObjectId:
    """Return the ObjectId number so-and-so, made at noon."""
    return ObjectId(struct.pack(">I", int(NOON.timestamp())) + number.to_bytes(8, "big"))


ACME, OTHER = oid(1), oid(2)
ADA, BOB, EVA = oid(11), oid(12), oid(13)


def lead(key: ObjectId, *, score: float = 0, project: ObjectId = ACME, **fields: Any) -> dict[str, Any]:
    return {
        "_id": key,
        "projectId": project,
        "anonymousId": f"anon-{key}",
        "currentScore": score,
        "leadStage": "cold",
        "processing": False,
        "createdAt": NOON,
        "__v": 0,
        **fields,
    }


def event(number: int, of: ObjectId, event_type: str, *, hours: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "_id": oid(1000 + number),
        "eventId": f"event-{number}",
        "projectId": str(ACME),
        "anonymousId": f"anon-{of}",
        "leadId": of,
        "eventType": event_type,
        "timestamp": NOON + timedelta(hours=hours),
        "properties": {},
        "processed": True,
        "queued": True,
        "processing": False,
        **fields,
    }


def step(of: ObjectId, delta: float, event_id: str = "") -> dict[str, Any]:
    return {"_id": ObjectId(), "leadId": of, "eventId": event_id, "oldScore": 0, "newScore": delta, "delta": delta}


def rule(event_type: str, points: float, **fields: Any) -> dict[str, Any]:
    return {"_id": ObjectId(), "eventType": event_type, "name": event_type.title(), "points": points, **fields}


def original() -> dict[str, list[dict[str, Any]]]:
    """Return a database with two projects, three leads and five events. Bob's score is wrong there."""
    return {
        "projects": [
            {
                "_id": ACME,
                "name": "Acme",
                "apiKey": OLD_KEY,
                "domain": "acme.example",
                "active": True,
                "rateLimit": 250,
            },
            {"_id": OTHER, "name": "Other", "apiKey": "pk_" + "cd" * 24, "active": False},
        ],
        "scoringrules": [rule("signup", 20), rule("Pricing Viewed", 15), rule("old", 5, active=False)],
        "leads": [
            lead(ADA, score=35, name="Ada", email="Ada@Example.com", company="Engines", leadStage="hot"),
            lead(BOB, score=100, leadStage="qualified"),
            lead(EVA, score=0, project=OTHER),
        ],
        "events": [
            event(1, ADA, "signup", properties={"plan": "pro", "price": bson.Decimal128("9.5"), "by": BOB}),
            event(2, ADA, "Pricing Viewed", hours=1),
            event(3, BOB, "signup", hours=2),
            event(4, BOB, "old", hours=3, processed=False),
            event(5, EVA, "page_view", projectId=str(OTHER)),
        ],
        "scorehistories": [step(ADA, 20), step(ADA, 15), step(BOB, 20), step(BOB, 20)],
        "users": [{"_id": oid(90), "email": "owner@acme.example"}],
        "failedjobs": [{"_id": oid(91)}, {"_id": oid(92)}],
    }


def write_dump(directory: Path, documents: Documents, *, compressed: bool = False) -> Path:
    """Write documents as `mongodump` does, with the files it puts beside them."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, rows in documents.items():
        data = b"".join(bson.encode(dict(row)) for row in rows)
        (directory / f"{name}.metadata.json").write_text("{}")
        file = directory / (f"{name}.bson.gz" if compressed else f"{name}.bson")
        file.write_bytes(gzip.compress(data) if compressed else data)
    return directory


@contextmanager
def served(documents: Documents) -> Iterator[str]:
    """Answer the wire protocol (OP_MSG) on a port of this machine, as far as reading collections needs it."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(documents)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"mongodb://127.0.0.1:{server.server_address[1]}/leadscoring?directConnection=true"
        finally:
            server.shutdown()
            thread.join()


def _handler(documents: Documents) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while header := self.rfile.read(16):
                length, request_id, _, code = struct.unpack("<iiii", header)
                body = self.rfile.read(length - 16)
                answer = _answer(_command(code, body), documents)
                self.wfile.write(_reply(code, request_id, answer))

    return Handler


def _command(code: int, body: bytes) -> dict[str, Any]:
    if code == 2013:  # OP_MSG: flags, then a section of kind 0
        return dict(bson.decode(body[5 : 5 + struct.unpack_from("<i", body, 5)[0]]))
    start = body.index(b"\x00", 4) + 9  # OP_QUERY, for the first hello: flags, name, skip and return, document
    return dict(bson.decode(body[start : start + struct.unpack_from("<i", body, start)[0]]))


def _reply(code: int, request_id: int, answer: dict[str, Any]) -> bytes:
    document: bytes = bson.encode(answer)
    message = struct.pack("<IB", 0, 0) if code == 2013 else struct.pack("<iqii", 8, 0, 0, 1)
    body = message + document
    return struct.pack("<iiii", 16 + len(body), 1, request_id, 2013 if code == 2013 else 1) + body


def _answer(command: dict[str, Any], documents: Documents) -> dict[str, Any]:
    match next(iter(command)):
        case "hello" | "isMaster" | "ismaster":
            limits = {"maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000}
            return {"ok": 1, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 21, **limits}
        case "listCollections":
            batch = [{"name": name, "type": "collection"} for name in documents]
            return {
                "ok": 1,
                "cursor": {"id": bson.Int64(0), "ns": "leadscoring.$cmd.listCollections", "firstBatch": batch},
            }
        case "find":
            name = command["find"]
            return _whole(name, sorted(map(dict, documents.get(name, ())), key=lambda row: str(row["_id"])))
        case _:
            return {"ok": 1}


def _whole(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"ok": 1, "cursor": {"id": bson.Int64(0), "ns": f"leadscoring.{name}", "firstBatch": rows}}
