"""Key proofs: verification as OpenID4VCI 1.0, appendix F.4 asks.

A proof of type `jwt` names its key by `jwk`, by `kid` (did:jwk, did:key) or by `x5c`, and may carry
a key attestation; the type `attestation` is a key attestation alone; `di_vp` is a presentation.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reference_servers.chains import leaf_key
from reference_servers.credential_issuer.data_integrity import SUITES, presented
from reference_servers.credential_issuer.decentralized_identifiers import jwk_of
from reference_servers.credential_issuer.errors import CredentialRequestError
from reference_servers.credential_issuer.key_attestations import KeyAttestations
from reference_servers.jwts import (
    JwtError,
    PublicKey,
    check_times,
    claims_of,
    header_of,
    public_jwk,
    public_key,
    seconds,
)

TYP: Final = "openid4vci-proof+jwt"
MISSPELT_TYP: Final = "open4vci-proof+jwt"
AGE_S: Final = 300
SKEW_S: Final = 60

HolderJwk = Mapping[str, str]


@dataclass(frozen=True)
class ProofRules:
    """What proofs are checked against.

    Attributes:
        credential_issuer: What `aud` must be.
        algorithms: What they may be signed with.
        batch_size: How many may come at once.
        kinds: The proof types.
        binding_methods: How they may name their keys.
        attestations: What is demanded of key attestations; None where none are taken.
    """

    credential_issuer: str
    algorithms: Sequence[str]
    batch_size: int
    kinds: Sequence[str] = ("jwt", "attestation")
    binding_methods: Sequence[str] = ("jwk", "did:jwk", "did:key")
    attestations: KeyAttestations | None = None

    def supported(self) -> Mapping[str, Mapping[str, Any]]:
        """The member `proof_types_supported` of the metadata."""
        demanded = self.attestations.demands() if self.attestations else None
        kinds: dict[str, dict[str, Any]] = {}
        for kind in self.kinds:
            algorithms = self.suites() if kind == "di_vp" else self.algorithms
            if kind == "attestation" and demanded is None:
                continue
            kinds[kind] = {"proof_signing_alg_values_supported": list(algorithms)}
            if self.attestations and self.attestations.required:
                kinds[kind]["key_attestations_required"] = demanded
        return kinds

    def suites(self) -> Sequence[str]:
        """The cryptosuites of `di_vp`."""
        return [suite for suite, algorithm in SUITES.items() if algorithm in self.algorithms]


def _bad(description: str) -> CredentialRequestError:
    return CredentialRequestError("invalid_proof", description)


def proven_keys(
    proofs: object,
    rules: ProofRules,
    *,
    client_id: str,
    use_nonce: Callable[[str], bool],
    forgives: Callable[[str], bool] = lambda _: False,
) -> Sequence[HolderJwk]:
    """The public JWKs that a Credential Request's `proofs` prove possession of, or attest.

    Args:
        proofs: The request's member.
        rules: What they are checked against.
        client_id: What `iss` must be, where it is there; empty for an anonymous wallet.
        use_nonce: Uses up a `c_nonce`; False where it is not one of ours or was used.
        forgives: Whether to go on with what a rule of `leniency` names.

    Raises:
        CredentialRequestError: `invalid_proof`, `invalid_nonce`, `invalid_credential_request`.
    """
    kind, values = _only(proofs)
    if kind not in rules.supported():
        raise _bad("proofs of this type are not taken")
    if len(values) > (1 if kind == "attestation" else rules.batch_size):
        raise _bad("there are too many proofs")
    try:
        match kind:
            case "attestation" if rules.attestations:
                keys, nonce = rules.attestations.attested_keys(
                    values[0], rules.algorithms, in_proof=False
                )
                nonces: Sequence[object] = [nonce]
            case "di_vp":
                keys, nonces = _presented(values, rules)
            case _:
                keys, nonces = _proven(values, rules, client_id, forgives)
    except JwtError as error:
        raise _bad(str(error)) from None
    if not all(isinstance(nonce, str) for nonce in nonces):
        raise _bad("the c_nonce is missing")
    for nonce in sorted({str(nonce) for nonce in nonces}):
        if not use_nonce(nonce):
            raise CredentialRequestError("invalid_nonce", "the c_nonce is unknown, used or expired")
    return keys[: rules.batch_size]


def _presented(
    values: Sequence[object], rules: ProofRules
) -> tuple[Sequence[HolderJwk], Sequence[object]]:
    """Keys and nonces of proofs of type `di_vp`; an attestation cannot stand in them."""
    if rules.attestations and rules.attestations.required:
        raise _bad("a key attestation is needed")
    keys: list[HolderJwk] = []
    nonces: list[object] = []
    for value in values:
        key, nonce = presented(value, rules.suites(), domain=rules.credential_issuer)
        if key in keys:
            raise _bad("two proofs are by one key")
        keys.append(key)
        nonces.append(nonce)
    return keys, nonces


def _proven(
    tokens: Sequence[object], rules: ProofRules, client_id: str, forgives: Callable[[str], bool]
) -> tuple[Sequence[HolderJwk], Sequence[object]]:
    """Keys and nonces of proofs of type `jwt`; attested keys stand for their proof's own."""
    signers: list[HolderJwk] = []
    keys: dict[str, HolderJwk] = {}
    nonces: list[object] = []
    for token in tokens:
        signer, attested, found = _proof(token, rules, client_id, forgives)
        if signer in signers:
            raise _bad("two proofs are by one key")
        signers.append(signer)
        nonces += found
        keys |= {public_key(jwk).thumbprint(): jwk for jwk in attested or [signer]}
    return list(keys.values()), nonces


def _proof(
    token: object, rules: ProofRules, client_id: str, forgives: Callable[[str], bool]
) -> tuple[HolderJwk, Sequence[HolderJwk], Sequence[object]]:
    """The key that signed a proof, the keys that it attests, and the nonces in it."""
    header = header_of(token)
    typ = header.get("typ")
    if typ != TYP and not (typ == MISSPELT_TYP and forgives("proof_typ")):
        raise _bad("typ is not openid4vci-proof+jwt")
    key = _named_key(header, rules.binding_methods)
    claims = claims_of(str(token), key, algorithms=rules.algorithms)
    _check_claims(claims, rules.credential_issuer)
    if "iss" in claims and claims["iss"] != (client_id or None) and not forgives("proof_iss"):
        raise _bad("iss is not the client_id")
    signer = public_jwk(key.as_dict(private=False))
    if rules.attestations is None or "key_attestation" not in header:
        if rules.attestations and rules.attestations.required:
            raise _bad("a key attestation is needed")
        return signer, (), [claims.get("nonce")]
    attested, nonce = rules.attestations.attested_keys(
        header["key_attestation"], rules.algorithms, in_proof=True
    )
    if signer not in attested:
        raise _bad("the proof is not by an attested key")
    others = [jwk for jwk in attested if jwk != signer]
    return signer, [signer, *others], [claims.get("nonce"), nonce]


def _named_key(header: Mapping[str, Any], methods: Sequence[str]) -> PublicKey:
    """The key that exactly one of `jwk`, `kid` and `x5c` names (appendix F.1)."""
    method = "jwk" if "kid" not in header else ":".join(str(header["kid"]).split(":")[:2])
    if method not in methods:
        raise _bad("the key is named in a way that is not taken")
    match sorted({"jwk", "kid", "x5c"} & set(header)):
        case ["jwk"]:
            return public_key(header["jwk"])
        case ["kid"]:
            return public_key(jwk_of(header["kid"]))
        case ["x5c"]:
            return leaf_key(header["x5c"])
        case _:
            raise _bad("the header must name the key by exactly one of jwk, kid and x5c")


def _only(proofs: object) -> tuple[str, Sequence[object]]:
    """Type and values of `proofs`."""
    if proofs is None:
        raise _bad("proofs are missing")
    if not isinstance(proofs, dict) or len(proofs) != 1:
        raise CredentialRequestError(
            "invalid_credential_request", "proofs must have exactly one member"
        )
    [(kind, values)] = proofs.items()
    if not isinstance(values, list) or not values:
        raise _bad("proofs are not in an array")
    return kind, values


def _check_claims(claims: Mapping[str, Any], credential_issuer: str) -> None:
    if claims.get("aud") != credential_issuer:
        raise _bad("aud is not the Credential Issuer Identifier")
    issued_at, now = seconds(claims, "iat"), time.time()
    if issued_at is None:
        raise _bad("iat is missing")
    if not now - AGE_S <= issued_at <= now + AGE_S:
        raise _bad("iat is too far from now")
    check_times(claims)
    if claims.get("exp", now) < now - SKEW_S:
        raise _bad("the proof has expired")
