"""Making one credential in the format of its configuration (OpenID4VCI 1.0, appendix A)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reference_servers.credential_issuer import jwt_vc, ldp_vc, mdoc, sd_jwt_vc
from reference_servers.credential_issuer.certificates import SigningKey
from reference_servers.credential_issuer.data_integrity import ProofKey, canonical
from reference_servers.credential_issuer.settings import Settings
from reference_servers.faults import Faults
from reference_servers.jwts import JwtError

ALGORITHMS: Final = "credential_signing_alg_values_supported"

Credential = str | Mapping[str, Any]
"""As it stands in a Credential Response: text, or a JSON object."""


def check_claims(configuration: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Whether claims can be issued by a configuration.

    Raises:
        ValueError: They cannot; says why.
    """
    match configuration["format"]:
        case "dc+sd-jwt":
            sd_jwt_vc.disclosable(claims)
        case "mso_mdoc":
            mdoc.elements(claims)
        case _:
            jwt_vc.subject_of(claims, None)
            if any("-jcs-" in suite for suite in map(str, configuration[ALGORITHMS])):
                _check_canonical(claims)


def _check_canonical(claims: Mapping[str, Any]) -> None:
    try:
        canonical(claims)
    except JwtError:
        message = "fractions are not issued with a JCS cryptosuite"
        raise ValueError(message) from None


@dataclass(frozen=True)
class Formats:
    """Makes credentials of every format.

    Attributes:
        settings: Of the issuer.
        key: The issuer's.
        document_signer: What signs mobile documents.
        proof_key: What Data Integrity proofs are made with.
        faults: What is made wrong on purpose: of SD-JWT VCs only.
    """

    settings: Settings
    key: SigningKey
    document_signer: mdoc.DocumentSigner
    proof_key: ProofKey
    faults: Faults

    def issue(
        self,
        configuration: Mapping[str, Any],
        claims: Mapping[str, Any],
        *,
        dates: tuple[int, int],
        holder_jwk: Mapping[str, str] | None,
        status: Mapping[str, Any],
    ) -> Credential:
        """A credential.

        Args:
            configuration: Of the metadata.
            claims: As `check_claims` takes them.
            dates: Since when and until when it is valid, in seconds.
            holder_jwk: The key it is bound to; None for none.
            status: The claim `status` as a member; empty where it has none.

        Raises:
            ValueError: The claims, or the key, do not fit the format.
        """
        url, (begins, ends) = self.settings.public_url, dates
        match configuration["format"]:
            case "mso_mdoc":
                return mdoc.issue(
                    claims,
                    doc_type=configuration["doctype"],
                    dates=dates,
                    holder_jwk=holder_jwk,
                    signer=self.document_signer,
                )
            case "ldp_vc":
                return ldp_vc.issue(
                    claims,
                    definition=configuration["credential_definition"],
                    dates=dates,
                    holder_jwk=holder_jwk,
                    key=self.proof_key,
                )
            case "jwt_vc_json" | "jwt_vc_json-ld":
                return jwt_vc.issue(
                    claims,
                    definition=configuration["credential_definition"],
                    registered={"iss": url, "nbf": begins, "exp": ends, **status},
                    holder_jwk=holder_jwk,
                    key=self.key,
                    issuer_key=self.settings.issuer_key,
                )
            case _:
                vct = configuration["vct"]
                return sd_jwt_vc.issue(
                    claims,
                    registered={"iss": url, "iat": begins, "exp": ends, "vct": vct, **status},
                    holder_jwk=holder_jwk,
                    key=self.key,
                    issuer_key=self.settings.issuer_key,
                    faults=self.faults,
                )


def can_have_status(configuration: Mapping[str, Any]) -> bool:
    """Whether its credentials can have a place in the Token Status List."""
    return configuration["format"] not in ("mso_mdoc", "ldp_vc")
