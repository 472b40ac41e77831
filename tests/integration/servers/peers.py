"""Peers of the authorization server, written for these tests only: an issuer, a wallet provider,
and a wallet that authenticates and proves its key, every value of it open to change."""

import base64
import hashlib
import json
import secrets
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey

from reference_servers.demo.people import write_seeds
from tests.integration.servers.client import Client
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    program,
    server_settings,
)

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONG_HEADERS = jws.JWSRegistry(strict_check_header=False)
LONG_HEADERS.max_header_length = 16_000


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: ECKey) -> str:
    """A JWT; members that are None are left out."""
    payload = {name: value for name, value in claims.items() if value is not None}
    return jws.serialize_compact(
        {name: value for name, value in header.items() if value is not None},
        json.dumps(payload).encode(),
        key,
        registry=LONG_HEADERS,
    )


class Issuer:
    """A credential issuer that has metadata and keys, and asks for pre-authorized codes."""

    CONFIGURATIONS: Mapping[str, Any] = {
        "pid": {"format": "dc+sd-jwt", "scope": "pid"},
        "diploma": {"format": "dc+sd-jwt", "scope": "diploma"},
        "one": {"format": "dc+sd-jwt", "scope": "shared"},
        "two": {"format": "dc+sd-jwt", "scope": "shared"},
        "nameless": {"format": "dc+sd-jwt"},
    }

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "issuer-key"})
        self.url = ""
        self.server_url = ""

    def document(self, path: str) -> object:
        if path == "/.well-known/openid-credential-issuer":
            return {
                "credential_issuer": self.url,
                "authorization_servers": [self.server_url],
                "credential_configurations_supported": self.CONFIGURATIONS,
            }
        if path == "/.well-known/jwt-vc-issuer":
            keys = [self.key.as_dict(private=False)]
            return {"issuer": self.url, "jwks": {"keys": keys}}
        return None

    def request(
        self, header: Mapping[str, Any] = {}, key: ECKey | None = None, **claims: Any
    ) -> str:
        return signed(
            {"typ": "pre-authorized-code+jwt", "alg": "ES256", "kid": self.key.kid, **header},
            {
                "iss": self.url,
                "aud": self.server_url,
                "iat": int(time.time()),
                "jti": secrets.token_urlsafe(16),
                "sub": "5b7c9a1e",
                "credential_configuration_ids": ["pid"],
                **claims,
            },
            key or self.key,
        )

    def ask(self, request: str, media_type: str = "application/jwt") -> httpx.Response:
        return httpx.post(
            f"{self.server_url}/pre-authorized-codes",
            content=request,
            headers={"Content-Type": media_type},
            trust_env=False,
        )

    def code(self, **claims: Any) -> str:
        answer = self.ask(self.request(**claims))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["pre-authorized_code"])


@contextmanager
def listening(issuer: Issuer) -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = issuer.document(self.path)
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def authorization_server(
    folder: Path, issuer: Issuer, **settings: Any
) -> Iterator[ReferenceServers]:
    """The authorization server, in test mode, with `issuer` as its credential issuer.

    What it writes on standard error is in `errors.txt`.
    """
    folder.mkdir(exist_ok=True)
    people, _ = write_seeds(folder)
    both = ReferenceServers(folder, issuer.url, f"http://127.0.0.1:{free_port()}")
    before, issuer.server_url = issuer.server_url, both.server_url
    own = {"test_person": "erika", "clients_file": str(write_clients(folder)), **settings}
    config = folder / "server.toml"
    config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in own.items()))
    flags = {**server_settings(both, people), "config": str(config)}
    with (
        (folder / "errors.txt").open("w") as errors,
        program("authorization_server", flags, errors) as process,
    ):
        both.processes["server"] = process
        yield both
    issuer.server_url = before


@contextmanager
def restarted(both: ReferenceServers) -> Iterator[None]:
    """The same server once more, after it has ended."""
    settings = server_settings(both, both.folder / "people.json")
    with program("authorization_server", {**settings, "config": str(both.folder / "server.toml")}):
        yield


CLIENT_KEY = ECKey.generate_key("P-256", {"kid": "client-key"})


def write_clients(folder: Path) -> Path:
    """The clients of these tests."""
    keys = {"keys": [CLIENT_KEY.as_dict(private=False)]}
    file = folder / "clients.json"
    native = {"native": True, "name": "A wallet"}
    file.write_text(
        json.dumps(
            [
                {"client_id": "public", **native},
                {"client_id": "keyed", **native, "methods": ["private_key_jwt"], "jwks": keys},
                {"client_id": "attested", **native, "methods": ["attest_jwt_client_auth"]},
            ]
        )
    )
    return file


class Provider:
    """A wallet provider: a root, an intermediate authority, and what signs attestations."""

    def __init__(self, folder: Path) -> None:
        self.root_key, self.ca_key, self.leaf_key = (
            ec.generate_private_key(ec.SECP256R1()) for _ in range(3)
        )
        self.root = certificate("Root", self.root_key, "Root", self.root_key, ca=True)
        self.ca = certificate("Authority", self.ca_key, "Root", self.root_key, ca=True)
        self.leaf = certificate("Attester", self.leaf_key, "Authority", self.ca_key)
        folder.mkdir(exist_ok=True)
        self.file = folder / "provider.pem"
        self.file.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))

    def x5c(self, *certificates: x509.Certificate) -> list[str]:
        return [
            base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode()
            for one in certificates or (self.leaf, self.ca)
        ]

    def attestation(
        self,
        instance: ECKey,
        header: Mapping[str, Any] = {},
        key: ec.EllipticCurvePrivateKey | None = None,
        **claims: Any,
    ) -> str:
        now = int(time.time())
        return signed(
            {
                "typ": "oauth-client-attestation+jwt",
                "alg": "ES256",
                "x5c": self.x5c(),
                **header,
            },
            {
                "iss": "https://provider.example",
                "sub": "attested",
                "iat": now,
                "exp": now + 300,
                "cnf": {"jwk": instance.as_dict(private=False)},
                **claims,
            },
            ECKey.import_key(key or self.leaf_key),
        )


def certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
    days: int = 30,
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .sign(signer, hashes.SHA256())
    )


class Wallet(Client):
    """A wallet of the authorization server.

    Attributes:
        client_id: Under which it is registered.
        dpop_key: Proves it with every request, where there is one.
        dpop_nonce: The last one the server gave.
        instance: The key that attestations name.
        provider: Who attests it, where somebody does.
    """

    def __init__(self, servers: ReferenceServers, client_id: str = "public") -> None:
        super().__init__(servers)
        self.client_id = client_id
        self.dpop_key: ECKey | None = None
        self.dpop_nonce: str | None = None
        self.instance = ECKey.generate_key("P-256")
        self.provider: Provider | None = None

    # What a request brings along.

    def dpop(
        self, endpoint: str, header: Mapping[str, Any] = {}, key: ECKey | None = None, **claims: Any
    ) -> str:
        own = key or self.dpop_key
        assert own
        return signed(
            {"typ": "dpop+jwt", "alg": "ES256", "jwk": own.as_dict(private=False), **header},
            {
                "jti": secrets.token_urlsafe(16),
                "htm": "POST",
                "htu": f"{self.servers.server_url}/{endpoint}",
                "iat": int(time.time()),
                "nonce": self.dpop_nonce,
                **claims,
            },
            own,
        )

    def assertion(
        self, header: Mapping[str, Any] = {}, key: ECKey = CLIENT_KEY, **claims: Any
    ) -> dict[str, str]:
        now = int(time.time())
        token = signed(
            {"alg": "ES256", "kid": key.kid, **header},
            {
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": self.servers.server_url,
                "jti": secrets.token_urlsafe(16),
                "iat": now,
                "exp": now + 60,
                **claims,
            },
            key,
        )
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}

    def challenge(self) -> str:
        answer = self.http.post(f"{self.servers.server_url}/challenge")
        assert answer.headers["cache-control"] == "no-store"
        return str(answer.json()["attestation_challenge"])

    def pop(self, header: Mapping[str, Any] = {}, key: ECKey | None = None, **claims: Any) -> str:
        return signed(
            {"typ": "oauth-client-attestation-pop+jwt", "alg": "ES256", **header},
            {
                "iss": self.client_id,
                "aud": self.servers.server_url,
                "jti": secrets.token_urlsafe(16),
                "iat": int(time.time()),
                **({} if "challenge" in claims else {"challenge": self.challenge()}),
                **claims,
            },
            key or self.instance,
        )

    def attested(self, attestation: str | None = None, pop: str | None = None) -> dict[str, str]:
        if attestation is None:
            assert self.provider
            attestation = self.provider.attestation(self.instance, sub=self.client_id)
        return {
            "OAuth-Client-Attestation": attestation,
            "OAuth-Client-Attestation-PoP": self.pop() if pop is None else pop,
        }

    # Requests.

    def post(
        self, endpoint: str, form: Mapping[str, str | None], headers: Any = None
    ) -> httpx.Response:
        """Send, with what this wallet always brings along where nothing else is said."""
        if headers is None:
            headers = self.attested() if self.provider else {}
            if self.dpop_key:
                headers["DPoP"] = self.dpop(endpoint)
        assertion = self.assertion() if self.client_id == "keyed" else {}
        data = {n: v for n, v in {**assertion, **form}.items() if v is not None}
        answer = self.http.post(f"{self.servers.server_url}/{endpoint}", data=data, headers=headers)
        self.dpop_nonce = answer.headers.get("dpop-nonce", self.dpop_nonce)
        return answer

    def par(self, headers: Any = None, **changes: str | None) -> httpx.Response:
        form = self.parameters(**{"client_id": self.client_id, **changes})
        return self.post("par", {**form, **changes}, headers)

    def authorization_response(self, pushed: httpx.Response) -> dict[str, str]:
        assert pushed.status_code == 201, pushed.text
        query = {"client_id": self.client_id, "request_uri": pushed.json()["request_uri"]}
        answer = self.http.get(f"{self.servers.server_url}/authorize", params=query)
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def code(self, **changes: str | None) -> str:
        """In test mode."""
        return self.authorization_response(self.par(**changes))["code"]

    def token(self, code: str, /, headers: Any = None, **changes: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": "http://127.0.0.1:1234/callback",
            "client_id": self.client_id,
            "code_verifier": self.verifier,
            **changes,
        }
        return self.post("token", form, headers)

    def redeem(
        self, code: str, tx_code: str | None = None, headers: Any = None, **changes: str | None
    ) -> httpx.Response:
        form = {
            "grant_type": PRE_AUTHORIZED,
            "pre-authorized_code": code,
            "tx_code": tx_code,
            "client_id": self.client_id,
            **changes,
        }
        return self.post("token", form, headers)

    def refresh(self, token: str, headers: Any = None, **changes: str | None) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": self.client_id,
            **changes,
        }
        return self.post("token", form, headers)

    def revoked(self, access_token: str) -> bool:
        """Whether the Token Status List says so."""
        reference = payload(access_token)["status"]["status_list"]
        answer = self.http.get(reference["uri"])
        statuses = payload(answer.text)["status_list"]["lst"]
        bits = zlib.decompress(base64.urlsafe_b64decode(statuses + "=="))
        return bool(bits[reference["idx"] // 8] >> reference["idx"] % 8 & 1)


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def jkt(key: ECKey) -> str:
    """RFC 7638, by hand."""
    public = key.as_dict(private=False)
    members = {name: public[name] for name in ("crv", "kty", "x", "y")}
    octets = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(octets).digest()).rstrip(b"=").decode()
