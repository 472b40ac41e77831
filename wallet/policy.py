"""What the wallet decides where a specification leaves the choice to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from wallet.compat import ProfileName

REPLY_LIMIT_BYTES: Final = 1_000_000
"""Largest answer of a peer; a credential with a portrait stays well below."""

OFFER_LIMIT_BYTES: Final = 64_000
"""Largest offer link; a QR code holds 2,953 bytes, a link from a browser may hold more."""

CREDENTIAL_LIMIT_BYTES: Final = 1_000_000
DISCLOSURES_LIMIT: Final = 2_000

CLOCK_SKEW_S: Final = 600
"""How far a peer's clock may be from ours."""

WAIT_LIMIT_S: Final = 86_400
"""The longest wait that a peer can ask for (`Retry-After`)."""


RETRY_S: Final = 60
"""How long the wallet waits before it asks again for something that could not be had just now."""

TRANSACTION_CODE_TRIES: Final = 5
"""How often the holder may type a transaction code that the server refuses."""

GrantType = Literal["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"]
PRE_AUTHORIZED_CODE: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


@dataclass(frozen=True)
class Policy:
    """The holder's choices for a run, from the settings.

    Attributes:
        languages: BCP 47 tags, best first.
        authorization_request: How a credential is asked for (OpenID4VCI 1.0, section 5.1).
        authorization_timeout_s: How long to wait for the browser.
        batch: How many copies of a credential to ask for, where the issuer gives several.
        signed_metadata: Whether issuers' metadata is to be signed (section 12.2.3): "auto" for
            where they can and the signer is trusted.
        unique_redirects: Whether each redirect has an address that nobody else knows.
        profiles: What issuers speak, by their identifiers; the others show it themselves.
        trust_policy: What becomes of a credential whose issuer no trust anchor vouches for:
            "ask" the holder, or keep "anchored" ones only.
    """

    languages: tuple[str, ...]
    authorization_request: Literal["auto", "scope", "authorization_details"]
    authorization_timeout_s: float
    batch: int
    signed_metadata: Literal["auto", "required", "never"]
    unique_redirects: bool = False
    profiles: Mapping[str, ProfileName] = field(default_factory=dict)
    trust_policy: Literal["ask", "anchored"] = "ask"
