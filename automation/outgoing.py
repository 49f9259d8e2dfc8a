"""Requests to addresses that people typed in: they reach the public internet and nothing behind our firewall.

A host is resolved once, every address is judged, and the connection goes to exactly one that passed, so a
name that changes its mind in between gains nothing. No proxies, no redirects, one deadline for the whole.
httpcore is used directly because httpx offers no way to give its transport a network backend.
"""

import functools
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpcore
import httpx
from django.conf import settings

from automation.core.addresses import Address, parse_networks, refusal_of

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MOST_RESPONSE_BYTES = 64 * 1024

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")  # a name or an IPv4 address; an IPv6 address
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class RefusedError(Exception):
    """The address may not be called; the message says why, for people."""


class UnreachableError(Exception):
    """Nobody answered, or not in time; the message says what happened, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A checked URL, taken apart."""

    url: httpcore.URL
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response: its status and the beginning of its body."""

    status: int
    body: bytes


def check_url(url: str) -> Target:
    """Return the URL taken apart; raise `RefusedError` if its form alone rules it out."""
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError) as error:
        raise RefusedError(f"“{url}” is not a web address: {error}.") from error
    if parsed.scheme not in ("http", "https"):
        raise RefusedError("The address must begin with https:// or http://.")
    if not parsed.raw_host:
        raise RefusedError("The address names no host.")
    host = parsed.raw_host.decode("ascii")
    if not _HOST.fullmatch(host):
        raise RefusedError(f"“{url}” is not a web address: {host} is no host's name.")
    if parsed.userinfo:
        raise RefusedError("The address must not contain a user name or password.")
    port = parsed.port or {"http": 80, "https": 443}[parsed.scheme]
    if port not in (80, 443) and not 1024 <= port <= 65_535:
        raise RefusedError(f"Port {port} is not allowed: use 80, 443 or one from 1024 on.")
    return Target(
        url=httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path),
        host=host,
        port=port,
    )


def resolve(target: Target) -> list[Address]:
    """Return the addresses of the target that may be called, in the resolver's order.

    Raises `UnreachableError` for an unknown name and `RefusedError` if none of its addresses may be called.
    """
    try:
        # What any connection would use: it reads 2130706433 and 0x7f.1 as 127.0.0.1, and so do we.
        answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"The host {target.host} could not be found.") from error
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(answer[4][0])) for answer in answers))
    allowed = parse_networks(settings.WEBHOOK_ALLOW)
    refusals = {address: refusal_of(address, allowed) for address in addresses}
    callable_addresses = [address for address, reason in refusals.items() if reason is None]
    if not callable_addresses:
        address, reason = next(iter(refusals.items()))
        raise RefusedError(
            f"{target.host} is not called, because {address} is {reason}. "
            "Whoever runs this server can allow it with WEBHOOK_ALLOW."
        )
    return callable_addresses


def refusal_of_url(url: str) -> str | None:
    """Return why requests to the URL would be refused, or None. A name unknown now may be known later."""
    try:
        resolve(check_url(url))
    except RefusedError as error:
        return str(error)
    except UnreachableError:
        return None
    return None


def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> Reply:
    """Send the body and return the reply, whatever its status; raise `RefusedError` or `UnreachableError`."""
    deadline = Deadline(TOTAL_SECONDS)
    target = check_url(url)
    backend = PinnedBackend(resolve(target), deadline)
    timeouts = {"connect": CONNECT_SECONDS, "read": TOTAL_SECONDS, "write": TOTAL_SECONDS, "pool": 1.0}
    try:
        with (
            httpcore.ConnectionPool(ssl_context=ssl_context(), network_backend=backend) as pool,
            pool.stream(
                "POST", target.url, headers=[*headers.items()], content=body, extensions={"timeout": timeouts}
            ) as response,
        ):
            return Reply(status=response.status, body=_beginning(response.iter_stream()))
    except httpcore.TimeoutException as error:
        raise UnreachableError(f"{target.host} did not answer in time.") from error
    except (httpcore.NetworkError, ssl.SSLError) as error:
        raise UnreachableError(f"{target.host} could not be reached: {error}.") from error
    except httpcore.ProtocolError as error:
        raise UnreachableError(f"{target.host} did not answer in HTTP: {error}.") from error


def _beginning(parts: Iterable[bytes]) -> bytes:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) >= MOST_RESPONSE_BYTES:
            break
    return bytes(body[:MOST_RESPONSE_BYTES])


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """Return the context that checks certificates, made once: loading the authorities takes a while."""
    return httpx.create_ssl_context()


class Deadline:
    """A moment by which an exchange must be over, however many small steps it takes."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def cut(self, seconds: float | None) -> float:
        """Return the seconds a step may take: those asked for or those left; raise when none are left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("The deadline passed.")
        return left if seconds is None else min(seconds, left)


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to the addresses that were checked, whatever the host's name may resolve to by now."""

    def __init__(self, addresses: list[Address], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses:
            try:
                stream = self._sockets.connect_tcp(str(address), port, timeout=self._deadline.cut(timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return DeadlineStream(stream, self._deadline)
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[SocketOption] | None = None
    ) -> httpcore.NetworkStream:
        raise RefusedError("Only web addresses are called.")


class DeadlineStream(httpcore.NetworkStream):
    """A connection each step of which ends at the deadline, so that a server cannot hold us byte by byte."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=self._deadline.cut(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout))
        return DeadlineStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
