"""Under which name this server was asked."""

import ipaddress
import re

from starlette.requests import HTTPConnection

_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]{1,253}))(?P<port>:\d*)?")
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal")


def asked_host(request: HTTPConnection) -> str | None:
    """The host of the Host header without its port; None where it is none."""
    told = _told(request)
    if told is None:
        return None
    address = told["address"]
    if address is None:
        return told["name"]
    return address if _is_address(address) else None


def asked_origin(request: HTTPConnection, port: int | None = None) -> str:
    """``http://host:port`` as the asker reached us, or another port of the same host."""
    host = asked_host(request) or "localhost"
    bracketed = f"[{host}]" if ":" in host else host
    if port is not None:
        return f"http://{bracketed}:{port}"
    told = _told(request)
    scheme = request.scope.get("scheme", "http")
    return f"{scheme}://{bracketed}{(told and told['port']) or ''}"


def is_local(host: str | None) -> bool:
    """Whether no outsider can have a name server point this name to us.

    An open server trusts whoever reaches it. A web page elsewhere could reach it through the
    visitor's browser by letting its own name resolve to a loopback address (DNS rebinding); it then
    asks under that name, which has a dot.
    """
    if host is None:
        return False
    return "." not in host or host.endswith(_LOCAL_SUFFIXES) or _is_address(host)


def _told(request: HTTPConnection) -> re.Match[str] | None:
    return _HOST.fullmatch(request.headers.get("host", "").strip().lower())


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
