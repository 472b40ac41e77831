"""A fake of DIDroom's two servers, which does what the recordings in `tests/vectors/didroom` show.

It forgives and demands what they do, faults included; a test compares its answers with the recorded
ones. It shares no code with the wallet.
"""

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.support import didroom_proofs
from tests.vectors import FOLDER

CLIENT_ID = "did:dyne:sandbox.signroom:PTDvvQn1iWQiVxkfsDnUid8FbieKbHq46Qs8c9CZx67"
PASSWORD = "typed-sentinel"
FORM = "application/x-www-form-urlencoded"
LOG = (
    'Verify failed with error: [ "ZENROOM JSON LOG START",\n" .  Release version: v5.30.0",\n'
    '"J64 HEAP: {heap}",\n"ZENROOM JSON LOG END" ]'
)
CREDENTIAL_MEMBERS = ("format", "proof", "credential_configuration_id")
PAR_MEMBERS = (
    "response_type", "client_id", "state", "code_challenge", "code_challenge_method",
    "redirect_uri",
)  # fmt: skip


class ServersLogError(Exception):
    """What these servers answer with 500 and a dump of all they know."""


@dataclass
class Flow:
    """A pushed authorization request and what became of it."""

    asked: dict[str, str]
    details: dict[str, Any]
    pushed_at: float
    code: str = ""
    claims: dict[str, str] = field(default_factory=dict)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def header_of(jwt: str) -> Any:
    head = jwt.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def damaged_form(body: str) -> dict[str, str]:
    """A form as these servers read it: decoded before it is split, and `+` is no space."""
    pairs = (pair.split("=") for pair in unquote(body).split("&"))
    return {name: (value or [""])[0] for name, *value in pairs}


def log(heap: object) -> str:
    return LOG.format(heap=base64.b64encode(json.dumps(heap).encode()).decode())


def schema_error(member: str, body: bytes) -> Response:
    text = f"REQUIRED must have required property '{member}'\n\n> 1 | {body.decode()}"
    return Response(text, 422, media_type="application/json")


class Didroom:
    """The authorization server and the credential issuer, and what they keep in memory.

    Attributes:
        server_url: Identifier of the authorization server.
        issuer_url: Credential Issuer Identifier.
        clients: The DIDs that resolve to a key; only they can be a `client_id`.
        people: By e-mail address, what the login script finds.
        requests: The paths that were asked for, in order, with their headers and bodies.
    """

    def __init__(self, server_url: str, issuer_url: str) -> None:
        self.server_url, self.issuer_url = server_url, issuer_url
        self.clients = {CLIENT_ID}
        self.people = {"test@email.com": {"id": "123456789"}}
        self.requests: list[tuple[str, Mapping[str, str], bytes]] = []
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = ECKey.import_key(self.key)
        self.kid = f"did:dyne:sandbox.genericissuer:{secrets.token_urlsafe(32)}#es256_public_key"
        self._flows: dict[str, Flow] = {}
        self._known_clients: set[str] = set()
        self._tokens: dict[str, Flow] = {}
        self._nonces: dict[str, float] = {}

    def _public(self) -> dict[str, Any]:
        return dict(self.jwk.as_dict(private=False))

    def _document(self, name: str) -> Any:
        text = (FOLDER / "didroom" / name).read_text()
        text = text.replace("http://localhost:43000/authz_server", self.server_url)
        document = json.loads(
            text.replace("http://localhost:43001/credential_issuer", self.issuer_url)
        )
        point = {name: self._public()[name] for name in ("kty", "crv", "x", "y")}
        document["jwks"] = {"keys": [{"kid": self.kid, "alg": "ES256", **point}]}
        return document

    def issuer_metadata(self) -> Any:
        return self._document("openid-credential-issuer.json")

    def server_metadata(self) -> Any:
        return self._document("oauth-authorization-server.json")

    def offer(self, configuration: str) -> str:
        """The text of the flow's deep link."""
        document = {
            "credential_configuration_ids": [configuration],
            "credential_issuer": self.issuer_url,
            "grants": {"authorization_code": {"authorization_server": self.server_url}},
        }
        compact = json.dumps(document, separators=(",", ":"))
        return f"openid-credential-offer://?credential_offer={quote(compact, safe='')}"

    def sign_in(self, url: str, email: str = "test@email.com") -> None:
        """Play the browser: what the page's script does, and where its answer leads to."""
        with httpx.Client(trust_env=False, timeout=30) as browser:
            page = browser.get(url)
            assert page.status_code == 200, page.text
            query = url.partition("?")[2]
            params = dict(pair.split("=") for pair in query.split("&"))
            asked = browser.post(f"{self.server_url}/ru_to_toc", json=params).json()
            entered = {
                "params": params,
                "data": {"email": email, "password": PASSWORD},
                "custom_code": asked["credential_configuration_id"],
            }
            answer = browser.post(
                f"{self.server_url}/authorize_backend",
                content="form_input_and_params=" + quote(json.dumps(entered), safe=""),
                headers={"Content-Type": FORM},
            )
            assert answer.status_code == 302, answer.text
            browser.get(answer.headers["location"])

    # Both servers.

    async def endpoint(self, request: Request) -> Response:
        path, body = request.url.path, await request.body()
        self.requests.append((path, request.headers, body))
        try:
            return await self._answer(request, path, body)
        except ServersLogError as error:
            return Response(str(error), 500)

    async def _answer(self, request: Request, path: str, body: bytes) -> Response:
        match (request.method, path):
            case ("GET", "/authz_server/.well-known/oauth-authorization-server"):
                return JSONResponse(self.server_metadata())
            case ("POST", "/authz_server/par"):
                return self._par(request, body)
            case ("GET", "/authz_server/authorize"):
                return self._authorize(request.scope["query_string"].decode())
            case ("POST", "/authz_server/ru_to_toc"):
                details = self._flows[json.loads(body)["request_uri"]].details
                return JSONResponse(
                    {
                        "auth_details": [details],
                        "credential_configuration_id": details["credential_configuration_id"],
                    }
                )
            case ("POST", "/authz_server/authorize_backend"):
                return self._authorize_backend(body)
            case ("POST", "/authz_server/token"):
                return self._token(request, body)
            case ("POST", "/authz_server/introspection"):
                return self._introspection(json.loads(body)["token"])
            case ("GET", "/credential_issuer/.well-known/openid-credential-issuer"):
                return JSONResponse(self.issuer_metadata())
            case ("POST", "/credential_issuer/nonce"):
                return self._nonce(request, body)
            case ("POST", "/credential_issuer/credential"):
                return self._credential(request, body)
        if path.startswith("/credential_issuer/") and path.endswith("/deeplink"):
            return HTMLResponse(self.offer(path.split("/")[2]))
        return Response("Not Found", 404)

    def _jwt(self, client_id: str) -> str:
        now = int(time.time())
        claims = {
            "sub": secrets.token_hex(20),
            "iat": now,
            "iss": self.server_url,
            "aud": client_id,
            "exp": now + 3600,
        }
        return self._signed({"alg": "ES256", "jwk": self._public()}, claims, (",", ":"))

    def _signed(self, header: Any, payload: Any, separators: tuple[str, str]) -> str:
        """A JWS whose JSON is written as theirs."""
        parts = [b64(json.dumps(one, separators=separators).encode()) for one in (header, payload)]
        signature = didroom_proofs.signature(self.key, ".".join(parts).encode())
        return ".".join([*parts, b64(signature)])

    # The authorization server.

    def _par(self, request: Request, body: bytes) -> Response:
        if request.headers.get("content-type") != FORM:
            return Response("Unsupported Media Type", 415)
        asked = damaged_form(body.decode())
        for member in PAR_MEMBERS:
            if member not in asked:
                return schema_error(member, body)
        try:
            details = json.loads(asked.get("authorization_details", ""))
        except ValueError:
            return Response(log(asked), 400)  # a scope alone, too
        if (
            asked["client_id"] not in self.clients
            or asked["code_challenge_method"] != "S256"
            or not isinstance(details, list)
            or len(details) != 1
            or not self._takes(details[0])
        ):
            return Response(log(asked), 400)
        uri = f"urn:ietf:params:oauth:request_uri:{time.time_ns()}{secrets.token_hex(16)}"
        self._flows[uri] = Flow(asked, details[0], time.time())
        self._known_clients.add(asked["client_id"])
        return JSONResponse({"expires_in": 600, "request_uri": uri}, 201)

    def _takes(self, details: dict[str, Any]) -> bool:
        configurations = self.issuer_metadata()["credential_configurations_supported"]
        return (
            details.get("type") == "openid_credential"
            and details.get("locations") == [self.issuer_url]
            and details.get("credential_configuration_id") in configurations
            and "format" not in details
        )

    def _authorize(self, query: str) -> Response:
        params = [pair.split("=") for pair in query.split("&")]  # as they are: not decoded
        if not any(name == "request_uri" and value[0] in self._flows for name, *value in params):
            return Response("Forbidden", 403)
        return HTMLResponse("<!doctype html><title>AUTHENTICATE</title>")

    def _authorize_backend(self, body: bytes) -> Response:
        entered = json.loads(unquote(body.decode()).partition("=")[2])
        flow = self._flows.get(entered["params"]["request_uri"])
        if flow is None:
            raise ServersLogError(log(entered))
        back = flow.asked["redirect_uri"]
        joint = "&" if "?" in back else "?"
        headers = {"Content-Type": "application/json"}
        person = self.people.get(entered["data"].get("email"))
        if person is None:
            refused = {"error_description": log(entered), "error": "server_error"}
            headers["Location"] = f"{back}{joint}{urlencode(refused)}"
            return JSONResponse({"zen_location_keys": {"errors": refused}}, 302, headers)
        flow.claims, flow.code = person, self._jwt(flow.asked["client_id"])
        headers["Location"] = f"{back}{joint}code={flow.code}"
        return JSONResponse({"request": {"body": flow.asked, "headers": []}}, 302, headers)

    def _token(self, request: Request, body: bytes) -> Response:
        if request.headers.get("content-type") != FORM:
            return Response("Unsupported Media Type", 415)
        asked = damaged_form(body.decode())
        for member in ("grant_type", "client_id", "code_verifier", "redirect_uri", "code"):
            if member not in asked:
                return schema_error(member, body)
        if "dpop" not in request.headers:
            return schema_error("dpop", body)
        self._check_dpop(request.headers["dpop"])
        flow = next((one for one in self._flows.values() if one.code == asked["code"]), None)
        if asked["client_id"] not in self._known_clients or flow is None:
            raise ServersLogError(f"Invalid client: client is invalid\n\nHeap:\n{log(asked)}")
        challenge = b64(hashlib.sha256(asked["code_verifier"].encode()).digest())
        if asked["redirect_uri"] != flow.asked["redirect_uri"]:
            flow.code = ""
            raise ServersLogError(log(asked))
        if challenge != flow.asked["code_challenge"] or time.time() > flow.pushed_at + 300:
            raise ServersLogError(log(asked))
        flow.code = ""
        self._known_clients.discard(asked["client_id"])
        token = self._jwt(asked["client_id"])
        self._tokens[token] = flow
        return JSONResponse(
            {
                "token_type": "bearer",
                "access_token": token,
                "expires_in": int(time.time()) + 3600,
                "authorization_details": [{**flow.details, "claims": flow.claims}],
            }
        )

    def _check_dpop(self, proof: str) -> None:
        try:
            header = header_of(proof)
            found = jws.deserialize_compact(proof, ECKey.import_key(header["jwk"]), ["ES256"])
            claims = json.loads(found.payload)
            fresh = abs(time.time() - claims["iat"]) < 300
            right = header["typ"] == "dpop+jwt" and claims["htm"] == "POST" and claims["jti"]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ServersLogError(log(str(error))) from error
        if not fresh or not right:
            raise ServersLogError(log(claims))

    def _introspection(self, token: str) -> Response:
        flow = self._tokens[token]
        return JSONResponse({"holder_claims": {**flow.details, "claims": flow.claims}})

    # The issuer.

    def _nonce(self, request: Request, body: bytes) -> Response:
        empty = request.headers.get("content-length") == "0" and not body
        as_json = request.headers.get("content-type") == "application/json" and body == b"{}"
        if not (empty and "content-type" not in request.headers) and not as_json:
            return Response("Unsupported Media Type", 415)
        nonce = secrets.token_urlsafe(32)
        self._nonces[nonce] = time.time()
        return JSONResponse({"c_nonce": nonce}, headers={"Cache-Control": "no-store"})

    def _credential(self, request: Request, body: bytes) -> Response:
        if request.headers.get("content-type") != "application/json":
            return Response("Unsupported Media Type", 415)
        asked = json.loads(body)
        for member in CREDENTIAL_MEMBERS:
            if member not in asked:
                return schema_error(member, body)
        for member in ("jwt", "proof_type"):
            if member not in asked["proof"]:
                return schema_error(member, body)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "bearer" or token not in self._tokens:
            raise ServersLogError(log(dict(request.headers)))
        flow = self._tokens[token]
        holder, claims = self._check_proof(asked["proof"]["jwt"])
        details = {**flow.details, "claims": flow.claims}
        match asked["credential_configuration_id"]:
            case "test_credential":
                issued: Any = self._sd_jwt(holder, claims["iss"])
            case "UniversityDegree_LDP_VC":
                issued = self._ldp_vc()
            case _:
                unknown = {
                    "authorization_details": details,
                    "credential_configuration_id": asked["credential_configuration_id"],
                    "proof": asked["proof"],
                }
                return JSONResponse(unknown)
        return JSONResponse({"credentials": [{"credential": issued}]})

    def _check_proof(self, proof: str) -> tuple[dict[str, str], dict[str, Any]]:
        try:
            holder = header_of(proof)["jwk"]
            found = jws.deserialize_compact(proof, ECKey.import_key(holder), ["ES256"])
            claims = json.loads(found.payload)
            known = time.time() < self._nonces[claims["nonce"]] + 600 and claims["iss"]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ServersLogError(log(str(error))) from error
        if not known:
            raise ServersLogError(log(claims))
        return holder, claims

    def _sd_jwt(self, holder: dict[str, str], subject: str) -> str:
        disclosure = b64(json.dumps([secrets.token_urlsafe(16), "tested", "true"]).encode())
        now = int(time.time())
        payload = {
            "_sd": [b64(hashlib.sha256(disclosure.encode()).digest())],
            "_sd_alg": "sha-256",
            "cnf": {"jwk": {name: holder[name] for name in ("crv", "kty", "x", "y")}},
            "exp": now + 34_214_400,
            "iat": now,
            "iss": self.issuer_url,
            "nbf": now,
            "sub": subject,
            "type": "test_credential",
        }
        jwt = self._signed({"alg": "ES256", "typ": "dc+sd-jwt"}, payload, (", ", ": "))
        return f"{jwt}~{disclosure}~"

    def _ldp_vc(self) -> dict[str, Any]:
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 34_214_400))
        return didroom_proofs.secured(
            {
                "@context": [
                    "https://www.w3.org/ns/credentials/v2",
                    "https://www.w3.org/ns/credentials/examples/v2",
                ],
                "credentialSubject": {
                    "degree": "Math",
                    "family_name": "Rossi",
                    "given_name": "Mario",
                },
                "issuer": self.issuer_url,
                "type": ["VerifiableCredential", "UniversityDegreeCredential"],
                "validUntil": until,
            },
            self.key,
            self.kid,
        )


@contextmanager
def _served(endpoint: Any, listener: socket.socket) -> Iterator[None]:
    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def didroom() -> Iterator[Didroom]:
    """The pair, each on a loopback port of its own."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    server, issuer = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in listeners)
    pair = Didroom(f"{server}/authz_server", f"{issuer}/credential_issuer")
    with ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(_served(pair.endpoint, listener))
        yield pair
