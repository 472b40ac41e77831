"""Data Integrity proofs: of presentations as key proofs, and on credentials.

Data Integrity EdDSA Cryptosuites 1.0 and ECDSA Cryptosuites 1.0, sections 3.2 and 3.3.
Presentations (OpenID4VCI 1.0, appendix F.2) are verified by the suites that need no RDF.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from pyld import jsonld
from pyld.documentloader.frozen import FrozenDocumentLoader
from pyld.jsonld import JsonLdError

from reference_servers.credential_issuer.decentralized_identifiers import (
    base58,
    base58_text,
    jwk_of,
)
from reference_servers.jwts import JwtError, public_key

SUITES: Final[Mapping[str, str]] = {"ecdsa-jcs-2019": "ES256", "eddsa-jcs-2022": "EdDSA"}
"""Cryptosuites, and the JOSE name of what they are for a P-256 or Ed25519 key."""
_CONTEXTS: Final = FrozenDocumentLoader()


@dataclass(frozen=True)
class ProofKey:
    """What credentials are secured with.

    Attributes:
        cryptosuite: Of P-256 or of Ed25519, as the key is.
        private: The private key.
        jwk: The public one.
        controller: Whose it is: a URL.
    """

    cryptosuite: str
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    jwk: Mapping[str, str]
    controller: str

    @property
    def method(self) -> str:
        """The URL of the key in its controller's document."""
        return f"{self.controller}#{public_key(self.jwk).thumbprint()}"


def secured(document: Mapping[str, Any], key: ProofKey) -> Mapping[str, Any]:
    """A document with a proof by `key` that is made now.

    Raises:
        JwtError: It has no canonical form.
    """
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": key.cryptosuite,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "verificationMethod": key.method,
        "proofPurpose": "assertionMethod",
    }
    configuration = {"@context": document["@context"], **options}
    message = hashes_of(key.cryptosuite, configuration, document)
    if isinstance(key.private, ed25519.Ed25519PrivateKey):
        signature = key.private.sign(message)
    else:
        numbers = decode_dss_signature(key.private.sign(message, ec.ECDSA(hashes.SHA256())))
        signature = b"".join(number.to_bytes(32) for number in numbers)
    proof = configuration if "-jcs-" in key.cryptosuite else options
    return {**document, "proof": {**proof, "proofValue": f"z{base58_text(signature)}"}}


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
    message = hashes_of(str(proof["cryptosuite"]), options, unsecured)
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


def hashes_of(cryptosuite: str, options: Mapping[str, Any], document: Mapping[str, Any]) -> bytes:
    """What is signed: the digests of a proof's options and of the document (sections 3.2.4, 3.3.4).

    Raises:
        JwtError: They have no canonical form.
    """
    transformed = canonical if "-jcs-" in cryptosuite else canonical_rdf
    return b"".join(hashlib.sha256(transformed(one)).digest() for one in (options, document))


def canonical_rdf(document: Mapping[str, Any]) -> bytes:
    """The canonical N-Quads of a JSON-LD document (RDF Dataset Canonicalization 1.0).

    Contexts are those that come with the library; none is fetched.

    Raises:
        JwtError: It has none.
    """
    options = {
        "algorithm": "URDNA2015",
        "format": "application/n-quads",
        "documentLoader": _CONTEXTS,
    }
    try:
        return str(jsonld.normalize(document, options)).encode()
    except (JsonLdError, UnicodeEncodeError, RecursionError):
        raise JwtError("the document has no canonical form") from None


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
