"""Data Integrity proofs made by PyLD and cryptography, by the letter of the suites."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from pyld import jsonld
from pyld.documentloader.frozen import BUNDLED_CONTEXTS

import wallet.credentials.ldp_vc
from wallet.credentials.ldp_vc.proof_reader import CONTEXTS

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@cache
def _context(url: str) -> Any:
    own = Path(wallet.credentials.ldp_vc.__path__[0]) / "contexts"
    file = own / f"{CONTEXTS[url]}.jsonld" if url in CONTEXTS else BUNDLED_CONTEXTS[url]
    return json.loads(file.read_text())


def _load(url: str, _options: Any) -> Any:
    return {"contextUrl": None, "documentUrl": url, "document": _context(url)}


def _canonical(document: Any, suite: str) -> bytes:
    if "jcs" in suite:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    options = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _load}
    return str(jsonld.normalize(document, options)).encode()


def base58(data: bytes) -> str:
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def sign(key: Key, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    size = (key.curve.key_size + 7) // 8
    numbers = decode_dss_signature(key.sign(message, ec.ECDSA(_hash(key)[0])))
    return b"".join(number.to_bytes(size) for number in numbers)


def _hash(key: Key) -> tuple[SHA256 | SHA384, str]:
    p384 = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size == 384
    return (SHA384(), "sha384") if p384 else (SHA256(), "sha256")


def secured(document: dict[str, Any], key: Key, suite: str, **members: Any) -> dict[str, Any]:
    """`document` with a proof by `key`; `members` are further ones of the proof."""
    older = suite == "Ed25519Signature2020"
    kind = {"type": suite} if older else {"type": "DataIntegrityProof", "cryptosuite": suite}
    options = {
        **kind,
        "created": "2026-11-01T00:00:00Z",
        "verificationMethod": "did:example:issuer#key",
        "proofPurpose": "assertionMethod",
        **members,
    }
    name = _hash(key)[1]
    with_context = {**options, "@context": document["@context"]}
    hashes = [
        hashlib.new(name, _canonical(one, suite)).digest() for one in (with_context, document)
    ]
    proof = {**options, "proofValue": "z" + base58(sign(key, b"".join(hashes)))}
    return {**document, "proof": proof}
