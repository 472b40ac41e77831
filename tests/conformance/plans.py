"""Which plans are run, with which choices.

Every flow of HAIP is run; without HAIP, each choice that is ours to make at least twice. Left out
are mutual TLS, signed request objects, ISO mdoc, and pre-authorized codes for attested clients at
our issuer: the suite's modules for wrong attestations want the refusal before there is a code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CODE, PRE_AUTHORIZED = "authorization_code", "pre_authorization_code"
OURSELVES, OFFERED = "wallet_initiated", "issuer_initiated"
KEYED, ATTESTED = "private_key_jwt", "client_attestation"
FLOW, OFFER = "vci_authorization_code_flow_variant", "vci_credential_offer_variant"
FORMAT = {"credential_format": "sd_jwt_vc"}
PID = "eu.europa.ec.eudi.pid.1"


@dataclass(frozen=True)
class Plan:
    """A plan of the suite.

    Attributes:
        name: Its name.
        variant: Its choices.
        module: A part of the names of the modules that are run.
        credential: What the wallet asks for, of what the suite has to give.
        issuer: Further settings of our issuer, as TOML.
        proof_type: The kind of key proof that the suite is to send.
    """

    name: str
    variant: Mapping[str, str]
    module: str = ""
    credential: str = PID
    issuer: str = ""
    proof_type: str = "jwt"

    @property
    def haip(self) -> bool:
        """Whether it is of HAIP."""
        return "haip" in self.name

    @property
    def grant(self) -> str:
        """The grant type."""
        return self.variant.get("vci_grant_type", CODE)

    @property
    def method(self) -> str:
        """How the wallet authenticates, by the method's registered name."""
        chosen = self.variant.get("client_auth_type", ATTESTED)
        return "attest_jwt_client_auth" if chosen == ATTESTED else chosen

    @property
    def by_details(self) -> bool:
        """Whether credentials are asked for by `authorization_details`."""
        return self.variant.get("authorization_request_type") == "rar"

    @property
    def title(self) -> str:
        """The name and all that was chosen."""
        fixed = ("credential_format", "fapi_profile", "sender_constrain", "fapi_request_method")
        chosen = [value for key, value in self.variant.items() if key not in fixed]
        special = "" if self.credential == PID else self.credential.removeprefix(f"{PID}.")
        proofs = "" if self.proof_type == "jwt" else f"proof_type_{self.proof_type}"
        settings = "".join(self.issuer.split()).replace('"', "")
        return " ".join(filter(None, [self.name, *chosen, special, proofs, settings]))


def _way(
    client: str,
    flow: str,
    request: str,
    grant: str,
    encryption: str,
    mode: str = "",
    offer: str = "",
) -> Mapping[str, str]:
    """Choices for a plan without HAIP; `mode` is for wallets."""
    chosen = {
        **FORMAT,
        "fapi_profile": "vci",
        "client_auth_type": client,
        "sender_constrain": "dpop",
        "fapi_request_method": "unsigned",
        FLOW: flow,
        "authorization_request_type": request,
        "vci_grant_type": grant,
        "vci_credential_encryption": encryption,
        "vci_credential_issuance_mode": mode,
        OFFER: offer,
    }
    return {name: value for name, value in chosen.items() if value}


def _haip(flow: str, **offer: str) -> Mapping[str, str]:
    return {**FORMAT, FLOW: flow, **offer}


ISSUER, ISSUER_HAIP = "oid4vci-1_0-issuer-test-plan", "oid4vci-1_0-issuer-haip-test-plan"
WALLET, WALLET_HAIP = "oid4vci-1_0-wallet-test-plan", "oid4vci-1_0-wallet-haip-test-plan"
OF_ISSUERS = "oid4vci-1_0-issuer"
OF_CREDENTIALS = "credential-issuance"
PLANS: Sequence[Plan] = [
    Plan(ISSUER_HAIP, _haip(OURSELVES)),
    Plan(ISSUER_HAIP, _haip(OFFERED)),
    Plan(ISSUER_HAIP, _haip(OURSELVES), OF_ISSUERS, proof_type="attestation"),
    Plan(ISSUER_HAIP, _haip(OURSELVES), OF_ISSUERS, issuer="key_attestations_required = true\n"),
    Plan(
        ISSUER_HAIP,
        _haip(OURSELVES),
        OF_ISSUERS,
        issuer='deferred = ["pid"]\napprove_after_s = 0\n',  # the suite asks once, at once
    ),
    Plan(ISSUER_HAIP, _haip(OURSELVES), OF_ISSUERS, issuer='unbound = ["pid"]\n'),
    Plan(ISSUER, _way(KEYED, OURSELVES, "simple", CODE, "plain")),
    Plan(ISSUER, _way(KEYED, OURSELVES, "rar", CODE, "encrypted")),
    Plan(ISSUER, _way(ATTESTED, OFFERED, "simple", CODE, "plain")),
    Plan(ISSUER, _way(KEYED, OFFERED, "simple", PRE_AUTHORIZED, "plain")),
    Plan(ISSUER, _way(KEYED, OFFERED, "rar", PRE_AUTHORIZED, "encrypted")),
    Plan(WALLET_HAIP, _haip(OURSELVES)),
    Plan(WALLET_HAIP, _haip(OFFERED, **{OFFER: "by_value"})),
    Plan(WALLET_HAIP, _haip(OFFERED, **{OFFER: "by_reference"})),
    *(
        Plan(WALLET_HAIP, _haip(OURSELVES), OF_CREDENTIALS, f"{PID}.{kind}")
        for kind in (
            "jwt.keyattest",
            "attestation",
            "attestation.keyattest",
            "jwt_and_attestation.keyattest",
            "nobinding",
        )
    ),
    Plan(WALLET, _way(KEYED, OURSELVES, "simple", CODE, "plain", "immediate")),
    Plan(WALLET, _way(ATTESTED, OURSELVES, "rar", CODE, "encrypted", "deferred")),
    Plan(WALLET, _way(KEYED, OFFERED, "simple", CODE, "encrypted", "immediate", "by_value")),
    Plan(WALLET, _way(ATTESTED, OFFERED, "rar", CODE, "plain", "deferred", "by_reference")),
    Plan(WALLET, _way(ATTESTED, OFFERED, "rar", PRE_AUTHORIZED, "plain", "immediate", "by_value")),
    Plan(
        WALLET,
        _way(KEYED, OFFERED, "simple", PRE_AUTHORIZED, "encrypted", "deferred", "by_reference"),
    ),
]
