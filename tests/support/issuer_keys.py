"""How a simulated issuer names its key otherwise than by certificates."""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.simulator import Simulator
from wallet.trust.holder_keys import did_url

KID = "key-1"
JWT_VC_ISSUER = "/.well-known/jwt-vc-issuer"
JWKS = "/keys"
DID_JSON = "/.well-known/did.json"


def public(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    jwk = ECKey.import_key(key).as_dict(private=False)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}


def serve(issuer: Simulator, path: str, document: Any, **more: Any) -> None:
    """Answer at `path` with a JSON document."""

    async def answer(_: Request) -> Response:
        return JSONResponse(document, **more)

    issuer.answers[path] = answer


def key_set(issuer: Simulator) -> dict[str, Any]:
    return {"keys": [{**public(issuer.authority.leaf_key), "kid": KID}]}


def without_certificates(issuer: Simulator, iss: str, kid: str | None = KID) -> None:
    """Let credentials say that they are by `iss`, signed with the key `kid`."""
    issuer.edits["header"] = lambda header: {
        **{name: value for name, value in header.items() if name != "x5c"},
        **({} if kid is None else {"kid": kid}),
    }
    issuer.edits["payload"] = lambda payload: {**payload, "iss": iss}


def by_domain(issuer: Simulator) -> None:
    """Known by its JWT VC Issuer Metadata."""
    without_certificates(issuer, issuer.url)
    serve(issuer, JWT_VC_ISSUER, {"issuer": issuer.url, "jwks": key_set(issuer)})


def by_key_set(issuer: Simulator, uri: str = "") -> None:
    """The same, with its keys elsewhere."""
    without_certificates(issuer, issuer.url)
    serve(issuer, JWT_VC_ISSUER, {"issuer": issuer.url, "jwks_uri": uri or issuer.url + JWKS})
    serve(issuer, JWKS, key_set(issuer))


def did_web(url: str) -> str:
    return "did:web:" + url.partition("//")[2].replace(":", "%3A")


def did_document(issuer: Simulator, did: str) -> dict[str, Any]:
    method = {
        "id": f"{did}#{KID}",
        "controller": did,
        "type": "JsonWebKey",
        "publicKeyJwk": public(issuer.authority.leaf_key),
    }
    return {"id": did, "verificationMethod": [method], "assertionMethod": [f"{did}#{KID}"]}


def by_did_web(issuer: Simulator) -> None:
    """Known by a did:web at its own host."""
    did = did_web(issuer.url)
    without_certificates(issuer, did, f"{did}#{KID}")
    serve(issuer, DID_JSON, did_document(issuer, did))


def by_own_key(issuer: Simulator, method: str = "did:jwk") -> str:
    """Called by its own key; gives the DID."""
    url = did_url(public(issuer.authority.leaf_key), method)
    did = url.partition("#")[0]
    without_certificates(issuer, did, url)
    return did


Known = Callable[[Simulator], object]
