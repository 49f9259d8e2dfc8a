"""Which addresses may be called for somebody else: the public internet, and what the operator allows."""

import ipaddress
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Refused besides what is not globally reachable, each with the reason that is told.
_REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(network), reason)
    for network, reason in [
        ("169.254.169.254/32", "a cloud metadata address"),
        ("168.63.129.16/32", "a cloud metadata address"),
        ("100.100.100.200/32", "a cloud metadata address"),
        ("192.0.0.192/32", "a cloud metadata address"),
        ("fd00:ec2::254/128", "a cloud metadata address"),
        ("127.0.0.0/8", "a loopback address"),
        ("::1/128", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),
        ("fe80::/10", "a link-local address"),
        ("224.0.0.0/4", "a multicast address"),
        ("ff00::/8", "a multicast address"),
        ("100.64.0.0/10", "a carrier's internal address"),
        ("10.0.0.0/8", "a private address"),
        ("172.16.0.0/12", "a private address"),
        ("192.168.0.0/16", "a private address"),
        ("fc00::/7", "a private address"),
        ("fec0::/10", "a private address"),
        ("0.0.0.0/8", "a reserved address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.88.99.0/24", "a reserved address"),
        ("198.18.0.0/15", "a reserved address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/96", "a reserved address"),
        ("3fff::/20", "a reserved address"),
        ("5f00::/16", "a reserved address"),
        ("::ffff:0:0:0/96", "an address translated to IPv4"),
        ("64:ff9b::/96", "an address translated to IPv4"),
        ("64:ff9b:1::/48", "an address translated to IPv4"),
        ("2001::/32", "an address tunnelled to IPv4"),
        ("2002::/16", "an address tunnelled to IPv4"),
    ]
)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks; raise `ValueError` naming the text that is none."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())


def refusal_of(address: Address, allowed: Sequence[Network]) -> str | None:
    """Return why the address may not be called, such as “a private address”, or None if it may."""
    # ::ffff:10.0.0.1 is 10.0.0.1 to the kernel, so it is judged as that.
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in allowed):
        return None
    for network, reason in _REFUSED:
        if address in network:
            return reason
    return None if address.is_global else "a reserved address"
