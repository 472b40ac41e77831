"""Presentations as key proofs (OpenID4VCI 1.0, appendix F.2), by the suites that need no RDF.

Data Integrity EdDSA Cryptosuites 1.0, section 3.3, and ECDSA Cryptosuites 1.0, section 3.3.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from reference_servers.credential_issuer.decentralized_identifiers import base58, jwk_of
from reference_servers.jwts import JwtError, public_key

SUITES: Final[Mapping[str, str]] = {"ecdsa-jcs-2019": "ES256", "eddsa-jcs-2022": "EdDSA"}
"""Cryptosuites, and the JOSE name of what they are for a P-256 or Ed25519 key."""


def presented(
    presentation: object, suites: Sequence[str], *, domain: str
) -> tuple[Mapping[str, str], object]:
    """The public JWK that a presentation was signed with, and the `challenge` in its proof.

    Args:
        presentation: The Verifiable Presentation.
        suites: The cryptosuites that are taken.
        domain: What `domain` must be.

    Raises:
        JwtError: It is broken, for somebody else, or its signature is wrong.
    """
    if not isinstance(presentation, dict):
        raise JwtError("the presentation is not an object")
    proof = presentation.get("proof")
    if isinstance(proof, list) and len(proof) == 1:
        [proof] = proof
    if not isinstance(proof, dict) or proof.get("type") != "DataIntegrityProof":
        raise JwtError("the presentation has not exactly one DataIntegrityProof")
    if proof.get("cryptosuite") not in suites:
        raise JwtError("the cryptosuite is not one that is taken")
    if proof.get("proofPurpose") != "authentication" or proof.get("domain") != domain:
        raise JwtError("proofPurpose or domain is wrong")
    jwk = jwk_of(proof.get("verificationMethod"))
    controller = str(proof["verificationMethod"]).partition("#")[0]
    holder = presentation.get("holder", controller)
    if (holder.get("id") if isinstance(holder, dict) else holder) != controller:
        raise JwtError("the holder is not the one who signed")
    _check_signature(jwk, presentation, proof)
    return jwk, proof.get("challenge")


def _check_signature(
    jwk: Mapping[str, str], presentation: Mapping[str, Any], proof: Mapping[str, Any]
) -> None:
    """Raises JwtError where it is wrong, or by a key that the suite is not for."""
    key, value = public_key(jwk).public_key, proof.get("proofValue")
    unsecured = {name: member for name, member in presentation.items() if name != "proof"}
    if "@context" in proof:
        unsecured["@context"] = _agreed(presentation.get("@context"), proof["@context"])
    options = {name: member for name, member in proof.items() if name != "proofValue"}
    message = b"".join(hashlib.sha256(canonical(one)).digest() for one in (options, unsecured))
    try:
        signature = base58(str(value).removeprefix("z"))
        if isinstance(key, ed25519.Ed25519PublicKey) and proof["cryptosuite"] == "eddsa-jcs-2022":
            key.verify(signature, message)
        elif (
            isinstance(key, ec.EllipticCurvePublicKey)
            and isinstance(key.curve, ec.SECP256R1)
            and proof["cryptosuite"] == "ecdsa-jcs-2019"
            and len(signature) == 64
        ):
            r, s = (int.from_bytes(part) for part in (signature[:32], signature[32:]))
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        else:
            raise JwtError("the cryptosuite is not for this key")
    except (ValueError, InvalidSignature):
        raise JwtError("the signature is wrong") from None


def _agreed(whole: object, part: object) -> object:
    """The context of the proof, with which the document's begins (section 3.3.2)."""
    one, other = (value if isinstance(value, list) else [value] for value in (whole, part))
    if one[: len(other)] != other:
        raise JwtError("the contexts of presentation and proof differ")
    return part


def canonical(value: object) -> bytes:
    """RFC 8785, of values without fractions.

    Raises:
        JwtError: There is a fraction, or half a character.
    """
    try:
        return _canonical(value).encode()
    except (UnicodeEncodeError, RecursionError):
        raise JwtError("the presentation is not text") from None


def _canonical(value: object) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_text(name)}:{_canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 1 << 53):
        raise JwtError("the presentation has numbers that are not taken")
    return _text(value)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
