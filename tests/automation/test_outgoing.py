"""Requests reach the public internet and nothing behind our firewall, however the address is written."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from automation import outgoing
from automation.outgoing import RefusedError, UnreachableError, check_url, post, refusal_of_url, resolve
from tests.automation.servers import Receiver, web_server

INTERNAL = [
    ("http://127.0.0.1/", "a loopback address"),
    ("http://127.1/", "a loopback address"),
    ("http://2130706433/", "a loopback address"),
    ("http://0x7f000001/", "a loopback address"),
    ("http://0x7f.1/", "a loopback address"),
    ("http://017700000001/", "a loopback address"),
    ("http://[::1]/", "a loopback address"),
    ("http://[::ffff:127.0.0.1]/", "a loopback address"),
    ("http://[0:0:0:0:0:ffff:7f00:1]/", "a loopback address"),
    ("http://localhost/", "a loopback address"),
    ("http://0.0.0.0/", "a reserved address"),
    ("http://0/", "a reserved address"),
    ("http://[::]/", "a reserved address"),
    ("http://10.1.2.3/", "a private address"),
    ("http://172.16.0.1/", "a private address"),
    ("http://172.31.255.255/", "a private address"),
    ("http://192.168.1.1/", "a private address"),
    ("http://[fc00::1]/", "a private address"),
    ("http://[fd12:3456::1]/", "a private address"),
    ("http://[::ffff:10.0.0.1]/", "a private address"),
    ("http://169.254.1.1/", "a link-local address"),
    ("http://[fe80::1]/", "a link-local address"),
    ("http://169.254.169.254/latest/meta-data/", "a cloud metadata address"),
    ("http://[::ffff:169.254.169.254]/", "a cloud metadata address"),
    ("http://[fd00:ec2::254]/", "a cloud metadata address"),
    ("http://168.63.129.16/", "a cloud metadata address"),
    ("http://100.100.100.200/", "a cloud metadata address"),
    ("http://100.64.0.1/", "a carrier's internal address"),
    ("http://224.0.0.1/", "a multicast address"),
    ("http://[ff02::1]/", "a multicast address"),
    ("http://240.0.0.1/", "a reserved address"),
    ("http://255.255.255.255/", "a reserved address"),
    ("http://192.0.2.1/", "a reserved address"),
    ("http://198.18.0.1/", "a reserved address"),
    ("http://[2001:db8::1]/", "a reserved address"),
    ("http://[64:ff9b::a00:1]/", "an address translated to IPv4"),
    ("http://[::ffff:0:10.0.0.1]/", "an address translated to IPv4"),
    ("http://[3fff::1]/", "a reserved address"),
    ("http://[5f00::1]/", "a reserved address"),
    ("http://[2002:a00:1::]/", "an address tunnelled to IPv4"),
    ("http://[2001::1]/", "an address tunnelled to IPv4"),
]


@pytest.mark.parametrize(("url", "reason"), INTERNAL)
def test_an_internal_address_is_refused_with_the_reason(url: str, reason: str) -> None:
    refusal = refusal_of_url(url)

    assert refusal is not None
    assert reason in refusal


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://[2606:4700::1111]/", "http://134744072:8080/"])
def test_a_public_address_is_not_refused(url: str) -> None:
    assert refusal_of_url(url) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "must begin with https:// or http://"),
        ("file:///etc/passwd", "must begin with https:// or http://"),
        ("gopher://example.com/", "must begin with https:// or http://"),
        ("example.com/hook", "must begin with https:// or http://"),
        ("https://", "names no host"),
        ("https://user:secret@example.com/", "must not contain a user name or password"),
        ("http://example.com:25/", "Port 25 is not allowed"),
        ("http://example.com:99999/", "Port 99999 is not allowed"),
        ("http://exa mple.com/", "is not a web address"),
        ("http://[::1/", "is not a web address"),
        ("http://0177.0.0.1/", "is not a web address"),
        ("http://①②⑦.0.0.1/", "is not a web address"),
        ("http://exa%6dple.com/", "is not a web address"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        check_url(url)


def test_the_operator_can_allow_a_network(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW = ["10.0.0.0/8"]

    assert refusal_of_url("http://10.1.2.3/") is None
    assert refusal_of_url("http://[::ffff:10.1.2.3]/") is None
    assert refusal_of_url("http://192.168.1.1/") is not None


def test_a_name_is_resolved_once_and_the_connection_goes_to_the_address_that_was_judged(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    asked: list[str] = []

    def rebind(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host != "rebind.example":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", rebind)

    reply = post(f"http://rebind.example:{receiver.port}/hook", b"{}", headers={})

    assert (reply.status, asked) == (200, ["rebind.example"])
    assert receiver.received[0].headers["host"] == f"rebind.example:{receiver.port}"


def test_of_several_addresses_only_those_that_may_be_called_are(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("10.0.0.1", "127.0.0.1")]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", answer)
        addresses = resolve(check_url("http://mixed.example/"))

    assert [str(address) for address in addresses] == ["127.0.0.1"]


def test_a_name_nobody_knows_is_told() -> None:
    with pytest.raises(UnreachableError, match="nowhere"):
        post("http://nowhere.invalid/", b"{}", headers={})


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]:
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert post(receiver.url, b"{}", headers={}).status == 200


def test_a_server_that_does_not_speak_tls_is_told(receiver: Receiver) -> None:
    with pytest.raises(UnreachableError, match="could not be reached"):
        post(receiver.url.replace("http://", "https://"), b"{}", headers={})


def test_certificates_are_checked() -> None:
    context = outgoing.ssl_context()

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate for hooks.example, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=hooks.example"),
            *("-addext", "subjectAltName=DNS:hooks.example"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture
def tls_receiver(
    settings: Settings, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Receiver]:
    """Run a server that shows that certificate, which we trust, and that every name of .example leads to."""
    settings.WEBHOOK_ALLOW = ["127.0.0.0/8"]
    trusting = ssl.create_default_context(cafile=certificate[0])
    monkeypatch.setattr(outgoing, "ssl_context", lambda: trusting)
    real = socket.getaddrinfo

    def lead_to_us(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return real("127.0.0.1" if host.endswith(".example") else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lead_to_us)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    with web_server(Receiver(), tls=tls) as running:
        yield running


def test_a_pinned_address_is_still_asked_for_the_certificate_of_its_name(tls_receiver: Receiver) -> None:
    reply = post(f"https://hooks.example:{tls_receiver.port}/hook", b"{}", headers={})

    assert reply.status == 200
    assert tls_receiver.received[0].headers["host"] == f"hooks.example:{tls_receiver.port}"


def test_a_certificate_of_another_name_is_refused(tls_receiver: Receiver) -> None:
    with pytest.raises(UnreachableError, match="could not be reached"):
        post(f"https://other.example:{tls_receiver.port}/hook", b"{}", headers={})

    assert tls_receiver.received == []
