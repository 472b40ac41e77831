"""Who the wallet is at an authorization server (RFC 6749, section 2)."""

from pydantic import BaseModel, ConfigDict


class Client(BaseModel):
    """The wallet as one authorization server knows it, for one issuance.

    Attributes:
        client_id: OAuth client identifier (RFC 6749, section 2.2); empty for a client that stays
            anonymous, as a pre-authorized code may allow (OpenID4VCI 1.0, section 6.1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    client_id: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The holder keys it names, by their ids; they live as long as the issuance."""
        return ()
