"""Issuing W3C credentials with Data Integrity proofs (Verifiable Credentials Data Model 2.0)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from reference_servers.credential_issuer.data_integrity import ProofKey, secured
from reference_servers.credential_issuer.jwt_vc import subject_of

CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"


def issue(
    claims: Mapping[str, Any],
    *,
    definition: Mapping[str, Any],
    dates: tuple[int, int],
    holder_jwk: Mapping[str, str] | None,
    key: ProofKey,
) -> Mapping[str, Any]:
    """A W3C credential with a proof.

    Args:
        claims: Of the subject.
        definition: `@context` and `type` (OpenID4VCI 1.0, appendix A.1.2).
        dates: Since when and until when it is valid, in seconds.
        holder_jwk: The key it is bound to; None for none.
        key: The issuer's.

    Raises:
        ValueError: A claim has a reserved name.
        JwtError: The claims have no canonical form.
    """
    begins, ends = (datetime.fromtimestamp(seconds, UTC) for seconds in dates)
    return secured(
        {
            **definition,
            "id": f"urn:uuid:{uuid4()}",
            "issuer": key.controller,
            "validFrom": f"{begins:%Y-%m-%dT%H:%M:%SZ}",
            "validUntil": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "credentialSubject": subject_of(claims, holder_jwk),
        },
        key,
    )
