"""Which URLs a wallet may talk to at all (RFC 8252, section 8.3; OpenID4VCI 1.0, section 12.2)."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from wallet.errors import PeerBrokeProtocol


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine, by name or in the plain spelling of its address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_url(url: str) -> SplitResult:
    """Split a URL of a peer.

    Raises:
        PeerBrokeProtocol: `insecure_url` where it is neither https nor http on a loopback host,
            `response_malformed` where it is no URL or carries user information or a fragment.
            Whether loopback is allowed at all is for `wallet.net` to say.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise PeerBrokeProtocol("response_malformed", "not a URL") from None
    if parts.scheme == "http" and host and not is_loopback(host):
        raise PeerBrokeProtocol(
            "insecure_url",
            f"http on {host[:100]!r}",
            rule="BCP 195; http is for loopback hosts in development only",
        )
    clean = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if parts.scheme not in ("https", "http") or not host or not clean:
        raise PeerBrokeProtocol("insecure_url", f"not an https URL: {url[:100]!r}")
    if "[" in parts.netloc and not re.fullmatch(r"\[[^\[\]]*\](:\d*)?", parts.netloc):
        raise PeerBrokeProtocol("response_malformed", "an address in brackets, and more")
    if parts.fragment or "@" in parts.netloc or "#" in url:
        raise PeerBrokeProtocol("response_malformed", "a URL with user information or fragment")
    return parts


def read_identifier(url: str) -> SplitResult:
    """Split an issuer identifier: as `read_url`, and without a query (RFC 8414, section 2)."""
    parts = read_url(url)
    if "?" in url:
        raise PeerBrokeProtocol("response_malformed", "an issuer identifier has no query")
    return parts


def host_of(url: str) -> str:
    """The host of a URL as a person reads it, with its port where it is not the default.

    Internationalized names stay in their ASCII form, so that look-alikes do not pass for others.
    """
    parts = read_url(url)
    default = {"https": 443, "http": 80}[parts.scheme]
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, default) else f"{host}:{parts.port}"


def well_known(identifier: str, name: str) -> str:
    """Insert `/.well-known/<name>` between host and path (RFC 8615; RFC 8414, section 3.1)."""
    parts = read_identifier(identifier)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}"


def without_query(url: str) -> str:
    """The URL as it may be shown and recorded."""
    return url.partition("?")[0].partition("#")[0][:200]
