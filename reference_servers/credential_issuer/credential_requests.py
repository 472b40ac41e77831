"""Credential Requests: which credential, bound to which keys, answered how (section 8.2)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reference_servers.credential_issuer.access_tokens import AccessToken
from reference_servers.credential_issuer.encryption import Encryption, Recipient
from reference_servers.credential_issuer.errors import AccessTokenError, CredentialRequestError
from reference_servers.credential_issuer.key_proofs import HolderJwk, ProofRules, proven_keys
from reference_servers.credential_issuer.leniency import Leniency
from reference_servers.credential_issuer.mdoc import CURVE

TYPES: Final = ("vct", "doctype", "credential_definition")
"""What says a credential's type, each in some formats (appendix A)."""


@dataclass(frozen=True)
class Wanted:
    """What a request asks for.

    Attributes:
        configuration: Key of the metadata's configurations.
        holder_jwks: One credential each; None stands for one that is bound to no key.
        recipient: For whom the response is encrypted; None where it is not.
        singular: Whether the wallet knows the drafts' `credential` only.
    """

    configuration: str
    holder_jwks: Sequence[HolderJwk | None]
    recipient: Recipient | None
    singular: bool


class CredentialRequests:
    """Reads them against the metadata."""

    def __init__(
        self,
        configurations: Mapping[str, Mapping[str, Any]],
        rules: ProofRules,
        encryption: Encryption,
        leniency: Leniency,
        use_nonce: Callable[[str], bool],
    ) -> None:
        self._configurations = configurations
        self._rules = rules
        self._encryption = encryption
        self._leniency = leniency
        self._use_nonce = use_nonce

    def read(self, token: AccessToken, media_type: str, body: bytes) -> Wanted:
        """What a request asks for, once it is allowed and its proofs are good.

        Raises:
            CredentialRequestError: With the code of section 8.3.1.2.
            AccessTokenError: The token is for something else.
        """
        asked = json_object(self._encryption.opened(media_type, body))
        configuration = self._configuration(token, asked)
        recipient = self._encryption.recipient(media_type, asked)
        if "proof_types_supported" not in self._configurations[configuration]:
            return Wanted(configuration, [None], recipient, singular=False)
        proofs, singular = self._proofs(token, asked)
        keys = proven_keys(
            proofs,
            self._rules,
            client_id=token.client_id,
            use_nonce=self._use_nonce,
            forgives=lambda rule: self._leniency.forgives(rule, token.client_id),
        )
        mobile = self._configurations[configuration]["format"] == "mso_mdoc"
        if mobile and any(jwk.get("crv") != CURVE for jwk in keys):
            raise CredentialRequestError(
                "invalid_proof", f"a mobile document is bound to a key of {CURVE}"
            )
        return Wanted(configuration, keys, recipient, singular)

    def _configuration(self, token: AccessToken, asked: Mapping[str, Any]) -> str:
        """The configuration that is asked for, if the token allows it."""
        by_identifier = "credential_identifier" in asked
        name = asked.get("credential_configuration_id")
        if not by_identifier and "credential_configuration_id" not in asked:
            name = self._drafts_name(token, asked)
        if by_identifier == (name is not None):
            raise CredentialRequestError(
                "invalid_credential_request",
                "exactly one of credential_identifier and credential_configuration_id is needed",
            )
        if by_identifier:
            for detail in token.authorization_details:
                if asked["credential_identifier"] in detail.get("credential_identifiers", []):
                    return str(detail["credential_configuration_id"])
            raise CredentialRequestError(
                "unknown_credential_identifier", "the access token does not name it"
            )
        if not isinstance(name, str) or name not in self._configurations:
            raise CredentialRequestError(
                "unknown_credential_configuration", "this issuer has no such configuration"
            )
        if token.authorization_details:
            granted = {one["credential_configuration_id"] for one in token.authorization_details}
            if name in granted and self._leniency.forgives("unused_identifier", token.client_id):
                return name
            raise CredentialRequestError(
                "invalid_credential_request", "a credential_identifier was given: use it"
            )
        if self._configurations[name]["scope"] not in token.scopes:
            raise AccessTokenError("insufficient_scope", "the access token is for other scopes")
        return name

    def _drafts_name(self, token: AccessToken, asked: Mapping[str, Any]) -> str | None:
        """The configuration that the drafts' members mean, where that is forgiven."""
        for name, configuration in self._configurations.items():
            same_format = asked.get("format") in ("vc+sd-jwt", configuration["format"])
            if same_format and all(
                asked.get(member) == configuration[member]
                for member in TYPES
                if member in configuration
            ):
                return name if self._leniency.forgives("format", token.client_id) else None
        return None

    def _proofs(self, token: AccessToken, asked: Mapping[str, Any]) -> tuple[object, bool]:
        """`proofs`, or the drafts' `proof` in their form, and whether it was that."""
        drafts = asked.get("proof")
        if "proofs" in asked or not isinstance(drafts, dict) or drafts.get("proof_type") != "jwt":
            return asked.get("proofs"), False
        if not self._leniency.forgives("singular_proof", token.client_id):
            return None, False
        return {"jwt": [drafts.get("jwt")]}, True


def json_object(value: object) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        CredentialRequestError: It is none.
    """
    if not isinstance(value, dict):
        raise CredentialRequestError(
            "invalid_credential_request", "the body is not a JSON object as application/json"
        )
    return value
