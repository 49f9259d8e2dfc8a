"""A proxy on the way to a running system that keeps what went through it, to send it again."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

_OWN = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request as a client sent it, and what it was answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: bytes


class Recorder:
    """Passes requests on to `target` and records them."""

    def __init__(self, target: str) -> None:
        self.exchanges: list[Exchange] = []
        self._http = httpx.Client(base_url=target, trust_env=False, timeout=30)
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                recorder.pass_on(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _OWN}
        exchange = self.send(handler.command, handler.path, headers, body)
        self.exchanges.append(exchange)
        handler.send_response(exchange.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(exchange.answer)))
        handler.end_headers()
        handler.wfile.write(exchange.answer)

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Exchange:
        answer = self._http.request(method, path, headers=headers, content=body)
        return Exchange(
            method=method, path=path, headers=headers, body=body, status=answer.status_code, answer=answer.content
        )

    def replay(self) -> list[Exchange]:
        """Send everything once more, byte for byte, and return what came of it."""
        return [self.send(kept.method, kept.path, kept.headers, kept.body) for kept in self.exchanges]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._http.close()
