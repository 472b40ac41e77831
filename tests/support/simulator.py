"""A small issuer and authorization server whose every answer a test can bend.

It shares no code with the wallet or the reference servers. Each document it sends passes through
the edit of its name, so that a test says in one line what is wrong with this issuer.
"""

import base64
import hashlib
import json
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

VCT = "urn:example:simulated:1"
PRE_AUTHORIZED_CODE = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
CLAIMS = {"given_name": "Zita-Sentinel", "family_name": "Quark-Sentinel", "age": 42}
Edit = Callable[[Any], Any]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Authority:
    """A certificate authority with one issuer certificate."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._certificate(name, name, self.key, self.key, ca=True)
        self.leaf_key = ec.generate_private_key(ec.SECP256R1())
        self.leaf = self._certificate(f"{name} issuer", name, self.leaf_key, self.key, ca=False)

    @staticmethod
    def _certificate(
        subject: str,
        issuer: str,
        key: ec.EllipticCurvePrivateKey,
        signer: ec.EllipticCurvePrivateKey,
        *,
        ca: bool,
    ) -> x509.Certificate:
        def name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now = datetime.now(UTC)
        usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass
class Transaction:
    """A credential that was put off.

    Attributes:
        name: Its configuration.
        jwks: The holder keys.
        left: How often it is put off still.
        notification_id: The transaction is over when the issuer has heard of it.
    """

    name: str
    jwks: list[dict[str, str]]
    left: int
    notification_id: str


class Simulator:
    """The issuer, which is its own authorization server.

    Attributes:
        url: Credential Issuer Identifier.
        names: The credential configurations it has.
        batch_size: How many copies it gives at once; 0 where it says nothing of them.
        deferrals: How often it puts a credential off before it delivers.
        put_off: The configurations for which it does so; None for all.
        proofs: The claims of the key proofs it was sent.
        interval_s: How long it asks to wait then.
        refreshes: Whether it gives refresh tokens, each good for once.
        edits: By the name of a document, what to do to it before it is sent.
        answers: By path, a whole answer instead of the right one.
        requests: The paths that were asked for, in order, with their bodies.
        answered: Called with the path when the right answer is made and before it is sent.
        bound: The holder keys it issued credentials for, in order.
        credentials: The credentials it issued, in order.
        notified: The notifications it was sent.
        expired: The access tokens that are no longer good.
        now: The issuer's clock.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.names = ["card"]
        self.batch_size = 0
        self.deferrals = 0
        self.put_off: set[str] | None = None
        self.proofs: list[dict[str, Any]] = []
        self.interval_s = 1e-9
        self.refreshes = False
        self.authority = Authority("Simulated Root")
        self.edits: dict[str, Edit] = {}
        self.answers: dict[str, Callable[[Request], Awaitable[Response]]] = {}
        self.requests: list[tuple[str, bytes]] = []
        self.answered: Callable[[str], None] = lambda _path: None
        self.bound: list[dict[str, str]] = []
        self.credentials: list[str] = []
        self.notified: list[dict[str, str]] = []
        self.expired: set[str] = set()
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._pushed: dict[str, dict[str, str]] = {}
        self._codes: set[str] = set()
        self._pre_authorized: dict[str, str | None] = {}
        self._refresh_tokens: set[str] = set()
        self._transactions: dict[str, Transaction] = {}
        self._numbers = count(1)

    def edited(self, name: str, document: Any) -> Any:
        return self.edits.get(name, lambda same: same)(document)

    # What a wallet is given.

    def offer(self, **members: Any) -> str:
        document = {
            "credential_issuer": self.url,
            "credential_configuration_ids": self.names,
            "grants": {"authorization_code": {"issuer_state": "from-the-offer"}},
            **members,
        }
        return "openid-credential-offer://?" + urlencode({"credential_offer": json.dumps(document)})

    def pre_authorized_offer(
        self,
        tx_code: dict[str, Any] | None = None,
        right: str | None = None,
        *,
        server: str = "",
        **members: Any,
    ) -> str:
        """An offer with a fresh pre-authorized code.

        Args:
            tx_code: The member of the offer.
            right: The transaction code it takes.
            server: The grant's `authorization_server`.
            members: Others of the offer; grants besides this one.
        """
        code = f"pre-authorized-sentinel-{secrets.token_hex(8)}"
        self._pre_authorized[code] = right
        grant = {"pre-authorized_code": code, **({} if tx_code is None else {"tx_code": tx_code})}
        grant |= {"authorization_server": server} if server else {}
        grants = {**members.pop("grants", {}), PRE_AUTHORIZED_CODE: grant}
        return self.offer(grants=grants, **members)

    def issuer_metadata(self) -> dict[str, Any]:
        batch = {"batch_credential_issuance": {"batch_size": self.batch_size}}
        return {
            **(batch if self.batch_size else {}),
            "credential_issuer": self.url,
            "credential_endpoint": f"{self.url}/credential",
            "nonce_endpoint": f"{self.url}/nonce",
            "notification_endpoint": f"{self.url}/notification",
            "display": [{"name": "Simulated Issuer", "locale": "en"}],
            "deferred_credential_endpoint": f"{self.url}/deferred",
            "credential_configurations_supported": {
                name: self.configuration(name) for name in self.names
            },
        }

    def configuration(self, name: str) -> dict[str, Any]:
        return {
            "format": "dc+sd-jwt",
            "vct": VCT if name == "card" else f"urn:example:{name}:1",
            "scope": name,
            "cryptographic_binding_methods_supported": ["jwk"],
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
            "credential_metadata": {
                "display": [{"name": f"Simulated {name.capitalize()}", "locale": "en"}],
                "claims": [
                    {
                        "path": ["family_name"],
                        "mandatory": True,
                        "display": [{"name": "Surname", "locale": "en"}],
                    },
                    {"path": ["given_name"]},
                ],
            },
        }

    def server_metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "pushed_authorization_request_endpoint": f"{self.url}/par",
            "response_types_supported": ["code"],
            "grant_types_supported": [
                "authorization_code",
                PRE_AUTHORIZED_CODE,
                *(["refresh_token"] if self.refreshes else []),
            ],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def credential(self, holder_jwk: dict[str, str], name: str = "card") -> str:
        """An SD-JWT VC bound to `holder_jwk`, bent by the edits `payload`, `chain`, `signer`,
        `header`, `disclosures` and `credential`."""
        disclosures = [
            b64(json.dumps([secrets.token_hex(8), name, value]).encode())
            for name, value in CLAIMS.items()
        ]
        now = int(self.now().timestamp())
        payload = {
            "iss": self.url,
            "iat": now,
            "exp": now + 86_400,
            "vct": self.configuration(name)["vct"],
            "cnf": {"jwk": holder_jwk},
            "_sd_alg": "sha-256",
            "_sd": [b64(hashlib.sha256(one.encode()).digest()) for one in disclosures],
        }
        chain = self.edited("chain", [self.authority.leaf])
        header = {
            "alg": "ES256",
            "typ": "dc+sd-jwt",
            "x5c": [
                base64.b64encode(c.public_bytes(serialization.Encoding.DER)).decode() for c in chain
            ],
        }
        registry = jws.JWSRegistry(algorithms=["ES256"])
        registry.max_header_length = 16_384
        jwt = jws.serialize_compact(
            self.edited("header", header),
            json.dumps(self.edited("payload", payload)),
            ECKey.import_key(self.edited("signer", self.authority.leaf_key)),
            registry=registry,
        )
        whole = "~".join([jwt, *self.edited("disclosures", disclosures), ""])
        return str(self.edited("credential", whole))

    # The endpoints.

    async def endpoint(self, request: Request) -> Response:
        path = request.url.path
        self.requests.append((path, await request.body()))
        if path in self.answers:
            return await self.answers[path](request)
        answer = await self._right_answer(path, request)
        self.answered(path)
        return answer

    async def _right_answer(self, path: str, request: Request) -> Response:
        match path:
            case "/.well-known/openid-credential-issuer":
                return JSONResponse(self.edited("issuer_metadata", self.issuer_metadata()))
            case "/.well-known/oauth-authorization-server":
                return JSONResponse(self.edited("server_metadata", self.server_metadata()))
            case "/par":
                uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_hex(8)}"
                self._pushed[uri] = self._form(await request.body())
                return JSONResponse({"request_uri": uri, "expires_in": 60}, 201)
            case "/authorize":
                asked = dict(request.query_params)
                asked = self._pushed.get(asked.get("request_uri", ""), asked)
                code = f"code-sentinel-{secrets.token_hex(8)}"
                self._codes.add(code)
                answer = {"code": code, "state": asked["state"], "iss": self.url}
                answer = self.edited("redirect", answer)
                return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 303)
            case "/token":
                return self._token(self._form(await request.body()))
            case "/nonce":
                return JSONResponse(self.edited("nonce", {"c_nonce": "nonce-sentinel"}))
            case "/credential" | "/deferred" | "/notification":
                token = request.headers["authorization"].partition(" ")[2]
                if token in self.expired:
                    challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
                    return Response(status_code=401, headers=challenge)
                return self._protected(path, json.loads(await request.body()))
        return Response(status_code=404)

    def _token(self, form: dict[str, str]) -> Response:
        match form["grant_type"]:
            case "authorization_code":
                granted = form["code"] in self._codes
                self._codes.discard(form["code"])
            case "refresh_token":
                granted = form["refresh_token"] in self._refresh_tokens
                self._refresh_tokens.discard(form["refresh_token"])
            case _:
                code = form["pre-authorized_code"]
                granted = self._pre_authorized.get(code, "-") == form.get("tx_code")
                if granted:
                    del self._pre_authorized[code]
        if not granted:
            return JSONResponse({"error": "invalid_grant"}, 400)
        number = sum(path == "/token" for path, _ in self.requests)
        value = f"token-sentinel-{number}" if form["grant_type"] == "refresh_token" else ""
        token = {"access_token": value or "token-sentinel", "token_type": "Bearer"}
        if self.refreshes:
            refresh_token = f"refresh-sentinel-{secrets.token_hex(8)}"
            self._refresh_tokens.add(refresh_token)
            token["refresh_token"] = refresh_token
        return JSONResponse(self.edited("token", token))

    def _protected(self, path: str, document: dict[str, Any]) -> Response:
        if path == "/notification":
            self.notified.append(document)
            heard = document["notification_id"]
            kept = self._transactions.items()
            self._transactions = {k: one for k, one in kept if one.notification_id != heard}
            return Response(status_code=204)
        if path == "/credential":
            name = (
                document.get("credential_configuration_id")
                or document["credential_identifier"].partition("-")[0]
            )
            proofs = document["proofs"]["jwt"]
            self.proofs += [self._part(proof, 1) for proof in proofs]
            asked = Transaction(
                name,
                [self._part(proof, 0)["jwk"] for proof in proofs],
                self.deferrals if self.put_off is None or name in self.put_off else 0,
                f"notification-{next(self._numbers)}",
            )
            transaction_id = f"transaction-sentinel-{secrets.token_hex(8)}"
            if asked.left:
                self._transactions[transaction_id] = asked
        else:
            transaction_id = document["transaction_id"]
            if transaction_id not in self._transactions:
                return JSONResponse({"error": "invalid_transaction_id"}, 400)
            asked = self._transactions[transaction_id]
            asked.left -= 1
        if asked.left > 0:
            later = {"transaction_id": transaction_id, "interval": self.interval_s}
            return JSONResponse(self.edited("deferral", later), 202)
        return self._issued(asked)

    def _issued(self, asked: Transaction) -> Response:
        """The credentials in no order of the proofs, as an issuer may send them."""
        credentials = [
            self.credential(self.edited("holder_jwk", jwk), asked.name)
            for jwk in reversed(asked.jwks)
        ]
        self.bound += asked.jwks
        self.credentials += credentials
        issued = {
            "credentials": [{"credential": one} for one in credentials],
            "notification_id": asked.notification_id,
        }
        return JSONResponse(self.edited("credential_response", issued))

    @staticmethod
    def _part(proof: str, place: int) -> dict[str, Any]:
        part = proof.split(".")[place]
        return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))

    @staticmethod
    def _form(body: bytes) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}


S = TypeVar("S", bound=Simulator)


@contextmanager
def simulated(kind: type[S]) -> Iterator[S]:
    """A simulator of some kind on a loopback port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    simulator = kind(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Starlette(routes=[Route("/{path:path}", simulator.endpoint, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield simulator
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def simulated_issuer() -> AbstractContextManager[Simulator]:
    """A simulator on a loopback port of its own."""
    return simulated(Simulator)
