"""A simulated issuer and authorization server that want proofs of everything, and check them.

Written from the standards with joserfc alone, as a peer would: it shares no code with the wallet.
What is wrong with a request is the `error_description` of the refusal.
"""

import base64
import hashlib
import json
import secrets
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe, jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, KeySet, OKPKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.simulator import Simulator, b64

ALGORITHMS = ["ES256", "ES384", "EdDSA", "Ed25519"]
TOLERANCE_S = 10


class Refused(Exception):  # noqa: N818
    """A request that is refused, with its OAuth error."""

    def __init__(self, error: str, why: str, **headers: str) -> None:
        super().__init__(f"{error}: {why}")
        self.error = error
        self.why = why
        self.headers = headers


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, body = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in token.split(".")[:2]
    )
    return head, body


def verified(token: str, jwk: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = 16_384
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA by its older name
        jws.deserialize_compact(token, JWKRegistry.import_key(dict(jwk)), registry=registry)
    return decoded(token)


def from_base58(text: str, size: int) -> bytes:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for digit in text:
        number = number * 58 + alphabet.index(digit)
    return number.to_bytes(size)


class DemandingSimulator(Simulator):
    """See above.

    Attributes:
        client_id: The one client it knows.
        authentication: The one method clients authenticate by.
        client_key: The public key of `private_key_jwt`.
        attester: The public key of client and key attestations.
        challenges: Where the challenge comes from: "", "endpoint" or "header".
        dpop: Whether tokens are bound to keys.
        nonces: Whether DPoP proofs need a nonce, which changes with every answer.
        encrypts: `enc`, or empty for no encryption.
        zips: Whether messages are compressed.
        proof_types: `proof_types_supported` of the credential, instead of a plain `jwt`.
        methods: `cryptographic_binding_methods_supported`, instead of `jwk`.
        seen: The `jti` of every proof.
        refusals: Why requests were refused.
        instances: The keys that client attestations were bound to.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.client_id = "wallet"
        self.authentication = "none"
        self.client_key: dict[str, Any] = {}
        self.attester: dict[str, Any] = {}
        self.challenges = ""
        self.dpop = False
        self.nonces = False
        self.encrypts = ""
        self.zips = False
        self.proof_types: dict[str, Any] = {}
        self.methods: list[str] = []
        self.seen: set[str] = set()
        self.encryption_key = ECKey.generate_key("P-256", {"kid": "e1", "alg": "ECDH-ES"})
        self.refusals: list[str] = []
        self._challenge = ""
        self._nonce = {"server": "", "issuer": ""}
        self._jkts: dict[str, str] = {}
        self.instances: set[str] = set()
        self._pushed_instance = ""
        self._pushed_jkt: str | None = None

    # What it says of itself.

    def server_metadata(self) -> dict[str, Any]:
        endpoint = {"challenge_endpoint": f"{self.url}/challenge"}
        return {
            **super().server_metadata(),
            "token_endpoint_auth_methods_supported": [self.authentication],
            **(endpoint if self.challenges == "endpoint" else {}),
            **({"dpop_signing_alg_values_supported": ["ES256"]} if self.dpop else {}),
        }

    def configuration(self, name: str) -> dict[str, Any]:
        document = super().configuration(name)
        if self.proof_types:
            document["proof_types_supported"] = self.proof_types
        if self.methods:
            document["cryptographic_binding_methods_supported"] = self.methods
        return document

    def issuer_metadata(self) -> dict[str, Any]:
        document = super().issuer_metadata()
        if self.encrypts:
            zips = {"zip_values_supported": ["DEF"]} if self.zips else {}
            common = {"enc_values_supported": [self.encrypts], "encryption_required": True, **zips}
            public = self.encryption_key.as_dict(private=False)
            document["credential_request_encryption"] = {"jwks": {"keys": [public]}, **common}
            algorithms = {"alg_values_supported": ["ECDH-ES"]}
            document["credential_response_encryption"] = {**algorithms, **common}
        return document

    # What it wants.

    async def _right_answer(self, path: str, request: Request) -> Response:
        if path == "/challenge":
            self._challenge = secrets.token_urlsafe(8)
            return JSONResponse({"attestation_challenge": self._challenge})
        part = "server" if path in ("/par", "/token") else "issuer"
        try:
            if path in ("/par", "/token"):
                await self._check_client(path, request)
            if path in ("/credential", "/deferred", "/notification"):
                self._check_token(path, request)
            answer = await self._in_clear(path, request)
        except (Refused, JoseError, KeyError, ValueError) as error:
            return self._refusal(part, error)
        if self.dpop and path in ("/par", "/token", "/nonce", "/credential", "/deferred"):
            self._nonce[part] = secrets.token_urlsafe(8)
            answer.headers["DPoP-Nonce"] = self._nonce[part]
        if self.challenges == "header" and part == "server":
            self._challenge = secrets.token_urlsafe(8)
            answer.headers["OAuth-Client-Attestation-Challenge"] = self._challenge
        return answer

    def _refusal(self, part: str, error: Exception) -> Response:
        if not isinstance(error, Refused):
            error = Refused("invalid_client" if part == "server" else "invalid_token", repr(error))
        self.refusals.append(str(error))
        document = {"error": error.error, "error_description": error.why}
        headers = {name.replace("_", "-"): value for name, value in error.headers.items()}
        if part == "server":
            return JSONResponse(document, 400, headers)
        challenge = f'dpop ERROR="{error.error}", error_description="{part}"'
        return Response(status_code=401, headers={**headers, "WWW-Authenticate": challenge})

    def _once(self, claims: dict[str, Any], error: str) -> None:
        if claims["jti"] in self.seen or len(claims["jti"]) < 16:
            raise Refused(error, "a jti that was seen before, or is too short")
        self.seen.add(claims["jti"])
        if abs(claims["iat"] - self.now().timestamp()) > TOLERANCE_S:
            raise Refused(error, "iat is not now")

    def _check_dpop(
        self, part: str, path: str, request: Request, token: str = "", jkt: str = ""
    ) -> str:
        error = "invalid_dpop_proof"
        if len(proofs := request.headers.getlist("dpop")) != 1:
            raise Refused(error, f"{len(proofs)} proofs")
        header, claims = verified(proofs[0], decoded(proofs[0])[0]["jwk"])
        if header["typ"] != "dpop+jwt" or "d" in header["jwk"]:
            raise Refused(error, "typ, or a private key")
        if (claims["htm"], claims["htu"]) != (request.method, f"{self.url}{path}"):
            raise Refused(error, f"htm and htu are {claims['htm']} {claims['htu']}")
        self._once(claims, error)
        by_challenge = self._combined and part == "server" and bool(self.challenges)
        wanted = self._challenge if by_challenge else self._nonce[part]
        if (self.nonces or by_challenge) and claims.get("nonce") != (wanted or "-"):
            self._nonce[part] = self._nonce[part] or secrets.token_urlsafe(8)
            raise Refused("use_dpop_nonce", "nonce", DPoP_Nonce=self._nonce[part])
        if token and claims.get("ath") != b64(hashlib.sha256(token.encode()).digest()):
            raise Refused(error, "ath")
        found = JWKRegistry.import_key(header["jwk"]).thumbprint()
        if jkt and found != jkt:
            raise Refused(error, "another key")
        return found

    @property
    def _combined(self) -> bool:
        return self.authentication == "attest_jwt_client_auth_dpop"

    async def _check_client(self, path: str, request: Request) -> None:
        form = self._form(await request.body())
        if form.get("client_id") != self.client_id:
            raise Refused("invalid_client", f"client_id {form.get('client_id')}")
        if self.authentication == "private_key_jwt":
            self._check_assertion(form)
        if self.authentication.startswith("attest"):
            self._check_attestation(path, request)
        if not self.dpop:
            return
        jkt = self._check_dpop("server", path, request)
        if path == "/par":
            named = form.get("dpop_jkt")
            if (named is None) != self._combined or named not in (None, jkt):
                raise Refused("invalid_dpop_proof", "dpop_jkt is missing, or another")
            self._pushed_jkt = jkt
        elif form["grant_type"] == "authorization_code" and jkt != self._pushed_jkt:
            raise Refused("invalid_grant", "the code is bound to another key")
        elif form["grant_type"] == "refresh_token" and jkt != self._jkts["token-sentinel"]:
            raise Refused("invalid_grant", "the refresh token is bound to another key")
        else:
            self._jkts["token-sentinel"] = jkt

    def _check_assertion(self, form: dict[str, str]) -> None:
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        if form["client_assertion_type"] != kind:
            raise Refused("invalid_client", "client_assertion_type")
        keys = KeySet.import_key_set({"keys": [self.client_key]})
        claims = jwt.decode(form["client_assertion"], keys, algorithms=ALGORITHMS).claims
        named = {claims["iss"], claims["sub"]}
        if (named, claims["aud"]) != ({self.client_id}, self.url):
            raise Refused("invalid_client", "iss, sub or aud")
        if not self.now().timestamp() < claims["exp"] < self.now().timestamp() + 300:
            raise Refused("invalid_client", "exp")
        self._once(claims, "invalid_client")

    def _check_attestation(self, path: str, request: Request) -> None:
        error = "invalid_client_attestation"
        attestations = request.headers.getlist("oauth-client-attestation")
        proofs = request.headers.getlist("oauth-client-attestation-pop")
        if len(attestations) != 1 or len(proofs) != (0 if self._combined else 1):
            raise Refused(error, f"{len(attestations)} attestations, {len(proofs)} proofs")
        header, attested = verified(attestations[0], self.attester)
        if header["typ"] != "oauth-client-attestation+jwt" or attested["sub"] != self.client_id:
            raise Refused(error, "typ or sub")
        if "iss" not in attested or attested["exp"] < self.now().timestamp():
            raise Refused("use_fresh_attestation", "no iss, or expired")
        instance = json.dumps(attested["cnf"]["jwk"], sort_keys=True)
        if self._combined:
            if decoded(request.headers["dpop"])[0]["jwk"] != attested["cnf"]["jwk"]:
                raise Refused(error, "the DPoP key is another")
        else:
            header, claims = verified(proofs[0], attested["cnf"]["jwk"])
            if header["typ"] != "oauth-client-attestation-pop+jwt":
                raise Refused(error, "typ of the proof")
            if (claims["iss"], claims["aud"]) != (self.client_id, self.url):
                raise Refused(error, "iss or aud of the proof")
            self._once(claims, error)
            if self.challenges and claims.get("challenge") != (self._challenge or "-"):
                self._challenge = self._challenge or secrets.token_urlsafe(8)
                raise Refused(
                    "use_attestation_challenge",
                    "challenge",
                    OAuth_Client_Attestation_Challenge=self._challenge,
                )
        if path == "/token" and instance != self._pushed_instance:
            raise Refused(error, "another instance than at the PAR endpoint")
        self._pushed_instance = instance
        self.instances.add(instance)

    def _check_token(self, path: str, request: Request) -> None:
        scheme, _, token = request.headers["authorization"].partition(" ")
        if scheme != ("DPoP" if self.dpop else "Bearer"):
            raise Refused("invalid_token", f"scheme {scheme}")
        if self.dpop:
            jkt = self._jkts.get(token) or self._jkts["token-sentinel"]
            self._check_dpop("issuer", path, request, token, jkt)
        elif "dpop" in request.headers:
            raise Refused("invalid_token", "a proof that nobody asked for")

    # The holder's keys.

    def _protected(self, path: str, document: dict[str, Any]) -> Response:
        if path == "/credential":
            ((kind, proofs),) = document["proofs"].items()
            read: dict[str, Callable[[Any], list[dict[str, str]]]] = {
                "jwt": self._by_jwt,
                "attestation": self._attested,
                "di_vp": self._by_di_vp,
            }
            jwks = [jwk for proof in proofs for jwk in read[kind](proof)]
            heads = [b64(json.dumps({"jwk": jwk}).encode()) for jwk in jwks]
            document = {**document, "proofs": {"jwt": [f"{head}.e30." for head in heads]}}
        return super()._protected(path, document)

    def _by_jwt(self, proof: str) -> list[dict[str, str]]:
        header, claims = decoded(proof)
        if "x5c" in header:
            leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
            spki = serialization.PublicFormat.SubjectPublicKeyInfo
            public = leaf.public_key().public_bytes(serialization.Encoding.PEM, spki)
            kind = OKPKey if header["alg"] == "EdDSA" else ECKey
            header["jwk"] = dict(kind.import_key(public).as_dict(private=False))
        jwk = header["jwk"] if "jwk" in header else self._resolved(header["kid"])
        verified(proof, jwk)
        assert header["typ"] == "openid4vci-proof+jwt"
        assert (claims["aud"], claims["nonce"]) == (self.url, "nonce-sentinel")
        assert claims.get("iss") == self.client_id
        if "key_attestation" not in header:
            return [jwk]
        attested = self._attested(header["key_attestation"])
        assert jwk in attested
        return attested

    def _attested(self, attestation: str) -> list[dict[str, str]]:
        header, claims = verified(attestation, self.attester)
        assert header["typ"] == "key-attestation+jwt"
        assert claims["nonce"] == "nonce-sentinel"
        assert claims["exp"] > self.now().timestamp()
        keys: list[dict[str, str]] = claims["attested_keys"]
        return keys

    def _by_di_vp(self, presentation: dict[str, Any]) -> list[dict[str, str]]:
        document = {k: v for k, v in presentation.items() if k != "proof"}
        proof = {k: v for k, v in presentation["proof"].items() if k != "proofValue"}
        assert (proof["domain"], proof["challenge"]) == (self.url, "nonce-sentinel")
        assert proof["proofPurpose"] == "authentication"
        jwk = self._resolved(proof["verificationMethod"])
        assert document["holder"] == proof["verificationMethod"].partition("#")[0]
        texts = (
            json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            for one in (proof, document)
        )
        message = b"".join(hashlib.sha256(text).digest() for text in texts)
        signature = from_base58(presentation["proof"]["proofValue"].removeprefix("z"), 64)
        algorithm = {"ecdsa-jcs-2019": "ES256", "eddsa-jcs-2022": "Ed25519"}[proof["cryptosuite"]]
        key = JWKRegistry.import_key(dict(jwk))
        assert jws.JWSRegistry.algorithms[algorithm].verify(message, signature, key)
        return [jwk]

    @staticmethod
    def _resolved(did_url: str) -> dict[str, str]:
        did, _, fragment = did_url.partition("#")
        name = did.rpartition(":")[2]
        if did.startswith("did:jwk:"):
            assert fragment == "0"
            jwk: dict[str, str] = decoded(f"{name}.{name}")[0]
            return jwk
        assert did.startswith("did:key:z")
        assert fragment == name
        if name.startswith("z6Mk"):
            raw = from_base58(name[1:], 34)[2:]
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
        point = from_base58(name[1:], 35)[2:]
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        members = ECKey.import_key(public).as_dict(private=False)
        return {name: str(members[name]) for name in ("kty", "crv", "x", "y")}

    # What it does in clear.

    async def _in_clear(self, path: str, request: Request) -> Response:
        if path in ("/credential", "/deferred"):
            return await self._encrypted(path, request)
        answer = await super()._right_answer(path, request)
        if path == "/token" and self.dpop and answer.status_code == 200:
            document = json.loads(bytes(answer.body))
            if document["token_type"] == "Bearer":
                document["token_type"] = "dpop"  # any case will do
            return JSONResponse(self.edited("bound_token", document))
        return answer

    async def _encrypted(self, path: str, request: Request) -> Response:
        body = await request.body()
        if not self.encrypts:
            return self._protected(path, json.loads(body))
        if request.headers["content-type"] != "application/jwt":
            return JSONResponse({"error": "invalid_encryption_parameters"}, 400)
        registry = jwe.JWERegistry(algorithms=["ECDH-ES", self.encrypts, "DEF"])
        opened = jwe.decrypt_compact(body, self.encryption_key, registry=registry)
        header = opened.headers()
        assert header["kid"] == "e1"
        assert ("zip" in header) == self.zips
        document = json.loads(opened.plaintext or b"")
        wish = document.pop("credential_response_encryption")
        answer = self._protected(path, document)
        if answer.status_code >= 400:
            return answer
        protected = {
            "alg": wish["jwk"]["alg"],
            "enc": wish["enc"],
            "kid": wish["jwk"]["kid"],
            **({"zip": wish["zip"]} if "zip" in wish else {}),
        }
        key = ECKey.import_key({k: wish["jwk"][k] for k in ("kty", "crv", "x", "y")})
        token = jwe.encrypt_compact(protected, bytes(answer.body), key, registry=registry)
        sent = Response(token, answer.status_code, media_type="application/jwt")
        return self.edited("encrypted_response", sent)  # type: ignore[no-any-return]
