"""Peers of the credential issuer, written for these tests only: an authorization server that
publishes its keys and gives any token at once, and a wallet, every value of it open to change."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, KeySet

from reference_servers.demo.people import PEOPLE, write_seeds
from tests.integration.servers.client import session
from tests.support.reference_servers import ReferenceServers, free_port, program

CLIENT = "oid4vci-wallet"
LONG_HEADERS = jws.JWSRegistry(strict_check_header=False)
LONG_HEADERS.max_header_length = 32_000
SUITE = ("ECDH-ES", "A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512", "DEF")
LARGE = jwe.JWERegistry(algorithms=SUITE)
LARGE.max_ciphertext_length = 1_000_000


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Any) -> str:
    """A JWT; members that are None are left out."""
    return jwt.encode(
        {name: value for name, value in header.items() if value is not None},
        {name: value for name, value in claims.items() if value is not None},
        key,
        algorithms=None,
        registry=LONG_HEADERS,
    )


@dataclass
class TokenServer:
    """An authorization server, as far as a credential issuer sees one."""

    url: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))

    def document(self, path: str) -> object:
        if path == "/.well-known/oauth-authorization-server":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks"}
        return KeySet([self.key]).as_dict(private=False)

    def token(self, issuer: str, **changes: Any) -> str:
        claims = {
            "iss": self.url,
            "aud": issuer,
            "sub": PEOPLE[0].subject,
            "client_id": CLIENT,
            "scope": " ".join(PEOPLE[0].datasets()),
            "exp": int(time.time()) + 300,
            **changes,
        }
        return signed({"alg": "ES256", "typ": "at+jwt"}, claims, self.key)

    def bound(self, issuer: str, cnf: object) -> str:
        """A token with any `cnf`, also null."""
        claims = {**decoded(self.token(issuer).split(".")[1]), "cnf": cnf}
        return jwt.encode({"alg": "ES256", "typ": "at+jwt"}, claims, self.key)


@contextmanager
def token_server() -> Iterator[TokenServer]:
    found = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(found.document(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Issuer:
    """The credential issuer as a process, its authorization server, and a wallet before it."""

    folder: Path
    url: str
    server: TokenServer
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    dpop_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    http: httpx.Client = field(default_factory=session)

    @property
    def as_servers(self) -> ReferenceServers:
        """For the operator's helper."""
        return ReferenceServers(self.folder, self.url, self.server.url)

    def well_known(self, name: str) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}"

    def metadata(self) -> dict[str, Any]:
        url = self.well_known("openid-credential-issuer")
        return dict(self.http.get(url).raise_for_status().json())

    def token(self, **changes: Any) -> str:
        return self.server.token(self.url, **changes)

    def nonce(self) -> str:
        return str(self.http.post(f"{self.url}/nonce").json()["c_nonce"])

    def proof(
        self,
        header: Mapping[str, Any] = {},
        claims: Mapping[str, Any] = {},
        key: Any = None,
    ) -> str:
        key = key or self.key
        named = {} if {"kid", "x5c"} & set(header) else {"jwk": key.as_dict(private=False)}
        whole = {"typ": "openid4vci-proof+jwt", "alg": "ES256", **named, **header}
        payload = {
            "iss": CLIENT,
            "aud": self.url,
            "iat": int(time.time()),
            **({} if "nonce" in claims else {"nonce": self.nonce()}),
            **claims,
        }
        return signed(whole, payload, key)

    def dpop(self, token: str, path: str, nonce: str | None = None, **changes: Any) -> str:
        claims = {
            "jti": secrets.token_urlsafe(16),
            "htm": "POST",
            "htu": self.url + path,
            "iat": int(time.time()),
            "ath": b64url(hashlib.sha256(token.encode()).digest()),
            "nonce": nonce,
            **changes,
        }
        public = self.dpop_key.as_dict(private=False)
        return signed({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}, claims, self.dpop_key)

    def bound_token(self, **changes: Any) -> str:
        return self.token(cnf={"jkt": self.dpop_key.thumbprint()}, **changes)

    def post(
        self, path: str, body: object, token: str | None = None, **headers: str
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        whole = {
            "Authorization": f"Bearer {token or self.token()}",
            "Content-Type": "application/json",
            **headers,
        }
        return self.http.post(self.url + path, content=content, headers=whole)

    def asked(self, *proofs: str, configuration: str = "pid", **members: Any) -> dict[str, Any]:
        return {
            "credential_configuration_id": configuration,
            "proofs": {"jwt": list(proofs or [self.proof()])},
            **members,
        }

    def credential(
        self, body: object = None, token: str | None = None, **headers: str
    ) -> httpx.Response:
        return self.post("/credential", self.asked() if body is None else body, token, **headers)

    def sealed(self, document: object, enc: str = "A128GCM", **header: Any) -> bytes:
        """A request, encrypted for this issuer."""
        [jwk] = self.metadata()["credential_request_encryption"]["jwks"]["keys"]
        whole = {"alg": "ECDH-ES", "enc": enc, "kid": jwk["kid"], **header}
        content = json.dumps(document)
        return jwe.encrypt_compact(whole, content, ECKey.import_key(jwk), registry=LARGE).encode()

    def encrypted(self, path: str, document: object, token: str | None = None) -> httpx.Response:
        return self.post(path, self.sealed(document), token, **{"Content-Type": "application/jwt"})


def opened(answer: httpx.Response, key: ECKey) -> dict[str, Any]:
    """What an encrypted response says."""
    assert answer.headers["content-type"] == "application/jwt", answer.text
    found = jwe.decrypt_compact(answer.content, key, registry=LARGE)
    return dict(json.loads(found.plaintext or b""))


def credentials_of(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["credential"] for one in answer.json()["credentials"]]


def claims_of(credential: str) -> dict[str, Any]:
    return dict(decoded(credential.split("~", maxsplit=1)[0].split(".")[1]))


def bound_to(credentials: Sequence[str]) -> set[str]:
    """Thumbprints of the keys that credentials are bound to."""
    return {ECKey.import_key(claims_of(one)["cnf"]["jwk"]).thumbprint() for one in credentials}


@contextmanager
def credential_issuer(folder: Path, path: str = "", **settings: Any) -> Iterator[Issuer]:
    """The credential issuer with the demo's people, and an authorization server for it."""
    folder.mkdir(exist_ok=True)
    _, datasets = write_seeds(folder)
    with token_server() as server, ExitStack() as stack:
        issuer = Issuer(folder, f"http://127.0.0.1:{free_port()}{path}", server)
        own = {"authorization_server": server.url, "datasets_file": str(datasets), **settings}
        config = folder / "issuer.toml"
        config.write_text("".join(f"{n} = {json.dumps(v)}\n" for n, v in own.items()))
        flags = {
            "config": str(config),
            "public-url": issuer.url,
            "port": str(httpx.URL(issuer.url).port),
            "data-dir": str(folder / "issuer"),
        }
        errors = stack.enter_context((folder / "errors.txt").open("w"))
        stack.enter_context(program("credential_issuer", flags, errors))
        yield issuer


class Authority:
    """Certifies keys: a wallet provider's certificate authority, and its chains."""

    def __init__(self, name: str = "Wallet CA") -> None:
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._certificate(name, self.key.public_key(), ca=True)

    def _certificate(
        self, subject: str, key: Any, *, ca: bool = False, days: int = 30
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def x5c(self, key: ECKey, *, days: int = 30) -> list[str]:
        """The chain of a key, without this authority's own certificate."""
        assert key.public_key
        return [der(self._certificate("Leaf", key.public_key, days=days))]


def der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


@dataclass
class WalletProvider:
    """Attests keys."""

    authority: Authority = field(default_factory=Authority)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    def attestation(
        self, keys: Sequence[ECKey], header: Mapping[str, Any] = {}, **claims: Any
    ) -> str:
        chain = self.authority.x5c(self.key)
        return signed(
            {"typ": "key-attestation+jwt", "alg": "ES256", "x5c": chain, **header},
            {
                "iat": int(time.time()),
                "exp": int(time.time()) + 300,
                "attested_keys": [key.as_dict(private=False) for key in keys],
                "key_storage": ["iso_18045_high"],
                "user_authentication": ["iso_18045_moderate"],
                **claims,
            },
            self.key,
        )
