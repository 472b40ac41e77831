"""What the wallet keeps and shows: frozen values without behaviour of any protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, get_args

from wallet.errors import WalletError
from wallet.report import Check as Check  # noqa: PLC0414
from wallet.report import Outcome as Outcome  # noqa: PLC0414
from wallet.report import Report as Report  # noqa: PLC0414
from wallet.report import Standing as Standing  # noqa: PLC0414
from wallet.report import Trust as Trust  # noqa: PLC0414

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

T = TypeVar("T")


class Secret(Generic[T]):
    """A value that never shows itself: printed, logged or formatted it is dots."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value: Final = value

    def reveal(self) -> T:
        """The value itself; call it where it is used, never where it is passed on."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(•••)"

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:  # noqa: ANN401
        """A secret in a model reads and writes as its value, for the encrypted store only."""
        from pydantic_core import core_schema  # noqa: PLC0415 - loaded by who has models

        value = core_schema.no_info_after_validator_function(cls, handler(get_args(source)[0]))
        return core_schema.union_schema(
            [core_schema.is_instance_schema(cls), value],
            serialization=core_schema.plain_serializer_function_ser_schema(cls.reveal),
        )


@dataclass(frozen=True)
class Image:
    """A picture that was checked and re-encoded by the wallet.

    Attributes:
        media_type: "image/png" or "image/jpeg".
        data: The encoded picture.
    """

    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class HolderKey:
    """A key the holder's vault made; the private half never leaves the vault.

    Attributes:
        key_id: The vault's name for it.
        algorithm: JOSE name, e.g. "ES256".
        public_jwk: RFC 7517, public members only.
    """

    key_id: str
    algorithm: str
    public_jwk: Mapping[str, str]


@dataclass(frozen=True)
class Copy:
    """One copy of a credential.

    Attributes:
        credential: The credential exactly as it was received.
        key_id: The holder key it is bound to; empty where it is bound to none.
    """

    credential: str = field(repr=False)
    key_id: str


@dataclass(frozen=True)
class StatusAnswer:
    """What was last heard of a credential's status.

    Attributes:
        standing: What the status list said.
        asked_at: When it was asked; aware, UTC.
        ask_again_at: When the answer is old; aware, UTC.
        reason: Why nobody could tell; empty where somebody could.
    """

    standing: Standing
    asked_at: datetime
    ask_again_at: datetime
    reason: str = ""


@dataclass(frozen=True)
class CredentialRecord:
    """A verified credential as the vault keeps it.

    Made by `wallet.engine.keep` from a verified credential only; a report with a failed check is
    refused here as well.

    Attributes:
        id: Random, URL-safe.
        format: Credential Format Identifier, e.g. "dc+sd-jwt".
        copies: The credential, once or several times, each bound to a key of its own.
        credential_issuer: Credential Issuer Identifier.
        credential_configuration_id: Key of the issuer's metadata.
        configuration: That credential configuration as it was then.
        issuer_display: The issuer's `display` array.
        claims: The processed claims, without the technical ones.
        images: Pictures named by the metadata (`logo`, `background_image`), by their URI.
        trusted_by: Name of the trust anchor, the domain or the DID its issuer is known by.
        received_at: Aware, UTC.
        expires_at: Aware, UTC; None where the credential does not expire.
        report: The verification it passed.
        trust: Why it is believed.
        status: Its reference to a status list, as it stands in the credential; {} without one.
        answer: What was last heard of it; None where nobody was asked.
        type_metadata: What its type says of display and claims, in the words of
            `credential_metadata`, which it goes before (section 12.2.4); {} without one.
        profile: What its issuer spoke, a name of `wallet.compat`.
        refused: Where it was verified again and refused, why: a code of `wallet.errors`. `report`
            is that verification's.
    """

    id: str
    format: str
    copies: tuple[Copy, ...]
    credential_issuer: str
    credential_configuration_id: str
    configuration: JsonObject = field(repr=False)
    issuer_display: Sequence[JsonObject] = field(repr=False)
    claims: JsonObject = field(repr=False)
    images: Mapping[str, Image] = field(repr=False)
    trusted_by: str
    received_at: datetime
    expires_at: datetime | None
    report: Report
    trust: Trust = Trust.ANCHORED
    status: JsonObject = field(default_factory=dict)
    answer: StatusAnswer | None = None
    type_metadata: JsonObject = field(default_factory=dict, repr=False)
    profile: str = "1.0"
    refused: str = ""

    def __post_init__(self) -> None:
        if self.report.passed is bool(self.refused) or not self.copies:
            message = "only a verified credential can be kept"
            raise ValueError(message)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The holder keys it is bound to."""
        return tuple(copy.key_id for copy in self.copies if copy.key_id)


@dataclass(frozen=True)
class TrustAnchor:
    """Somebody whose credentials the holder trusts, or said that they do not.

    Attributes:
        id: Its SHA-256 fingerprint in hexadecimal digits: of the certificate's DER, or of the
            issuer's identifier.
        kind: A certificate, of an authority or an issuer; or an issuer by its identifier.
        name: The certificate's name, or the identifier.
        value: The certificate as DER in base64, or the identifier, a URL or a DID.
        expires_at: The certificate's end; aware, UTC. None for an issuer.
        added_at: Aware, UTC; None for one that stands in a file of the settings.
        file: The file of the settings it stands in; empty for one that is in the store.
        trusted: Whether the holder trusts it. One that was offered and declined is kept, so that
            it is offered once.
    """

    id: str
    kind: Literal["certificate", "issuer"]
    name: str
    value: str
    expires_at: datetime | None
    added_at: datetime | None
    file: str = ""
    trusted: bool = True


@dataclass(frozen=True)
class Flow:
    """One issuance on its way: one row of the journal.

    Attributes:
        id: Random, URL-safe.
        key_ids: The holder keys it names; they are not deleted while it is there.
        document: Where it stands, as `wallet.engine.positions` writes it; full of secrets.
    """

    id: str
    key_ids: tuple[str, ...]
    document: JsonObject = field(repr=False)


@dataclass(frozen=True)
class Protection:
    """What opens the vault.

    Attributes:
        passphrase: Whether it takes a passphrase.
        keyring: Whether it takes the computer's keyring, alone or besides the passphrase.
        recovery: Whether there is a recovery code.
        recovery_confirmed: Whether the holder has shown that they wrote it down.
    """

    passphrase: bool
    keyring: bool
    recovery: bool
    recovery_confirmed: bool


@dataclass(frozen=True)
class PendingIssuance:
    """An issuance that is not over, as every face of the wallet shows it.

    Attributes:
        id: That of its `Flow`.
        look: How the credential presents itself; several are named one after the other.
        issuer: How the issuer presents itself.
        credential_issuer: Credential Issuer Identifier; empty where the row cannot be read.
        began_at: Aware, UTC; None where the row cannot be read.
        signs_in: Whether going on begins with a sign-in in the browser.
        readable: Whether the wallet can go on with it; otherwise it can only be dropped.
        ask_again_at: Where the issuer put it off, when it may be asked again; aware, UTC.
        has_come: Whether a credential has come that is to be verified and kept.
    """

    id: str
    look: "Look"
    issuer: "Look"
    credential_issuer: str
    began_at: datetime | None
    signs_in: bool
    readable: bool = True
    ask_again_at: datetime | None = None
    has_come: bool = False


@dataclass(frozen=True)
class Look:
    """How something presents itself: OpenID4VCI 1.0, `display` objects, in the holder's language.

    Attributes:
        name: Its name.
        description: Its description, or empty.
        background_color: "#rrggbb", or empty where the issuer gives none.
        text_color: "#rrggbb", or empty where the issuer gives none.
        logo: Its logo.
        background: Its background picture.
    """

    name: str
    description: str = ""
    background_color: str = ""
    text_color: str = ""
    logo: Image | None = None
    background: Image | None = None


@dataclass(frozen=True)
class Claim:
    """One claim as a holder reads it.

    Attributes:
        path: Claims path pointer (OpenID4VCI 1.0, Appendix C).
        label: The issuer's name for it, in the holder's language, or one made from the path.
        value: Text, a picture, or the claims below it.
    """

    path: tuple[str | int, ...]
    label: str
    value: "str | Image | tuple[Claim, ...]" = field(repr=False)


@dataclass(frozen=True)
class Card:
    """A stored credential as every face of the wallet shows it, without what was received."""

    id: str
    look: Look
    issuer: Look
    credential_issuer: str
    credential_configuration_id: str
    format: str
    type: str
    claims: tuple[Claim, ...]
    trusted_by: str
    received_at: datetime
    expires_at: datetime | None
    expired: bool
    copies: int
    report: Report
    trust: Trust = Trust.ANCHORED
    has_status: bool = False
    answer: StatusAnswer | None = None
    refused: str = ""


@dataclass(frozen=True)
class Failure:
    """One credential of an issuance that failed."""

    credential_configuration_id: str
    error: WalletError


@dataclass(frozen=True)
class Received:
    """What became of an issuance.

    Attributes:
        cards: What was stored or replaced.
        pending: What the issuer put off; None where that is nothing.
        failures: The credentials that failed while others did not.
    """

    cards: tuple[Card, ...]
    pending: PendingIssuance | None
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class CatalogueEntry:
    """A credential that an issuer has to give.

    Attributes:
        credential_configuration_id: Key of the issuer's metadata.
        format: Credential Format Identifier; empty where it cannot be read.
        look: How it presents itself.
        obstacle: Why this wallet cannot get it; None where it can.
    """

    credential_configuration_id: str
    format: str
    look: Look
    obstacle: WalletError | None


@dataclass(frozen=True)
class Catalogue:
    """What an issuer has to give.

    Attributes:
        issuer: How the issuer presents itself.
        credential_issuer: Credential Issuer Identifier.
        authorization_servers: Their identifiers, in the issuer's order.
        entries: In the issuer's order.
        obstacle: Why this wallet cannot get anything there by itself; None where it can.
    """

    issuer: Look
    credential_issuer: str
    authorization_servers: tuple[str, ...]
    entries: tuple[CatalogueEntry, ...]
    obstacle: WalletError | None
