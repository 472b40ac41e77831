"""Key attestations (OpenID4VCI 1.0, appendix D): who says how a wallet keeps its keys."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from reference_servers.chains import leaf_key
from reference_servers.jwts import JwtError, claims_of, header_of, public_jwk, public_key, seconds

TYP: Final = "key-attestation+jwt"
SKEW_S: Final = 60
LEVELS: Final = (
    "iso_18045_basic",
    "iso_18045_enhanced-basic",
    "iso_18045_moderate",
    "iso_18045_high",
)
"""Attack potential resistance, from weak to strong (appendix D.2)."""


@dataclass(frozen=True)
class KeyAttestations:
    """What is demanded of key attestations.

    Attributes:
        anchors: Whose attestations are taken.
        required: Whether a key proof needs one.
        key_storage: The resistances of which one, or a stronger one, is demanded; empty for any.
        user_authentication: The same for how the holder is authenticated.
    """

    anchors: Sequence[x509.Certificate]
    required: bool
    key_storage: Sequence[str]
    user_authentication: Sequence[str]

    def demands(self) -> Mapping[str, Sequence[str]]:
        """The member `key_attestations_required` of the metadata; empty lists are left out."""
        return {
            name: levels
            for name, levels in (
                ("key_storage", self.key_storage),
                ("user_authentication", self.user_authentication),
            )
            if levels
        }

    def attested_keys(
        self, token: object, algorithms: Sequence[str], *, in_proof: bool
    ) -> tuple[Sequence[Mapping[str, str]], object]:
        """The public JWKs that an attestation attests, and its `nonce`.

        Args:
            token: The attestation.
            algorithms: What it may be signed with.
            in_proof: Whether it stands in the header of a `jwt` proof; it needs `exp` there.

        Raises:
            JwtError: It is broken, out of date, of a stranger, or attests too little.
        """
        header = header_of(token)
        if header.get("typ") != TYP:
            raise JwtError("typ of the key attestation is not key-attestation+jwt")
        issuer = leaf_key(header.get("x5c"), self.anchors)
        claims = claims_of(str(token), issuer, algorithms=algorithms)
        now, issued_at, expires_at = time.time(), seconds(claims, "iat"), seconds(claims, "exp")
        if issued_at is None or issued_at > now + SKEW_S:
            raise JwtError("iat of the key attestation is missing or in the future")
        if expires_at is None and (in_proof or "exp" in claims):
            raise JwtError("exp of the key attestation is missing")
        if expires_at is not None and expires_at < now - SKEW_S:
            raise JwtError("the key attestation has expired")
        for name, levels in self.demands().items():
            if not _reaches(claims.get(name), levels):
                raise JwtError(f"{name} of the key attestation is too weak")
        keys = claims.get("attested_keys")
        if not isinstance(keys, list) or not keys:
            raise JwtError("attested_keys is not an array of keys")
        for key in keys:
            public_key(key)
        return [public_jwk(key) for key in keys], claims.get("nonce")


def _reaches(attested: object, demanded: Sequence[str]) -> bool:
    """Whether one of the attested levels is demanded, or stronger than one that is."""
    given: Sequence[object] = attested if isinstance(attested, list) else ()
    known = [LEVELS.index(level) for level in demanded if level in LEVELS]
    return any(
        level in demanded or (level in LEVELS and known and LEVELS.index(level) >= min(known))
        for level in map(str, given)
    )
