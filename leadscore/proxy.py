"""What a proxy in front says of a request. It is asked only where `BEHIND_PROXY` says that there is one."""

import ipaddress

from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address that spoke to the proxy: the last one in `X-Forwarded-For`, as the others are hearsay."""
    last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return str(request.META["REMOTE_ADDR"])
