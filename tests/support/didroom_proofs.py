"""Data Integrity proofs `ecdsa-rdfc-2019`, for the one shape of credential that DIDroom issues.

The RDF dataset of that shape is written down here instead of computed by a JSON-LD processor: the
contexts are `credentials/v2` and `credentials/examples/v2`, every claim a string. RDFC-1.0 names
blank nodes by the order of their first-degree hashes, which differ in it.
"""

import hashlib
import json
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_CREDENTIALS = "https://www.w3.org/2018/credentials#"
_EXAMPLES = "https://www.w3.org/ns/credentials/examples#"
_SECURITY = "https://w3id.org/security#"
_DATE_TIME = "http://www.w3.org/2001/XMLSchema#dateTime"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """r and s over SHA-256 of `message`, 64 bytes."""
    numbers = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def secured(
    credential: dict[str, Any], key: ec.EllipticCurvePrivateKey, method: str
) -> dict[str, Any]:
    """`credential` with a proof."""
    proof = {
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cryptosuite": "ecdsa-rdfc-2019",
        "proofPurpose": "assertionMethod",
        "type": "DataIntegrityProof",
        "verificationMethod": method,
    }
    number = int.from_bytes(signature(key, _hashes(credential, proof)), "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return {**credential, "proof": {**proof, "proofValue": f"z{digits}"}}


def verify(credential: dict[str, Any], key: ec.EllipticCurvePublicKey) -> None:
    """Raise `InvalidSignature` unless the proof of `credential` is by `key`."""
    number = 0
    for digit in credential["proof"]["proofValue"][1:]:
        number = number * 58 + _BASE58.index(digit)
    pair = encode_dss_signature(*divmod(number, 1 << 256))
    key.verify(pair, _hashes(credential, credential["proof"]), ec.ECDSA(SHA256()))


def _hashes(credential: dict[str, Any], proof: dict[str, Any]) -> bytes:
    """What is signed: the hash of the proof's options, then that of the credential."""
    cryptosuite = _literal(proof["cryptosuite"], f"{_SECURITY}cryptosuiteString")
    options = [
        f"_:p {_TYPE} <{_SECURITY}{proof['type']}> .\n",
        f"_:p <http://purl.org/dc/terms/created> {_literal(proof['created'], _DATE_TIME)} .\n",
        f"_:p <{_SECURITY}cryptosuite> {cryptosuite} .\n",
        f"_:p <{_SECURITY}proofPurpose> <{_SECURITY}{proof['proofPurpose']}> .\n",
        f"_:p <{_SECURITY}verificationMethod> <{proof['verificationMethod']}> .\n",
    ]
    ours, *others = credential["type"]
    claims = [
        *(f"_:c {_TYPE} <{_EXAMPLES}{other}> .\n" for other in others),
        f"_:c {_TYPE} <{_CREDENTIALS}{ours}> .\n",
        f"_:c <{_CREDENTIALS}issuer> <{credential['issuer']}> .\n",
        f"_:c <{_CREDENTIALS}validUntil> {_literal(credential['validUntil'], _DATE_TIME)} .\n",
        f"_:c <{_CREDENTIALS}credentialSubject> _:s .\n",
        *(
            f"_:s <{_EXAMPLES}{name}> {_literal(value)} .\n"
            for name, value in credential["credentialSubject"].items()
        ),
    ]
    canonical = (_canonical(options, ["_:p "]), _canonical(claims, ["_:c ", "_:s "]))
    return b"".join(hashlib.sha256(one.encode()).digest() for one in canonical)


def _literal(value: str, datatype: str = "") -> str:
    return json.dumps(value, ensure_ascii=False) + (f"^^<{datatype}>" if datatype else "")


def _canonical(quads: list[str], nodes: list[str]) -> str:
    def renamed(quad: str, names: dict[str, str]) -> str:
        for node, name in names.items():
            quad = quad.replace(node, name)
        return quad

    def first_degree(node: str) -> str:
        names = {other: "_:a " if other == node else "_:z " for other in nodes}
        lines = sorted(renamed(quad, names) for quad in quads if node in quad)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    ordered = sorted(nodes, key=first_degree)
    names = {node: f"_:c14n{place} " for place, node in enumerate(ordered)}
    return "".join(sorted(renamed(quad, names) for quad in quads))
