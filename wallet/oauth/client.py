"""Who the wallet is at an authorization server (RFC 6749, section 2)."""

from pydantic import BaseModel, ConfigDict

from wallet.oauth.client_authentication import Authentication
from wallet.records import HolderKey


class Client(BaseModel):
    """The wallet as one authorization server knows it, for one issuance.

    Attributes:
        client_id: OAuth client identifier (RFC 6749, section 2.2); empty for a client that stays
            anonymous, as a pre-authorized code may allow (OpenID4VCI 1.0, section 6.1).
        authentication: How it authenticates.
        instance_key: The key that its client attestations are bound to; None without these.
        dpop_key: The key that its access tokens are bound to; None for bearer tokens.
        bearer_taken: Whether a bearer token is taken although one bound to `dpop_key` was asked
            for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    client_id: str
    authentication: Authentication = "none"
    instance_key: HolderKey | None = None
    dpop_key: HolderKey | None = None
    bearer_taken: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The holder keys it names, by their ids; they live as long as the issuance."""
        own = (self.instance_key, self.dpop_key)
        return tuple(dict.fromkeys(key.key_id for key in own if key is not None))
