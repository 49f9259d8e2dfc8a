"""Small servers around the SDK: somebody's website on a port of its own, and a LeadScore that misbehaves."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from leadscore.sdk import source


class Site:
    """A website on its own origin: pages by their paths, each with the same head."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self._server = serve(self._answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def add(self, path: str, head: str, body: str = "", headers: Mapping[str, str] | None = None) -> str:
        """Add a page and return its address."""
        text = f"<!doctype html><html><head><title>Page {path}</title>{head}</head><body>{body}</body></html>"
        self.pages[path] = (text, {"Content-Type": "text/html; charset=utf-8", **(headers or {})})
        return self.url + path

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        text, headers = self.pages.get(urlsplit(handler.path).path, ("nothing here", {}))
        reply(handler, 200 if headers else 404, text.encode(), headers)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Answer:
    """What a stand-in answers: a status and headers, or nothing at all."""

    status: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False


class StandIn:
    """Something at LeadScore's addresses that records what it is sent and answers what a test says."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[Answer] = []
        self.always = Answer()
        self._released = threading.Event()
        self._server = serve(self._answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def stored(self) -> list[dict[str, Any]]:
        """Return the events that were answered with 202, each once, in event order."""
        events: dict[str, dict[str, Any]] = {}
        for request in self.requests:
            if request["status"] == 202:
                for event in request["events"]:
                    events.setdefault(event["eventId"], event)
        return sorted(events.values(), key=lambda event: (event["timestamp"], event["eventId"]))

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.stored if event["event"] == name]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/sdk/leadscore.js":
            reply(handler, 200, source(), {"Content-Type": "text/javascript"})
            return
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0))
        document = json.loads(body)
        answer = self.answers.pop(0) if self.answers else self.always
        self.requests.append(
            {
                "at": time.monotonic(),
                "path": handler.path,
                "method": handler.command,
                "headers": dict(handler.headers),
                "body": document,
                "events": document.get("events", [document]),
                "status": answer.status,
            }
        )
        if answer.hang:
            self._released.wait(30)
            return
        cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After, Received-At"}
        reply(handler, answer.status, b"{}", {**cors, "Content-Type": "application/json", **answer.headers})

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()


def serve(answer: Callable[[BaseHTTPRequestHandler], None]) -> ThreadingHTTPServer:
    """Start a server that answers every request by `answer`, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
