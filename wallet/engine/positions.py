"""Where an issuance stands, as the journal keeps it.

Each position is committed before the request that uses its secrets is sent, and each answer before
it is parsed. So after any kill the wallet knows what it had and what it may have lost.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from wallet.engine.past_positions import of_today
from wallet.errors import LocalFailure
from wallet.oauth.client import Client
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.authorization import AuthorizationRequest
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.openid4vci.notification import Event
from wallet.openid4vci.offer import CredentialOffer, Grant, grants_of
from wallet.policy import GrantType
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
    """The holder agreed.

    Attributes:
        began_at: Aware, UTC.
        offer: The offer, as read.
        grant_type: The grant the holder chose.
        issuer: The issuer's metadata.
        server: The chosen authorization server's metadata.
        client: Who the wallet is at that server.
        credential_configuration_ids: The credentials the holder chose; never empty.
        images: Every picture of the review, by its URI.
    """

    stage: Literal["consent"] = "consent"
    began_at: datetime
    offer: CredentialOffer
    grant_type: GrantType = "authorization_code"
    issuer: IssuerMetadata
    server: ServerMetadata
    client: Client
    credential_configuration_ids: tuple[str, ...]
    images: Mapping[str, Image] = Field(repr=False)

    @property
    def grant(self) -> Grant:
        """The grant the holder chose, as the offer has it."""
        return next(one for one in grants_of(self.offer) if one.grant_type == self.grant_type)


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


class PreAuthorized(_Position):
    """The pre-authorized code may have been redeemed, and is good for once.

    Attributes:
        consent: What was agreed to, with the code in its grant.
        transaction_code: What the holder typed; None where the offer asks for none.
        refused: How many codes the server has refused.
    """

    stage: Literal["pre_authorized"] = "pre_authorized"
    consent: Consent
    transaction_code: Secret[str] | None
    refused: int = 0


class Wanted(_Position):
    """A credential that is still to be asked for.

    Attributes:
        credential_configuration_id: What it is.
        credential_identifier: From the token response; None where there was none.
        replaces: The record that it is to replace; None for a new one.
    """

    state: Literal["wanted"] = "wanted"
    credential_configuration_id: str
    credential_identifier: str | None
    replaces: str | None = None


class Asking(_Position):
    """Its holder keys are made; the credential request may have been sent.

    Attributes:
        wanted: What is asked for.
        keys: Those of the key proofs; none for a credential without key binding.
    """

    state: Literal["asking"] = "asking"
    wanted: Wanted
    keys: tuple[HolderKey, ...]


class Deferred(_Position):
    """The issuer put it off (section 9).

    Attributes:
        asking: The request that was put off.
        transaction_id: What the issuer knows it by.
        ask_again_at: Aware, UTC; not to be asked for before.
    """

    state: Literal["deferred"] = "deferred"
    asking: Asking
    transaction_id: str = Field(repr=False)
    ask_again_at: datetime


class Issued(_Position):
    """The issuer answered; nothing of it is believed yet.

    Attributes:
        asking: The request it answers, or that was put off.
        transaction_id: Where it answers a deferred request; None otherwise.
        answer: Exactly as received.
    """

    state: Literal["issued"] = "issued"
    asking: Asking
    transaction_id: str | None = Field(default=None, repr=False)
    answer: HttpResponse = Field(repr=False)


class Notice(_Position):
    """What the issuer still has to be told (section 11)."""

    notification_id: str
    event: Event


class Kept(_Position):
    """It is in the store.

    Attributes:
        wanted: What was asked for.
        credential_id: The record's id.
        notice: What the issuer has to be told; None where it wants nothing or knows.
    """

    state: Literal["kept"] = "kept"
    wanted: Wanted
    credential_id: str
    notice: Notice | None


class Lost(_Position):
    """There will be none.

    Attributes:
        wanted: What was asked for.
        code: Why, a code of `wallet.errors`.
        notice: As in `Kept`.
        told: Whether the holder knows.
    """

    state: Literal["lost"] = "lost"
    wanted: Wanted
    code: str
    notice: Notice | None
    told: bool = False


Progress: TypeAlias = Wanted | Asking | Deferred | Issued | Kept | Lost
"""How far one credential is."""


class Authorized(_Position):
    """The token endpoint answered; the credentials come one after the other.

    Attributes:
        consent: What was asked for.
        answer: Exactly as received.
        refresh_token: The one that got this answer; it stays good where the answer has no other.
        refreshable: Whether no refresh token was refused.
        credentials: How far each is; empty as long as the answer was not read.
    """

    stage: Literal["authorized"] = "authorized"
    consent: Consent
    answer: HttpResponse = Field(repr=False)
    refresh_token: Secret[str] | None = None
    refreshable: bool = True
    credentials: tuple[Annotated[Progress, Field(discriminator="state")], ...] = ()

    def at(self, place: int, progress: Progress) -> "Authorized":
        """The same with one credential further on."""
        before, after = self.credentials[:place], self.credentials[place + 1 :]
        return self.model_copy(update={"credentials": (*before, progress, *after)})


class Refreshing(_Position):
    """The refresh token may have been used.

    Attributes:
        authorized: What it is to authorize anew.
        refresh_token: The token.
    """

    stage: Literal["refreshing"] = "refreshing"
    authorized: Authorized
    refresh_token: Secret[str]


Position: TypeAlias = Consent | Asked | Redirected | PreAuthorized | Authorized | Refreshing

_POSITIONS: Final[TypeAdapter[Position]] = TypeAdapter(
    Annotated[Position, Field(discriminator="stage")]
)


def consent_of(position: Position) -> Consent:
    """What the holder agreed to, wherever the issuance stands."""
    match position:
        case Consent():
            return position
        case Asked() | Authorized() | PreAuthorized():
            return position.consent
        case Redirected():
            return position.asked.consent
        case Refreshing():
            return position.authorized.consent


def credentials_of(position: Position) -> Sequence[Progress]:
    """How far each credential is; empty before the token endpoint answered."""
    match position:
        case Authorized():
            return position.credentials
        case Refreshing():
            return position.authorized.credentials
        case _:
            return ()


def wanted_of(progress: Progress) -> Wanted:
    """What was asked for, however far it is."""
    match progress:
        case Wanted():
            return progress
        case Asking() | Kept() | Lost():
            return progress.wanted
        case Deferred() | Issued():
            return progress.asking.wanted


def keys_of(progress: Progress) -> tuple[HolderKey, ...]:
    """The holder keys that no record names yet."""
    match progress:
        case Asking():
            return progress.keys
        case Deferred() | Issued():
            return progress.asking.keys
        case Wanted() | Kept() | Lost():
            return ()


def flow_of(flow_id: str, position: Position) -> Flow:
    """The journal's row of a position."""
    keys = [key.key_id for one in credentials_of(position) for key in keys_of(one)]
    key_ids = (*consent_of(position).client.keys, *keys)
    return Flow(flow_id, key_ids, json.loads(_POSITIONS.dump_json(position)))


def position_of(flow: Flow) -> Position:
    """The position of a journal's row.

    Raises:
        LocalFailure: `store_damaged` where this wallet cannot read it.
    """
    try:
        return _POSITIONS.validate_json(json.dumps(of_today(flow.document)))
    except ValidationError as error:
        detail = f"flow {flow.id}: {error.error_count()} members cannot be read"
    raise LocalFailure("store_damaged", detail)
