"""Access tokens as an issuer may meet them, against an authorization server on a socket."""

import base64
import hmac
import json
import ssl
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy.orm import sessionmaker
from starlette.requests import Request

from reference_servers.credential_issuer.access_tokens import AccessTokens, AuthorizationServer
from reference_servers.credential_issuer.database import SeenProof
from reference_servers.credential_issuer.errors import AccessTokenError, UnavailableError
from reference_servers.dpop import Dpop

ISSUER = "https://issuer.example"
TLS = ssl.create_default_context()
DPOP = Dpop(sessionmaker(), SeenProof, b"secret", nonce_required=False)


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Server:
    """What an authorization server publishes: each part of it open to change."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.metadata: Any = {
            "issuer": url,
            "jwks_uri": f"{url}/jwks",
            "introspection_endpoint": f"{url}/introspection",
        }
        self.keys: Any = KeySet([self.key]).as_dict(private=False)
        self.status = b""
        self.well_known = "/.well-known/oauth-authorization-server/as"
        self.introspected: list[tuple[str, bytes]] = []

    def introspection(self, **changes: object) -> bytes:
        claims = {
            "active": True,
            "iss": self.url,
            "aud": ISSUER,
            "sub": "somebody",
            "client_id": "wallet",
            "exp": int(time.time()) + 60,
            **changes,
        }
        return json.dumps({name: one for name, one in claims.items() if one is not None}).encode()

    def page(self, path: str) -> bytes | None:
        if path == self.well_known:
            return json.dumps(self.metadata).encode()
        if path == "/as/jwks":
            return json.dumps(self.keys).encode()
        return self.status if path in ("/as/status", "/as/introspection") else None

    def token(self, header: dict[str, Any] | None = None, **changes: object) -> str:
        claims = {
            "iss": self.url,
            "aud": ISSUER,
            "sub": "somebody",
            "client_id": "wallet",
            "scope": "pid",
            "exp": int(time.time()) + 60,
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", **(header or {})}, claims, self.key)

    def list_of(self, bits: bytes, **changes: object) -> bytes:
        claims = {
            "sub": f"{self.url}/status",
            "exp": int(time.time()) + 60,
            "status_list": {"bits": 1, "lst": b64url(zlib.compress(bits))},
            **changes,
        }
        return jwt.encode({"alg": "ES256", "typ": "statuslist+jwt"}, claims, self.key).encode()

    def with_status(self, idx: object) -> str:
        return self.token(status={"status_list": {"idx": idx, "uri": f"{self.url}/status"}})


@pytest.fixture
def server() -> Iterator[Server]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = found.page(self.path)
            body = page or b""
            self.send_response(404 if page is None else 200 if body else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.introspected.append((self.headers["Authorization"], body))
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as http:
        found = Server(f"http://127.0.0.1:{http.server_port}/as")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield found
        http.shutdown()
        thread.join()


@pytest.fixture
def tokens(server: Server) -> Iterator[AccessTokens]:
    made = AuthorizationServer(server.url, ISSUER, tls=TLS)
    yield AccessTokens([made], DPOP, bearer=True)
    made._http.close()


def read(tokens: AccessTokens, token: str) -> str:
    headers = [(b"authorization", f"Bearer {token}".encode())]
    request = Request({"type": "http", "method": "POST", "headers": headers})
    return tokens.read(request, f"{ISSUER}/credential").subject


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({}, {}),
        ({"typ": "application/at+jwt"}, {}),
        ({}, {"aud": ["https://other.example", ISSUER]}),
        ({}, {"unknown": {"a": [1]}, "scope": None, "client_id": None}),
    ],
)
def test_good_tokens(
    header: dict[str, Any], changes: dict[str, Any], server: Server, tokens: AccessTokens
) -> None:
    assert read(tokens, server.token(header, **changes)) == "somebody"


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": "statuslist+jwt"}, {}),
        ({}, {"aud": "https://other.example"}),
        ({}, {"aud": f"{ISSUER}/"}),
        ({}, {"aud": None}),
        ({}, {"iss": "https://other.example"}),
        ({}, {"iss": None}),
        ({}, {"exp": 1}),
        ({}, {"exp": None}),
        ({}, {"exp": "9999999999"}),
        ({}, {"sub": None}),
        ({}, {"sub": ""}),
        ({"kid": "unknown"}, {}),
    ],
)
def test_s9_bad_tokens(
    header: dict[str, Any], changes: dict[str, Any], server: Server, tokens: AccessTokens
) -> None:
    with pytest.raises(AccessTokenError) as refused:
        read(tokens, server.token(header, **changes))
    assert refused.value.error == "invalid_token"


def test_s9_a_public_key_is_no_secret(server: Server, tokens: AccessTokens) -> None:
    """Key confusion: a MAC over the published key."""
    _, payload, _ = server.token().split(".")
    head = b64url(b'{"alg":"HS256","typ":"at+jwt"}')
    for shared in (server.key.as_pem(private=False), json.dumps(server.keys["keys"][0]).encode()):
        tag = hmac.digest(shared, f"{head}.{payload}".encode(), "sha256")
        with pytest.raises(AccessTokenError):
            read(tokens, f"{head}.{payload}.{b64url(tag)}")


@pytest.mark.parametrize("alg", ["none", "ES256", "ES384", ""])
def test_s9_a_signature_is_needed(alg: str, server: Server, tokens: AccessTokens) -> None:
    _, payload, _ = server.token().split(".")
    head = b64url(json.dumps({"alg": alg, "typ": "at+jwt"}).encode())
    with pytest.raises(AccessTokenError):
        read(tokens, f"{head}.{payload}.")


def test_s3_the_status_of_a_token(server: Server, tokens: AccessTokens) -> None:
    server.status = server.list_of(bytes([0b0000_0010, 0b1000_0000]))
    for idx in range(16):
        token = server.with_status(idx)
        if idx in (1, 15):
            with pytest.raises(AccessTokenError) as refused:
                read(tokens, token)
            assert refused.value.error == "invalid_token"
        else:
            assert read(tokens, token) == "somebody"


@pytest.mark.parametrize("idx", [8, 10**30, -1, "0", None, 0.5])
def test_a_status_that_the_list_does_not_have(
    idx: object, server: Server, tokens: AccessTokens
) -> None:
    server.status = server.list_of(b"\0")
    with pytest.raises(UnavailableError):
        read(tokens, server.with_status(idx))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "https://other.example"},
        {"exp": 1},
        {"exp": None},
        {"status_list": {"bits": 1, "lst": "AAAA"}},
        {"status_list": {"bits": 2, "lst": "eNpjAAAAAQAB"}},
        {"status_list": {}},
        {"status_list": None},
    ],
)  # fmt: skip
def test_a_status_list_that_is_none(
    changes: dict[str, Any], server: Server, tokens: AccessTokens
) -> None:
    server.status = server.list_of(b"\0", **changes)
    with pytest.raises(UnavailableError):
        read(tokens, server.with_status(0))


@pytest.mark.parametrize("status", [b"", b"hello", b"a.b.c", b"\xff"])
def test_no_status_list(status: bytes, server: Server, tokens: AccessTokens) -> None:
    server.status = status
    with pytest.raises(UnavailableError):
        read(tokens, server.with_status(0))


def test_a_status_list_of_another_kind_of_token(server: Server, tokens: AccessTokens) -> None:
    server.status = server.token(sub=f"{server.url}/status").encode()
    with pytest.raises(UnavailableError):
        read(tokens, server.with_status(0))


def test_a_list_that_explodes_is_read_no_further(server: Server, tokens: AccessTokens) -> None:
    server.status = server.list_of(bytes(50_000_000))
    assert read(tokens, server.with_status(0)) == "somebody"
    with pytest.raises(UnavailableError):
        read(tokens, server.with_status(8 * 2_000_000))


@pytest.mark.parametrize(
    ("metadata", "keys"),
    [
        ({"issuer": "https://other.example", "jwks_uri": "x"}, None),
        ({"jwks_uri": "x"}, None),
        ([], None),
        (None, {"keys": "x"}),
        (None, {"keys": [{"kty": "EC"}]}),
        (None, []),
    ],
)
def test_an_authorization_server_that_publishes_nothing_of_use(
    metadata: object, keys: object, server: Server, tokens: AccessTokens
) -> None:
    server.metadata = server.metadata if metadata is None else metadata
    server.keys = server.keys if keys is None else keys
    with pytest.raises(UnavailableError):
        read(tokens, server.token())


def test_meta_14_a_server_that_knows_openid_connect_discovery_only(
    server: Server, tokens: AccessTokens
) -> None:
    server.well_known = "/as/.well-known/openid-configuration"
    assert read(tokens, server.token()) == "somebody"
    server.well_known = "/.well-known/openid-configuration/as"
    with pytest.raises(UnavailableError):
        read(
            AccessTokens([AuthorizationServer(server.url, ISSUER, tls=TLS)], DPOP, bearer=True),
            "a.b.c",
        )


def test_a_new_key_is_taken_after_a_while(
    server: Server, tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(tokens, server.token())
    server.key = ECKey.generate_key("P-256", auto_kid=True)
    server.keys = KeySet([server.key]).as_dict(private=False)
    with pytest.raises(AccessTokenError):
        read(tokens, server.token())
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    assert read(tokens, server.token())


@pytest.fixture
def introspecting(server: Server) -> Iterator[AuthorizationServer]:
    made = AuthorizationServer(
        server.url, ISSUER, tls=TLS, introspection=("https://issuer", "a:secret")
    )
    yield made
    made._http.close()


def test_an_opaque_token_is_introspected(
    server: Server, introspecting: AuthorizationServer
) -> None:
    server.status = server.introspection(scope="pid")
    claims = introspecting.claims("opaque")
    assert (claims["sub"], claims["scope"]) == ("somebody", "pid")
    basic = base64.b64encode(b"https%3A%2F%2Fissuer:a%3Asecret").decode()
    asked = f"Basic {basic}", b"token=opaque&token_type_hint=access_token"
    assert server.introspected == [asked]


@pytest.mark.parametrize(
    "changes",
    [
        {"active": False},
        {"active": "true"},
        {"active": 1},
        {"aud": "https://other.example"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"exp": 1},
        {"sub": None},
    ],
)
def test_a_token_that_is_not_active_or_not_for_this_issuer(
    changes: dict[str, Any], server: Server, introspecting: AuthorizationServer
) -> None:
    server.status = server.introspection(**changes)
    with pytest.raises(AccessTokenError) as refused:
        introspecting.claims("opaque")
    assert refused.value.error == "invalid_token"


@pytest.mark.parametrize("answer", [b"", b"no JSON", b"[]", b"{}", b'"active"'])
def test_an_introspection_that_fails(
    answer: bytes, server: Server, introspecting: AuthorizationServer
) -> None:
    server.status = answer
    with pytest.raises(UnavailableError):
        introspecting.claims("opaque")


def test_a_server_without_introspection(server: Server, introspecting: AuthorizationServer) -> None:
    del server.metadata["introspection_endpoint"]
    with pytest.raises(UnavailableError):
        introspecting.claims("opaque")
