"""Where an issuance stands, as the journal keeps it.

Each position is committed before the request that uses its secrets is sent, and each answer before
it is parsed. So after any kill the wallet knows what it had and what it may have lost.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from wallet.errors import LocalFailure
from wallet.oauth.client import Client
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.authorization import AuthorizationRequest
from wallet.openid4vci.issuer_metadata import CredentialConfiguration, IssuerMetadata
from wallet.openid4vci.offer import CredentialOffer
from wallet.ports import HttpResponse
from wallet.records import Flow, HolderKey, Image, Secret


class _Position(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        ser_json_bytes="base64",
        val_json_bytes="base64",
        hide_input_in_errors=True,
    )


class Consent(_Position):
    """The holder agreed to one credential.

    Attributes:
        began_at: Aware, UTC.
        offer: The offer, as read.
        issuer: The issuer's metadata.
        server: The chosen authorization server's metadata.
        client: Who the wallet is at that server.
        credential_configuration_id: The credential the holder chose.
        images: Every picture of the review, by its URI.
    """

    stage: Literal["consent"] = "consent"
    began_at: datetime
    offer: CredentialOffer
    issuer: IssuerMetadata
    server: ServerMetadata
    client: Client
    credential_configuration_id: str
    images: Mapping[str, Image] = Field(repr=False)

    @property
    def configuration(self) -> CredentialConfiguration:
        """The configuration of the credential."""
        return self.issuer.configuration(self.credential_configuration_id)


class Asked(_Position):
    """The authorization request may have been sent; the browser is waited for.

    Attributes:
        consent: What is asked for.
        request: With its state and its PKCE verifier.
    """

    stage: Literal["asked"] = "asked"
    consent: Consent
    request: AuthorizationRequest


class Redirected(_Position):
    """The browser brought an authorization code; it may have been redeemed, and is good for once.

    Attributes:
        asked: The request it answers.
        code: The code.
    """

    stage: Literal["redirected"] = "redirected"
    asked: Asked
    code: Secret[str]


class Authorized(_Position):
    """The token endpoint answered.

    Attributes:
        consent: What was asked for.
        answer: Exactly as received.
    """

    stage: Literal["authorized"] = "authorized"
    consent: Consent
    answer: HttpResponse = Field(repr=False)


class Asking(_Position):
    """The holder keys are made; the credential request may have been sent.

    Attributes:
        authorized: The right to ask.
        keys: Those of the key proofs; none for a credential without key binding.
    """

    stage: Literal["asking"] = "asking"
    authorized: Authorized
    keys: tuple[HolderKey, ...]


class Issued(_Position):
    """The issuer answered the credential request; nothing of it is believed yet.

    Attributes:
        asking: The request it answers.
        answer: Exactly as received.
    """

    stage: Literal["issued"] = "issued"
    asking: Asking
    answer: HttpResponse = Field(repr=False)


class Kept(_Position):
    """The credential is in the store; the issuer may still have to be told (section 11).

    Attributes:
        authorized: The right to tell.
        credential_id: The record's id.
        notification_id: What the issuer wants to hear of; None where it asked for nothing.
    """

    stage: Literal["kept"] = "kept"
    authorized: Authorized
    credential_id: str
    notification_id: str | None


Position: TypeAlias = Consent | Asked | Redirected | Authorized | Asking | Issued | Kept

_POSITIONS: Final[TypeAdapter[Position]] = TypeAdapter(
    Annotated[Position, Field(discriminator="stage")]
)


def consent_of(position: Position) -> Consent:
    """What the holder agreed to, wherever the issuance stands."""
    match position:
        case Consent():
            return position
        case Asked() | Authorized():
            return position.consent
        case Redirected():
            return position.asked.consent
        case Asking() | Kept():
            return position.authorized.consent
        case Issued():
            return position.asking.authorized.consent


def flow_of(flow_id: str, position: Position) -> Flow:
    """The journal's row of a position."""
    keys: tuple[HolderKey, ...] = ()
    if isinstance(position, Asking):
        keys = position.keys
    elif isinstance(position, Issued):
        keys = position.asking.keys
    key_ids = (*consent_of(position).client.keys, *(key.key_id for key in keys))
    document = json.loads(_POSITIONS.dump_json(position))
    return Flow(flow_id, key_ids, document)


def position_of(flow: Flow) -> Position:
    """The position of a journal's row.

    Raises:
        LocalFailure: `store_damaged` where this wallet cannot read it.
    """
    try:
        return _POSITIONS.validate_json(json.dumps(flow.document))
    except ValidationError as error:
        detail = f"flow {flow.id}: {error.error_count()} members cannot be read"
    raise LocalFailure("store_damaged", detail)
