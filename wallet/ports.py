"""The handful of ways in which the engine reaches the outside world.

Each port is a small protocol; `wallet.app` hands in the adapters, tests hand in their own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import Protocol

from wallet.policy import GrantType
from wallet.records import (
    CredentialRecord,
    Flow,
    HolderKey,
    Image,
    JsonObject,
    Look,
    Report,
    Secret,
    StatusAnswer,
    Trust,
    TrustAnchor,
)
from wallet.steps import Step


@dataclass(frozen=True)
class Contact:
    """Whom the wallet is about to contact, before it does (OpenID4VCI 1.0, section 13.5).

    Attributes:
        host: The host as a person reads it, with its port where it is not the default.
        url: What will be fetched first: the `credential_offer_uri`, or the issuer itself.
    """

    host: str
    url: str


@dataclass(frozen=True)
class OfferedCredential:
    """One credential of an offer, as the holder reviews it."""

    credential_configuration_id: str
    format: str
    look: Look
    claims: tuple[str, ...]
    """Labels of the claims that will be issued, in the issuer's order."""


@dataclass(frozen=True)
class Way:
    """A way in which the authorization server may let the wallet in.

    Attributes:
        grant_type: The grant (OpenID4VCI 1.0, section 4.1.1).
        host: Where the holder signs in, or who gets the offer's code.
        transaction_code: Whether the holder has to type a code that came by another way.
    """

    grant_type: GrantType
    host: str
    transaction_code: bool

    @property
    def signs_in(self) -> bool:
        """Whether the holder signs in, in the browser."""
        return self.grant_type == "authorization_code"


@dataclass(frozen=True)
class OfferReview:
    """What the holder agrees to, or not.

    Attributes:
        issuer: How the issuer presents itself.
        credential_issuer: Credential Issuer Identifier.
        issuer_host: Its host, with its port where it is not the default.
        ways: How the wallet can be let in, the one with the least effort first; never empty.
        credentials: What is offered; never empty.
        tolerated: What the wallet let pass so far, by the names of the rules for older drafts and
            for vendors.
    """

    issuer: Look
    credential_issuer: str
    issuer_host: str
    ways: tuple[Way, ...]
    credentials: tuple[OfferedCredential, ...]
    tolerated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What the holder accepts of an offer.

    Attributes:
        credential_configuration_ids: At least one of those offered.
        grant_type: That of one of the ways.
    """

    credential_configuration_ids: tuple[str, ...]
    grant_type: GrantType


@dataclass(frozen=True)
class TransactionCode:
    """A code that the holder has to type (OpenID4VCI 1.0, section 4.1.1).

    Attributes:
        host: Who will get it.
        numeric: Whether it is all digits.
        length: How many characters it has; None where the offer does not say.
        description: How the holder gets it, in the issuer's words; may be empty.
        refused: Whether another one was refused just now.
    """

    host: str
    numeric: bool
    length: int | None
    description: str
    refused: bool

    def is_fit(self, text: str) -> bool:
        """Whether `text` can be the code; one that cannot may cost the offer, so it stays here."""
        digits = text.isascii() and text.isdigit()
        return bool(text) and (digits or not self.numeric) and self.length in (None, len(text))


@dataclass(frozen=True)
class Verdict:
    """What the wallet found out of a credential whose issuer no trust anchor vouches for.

    Attributes:
        look: How the credential presents itself.
        issuer: How the Credential Issuer presents itself.
        issuer_host: Its host, with its port where it is not the default.
        trust: The level; of several copies the worst.
        trusted_by: The URL or DID the credential's issuer is known by; may be empty.
        reasons: Why it is no better level.
        report: The checks; none failed.
    """

    look: Look
    issuer: Look
    issuer_host: str
    trust: Trust
    trusted_by: str
    reasons: tuple[str, ...]
    report: Report


class Holder(Protocol):
    """The person, as the engine asks them. A face implements it with screens or prompts."""

    async def may_contact(self, contact: Contact) -> None:
        """Return when the holder agrees to contact this host; raise `HolderDeclined` otherwise."""

    async def choose(self, review: OfferReview) -> Choice:
        """What the holder accepts; raise `HolderDeclined` if nothing."""

    async def transaction_code(self, asked: TransactionCode) -> Secret[str]:
        """The code the holder types, fit for what is asked; raise `HolderDeclined` if none."""

    async def judge(self, verdict: Verdict) -> None:
        """Return when the holder keeps the credential all the same; raise `HolderDeclined` if not.

        Raises `LocalFailure("decision_needed")` where nobody is there: it is asked again later.
        """

    def entered(self, step: Step) -> None:
        """Tell the holder that this step has begun."""

    async def sign_in(self, url: Secret[str]) -> None:
        """Send the holder to this authorization URL, in the system browser.

        Returns as soon as the holder has the URL. Raises `LocalFailure("browser_failed")`.
        """


class Redirect(Protocol):
    """An open loopback redirect (RFC 8252, section 7.3) that waits for one answer."""

    @property
    def redirect_uri(self) -> str:
        """Where the authorization server sends the browser back to."""

    async def answer(self, judge: Callable[[str], None], timeout_s: float) -> Secret[str]:
        """Wait for the browser and return the query it came with.

        `judge` reads the query and raises if it must be refused; the page shown in the browser
        says which it was. Its error is raised here.

        Raises:
            LocalFailure: `authorization_timeout`.
        """


class Redirects(Protocol):
    """Opens loopback redirects; each lives as long as its context."""

    def open(self) -> AbstractAsyncContextManager[Redirect]:
        """A redirect on a free port with a random path."""


@dataclass(frozen=True)
class HttpResponse:
    """An answer within all limits: no redirect, size and time bounded.

    Attributes:
        url: What was asked.
        status: HTTP status code.
        headers: Lower-case names.
        body: At most the limit's bytes.
    """

    url: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The `Content-Type` without its parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Http(Protocol):
    """The one guarded way to the network."""

    def check(self, url: str) -> None:
        """Raise what `get` would raise for `url` without asking anybody, not even a resolver.

        Raises:
            PeerBrokeProtocol: `insecure_url`, `forbidden_address`, `response_malformed`.
        """

    async def get(self, url: str, *, accept: str) -> HttpResponse:
        """GET `url`.

        Raises:
            Unreachable: `unreachable`, `timed_out`, `tls_failed`.
            PeerBrokeProtocol: as `check`, and `forbidden_address` for what the host resolves to,
                `redirected`, `response_too_large`, `response_malformed`.
        """

    async def post(
        self,
        url: str,
        *,
        body: bytes = b"",
        content_type: str = "",
        accept: str = "application/json",
        headers: Mapping[str, Secret[str]] = MappingProxyType({}),
    ) -> HttpResponse:
        """POST `body` with further headers; errors as `get`."""

    async def image(self, url: str) -> Image | None:
        """A picture by `https` or `data` URI, checked and re-encoded; None if it can't be had."""


class HolderKeys(Protocol):
    """The holder's keys; private halves stay behind this port."""

    async def create_key(self, algorithm: str) -> HolderKey:
        """A fresh key for `algorithm` ("ES256", "ES384", "Ed25519" or its older name "EdDSA").

        Committed before it is returned.
        """

    async def sign(self, key_id: str, message: bytes) -> bytes:
        """A JOSE signature over `message` (for ES256: r and s, 64 bytes)."""

    async def public_key(self, key_id: str) -> Mapping[str, str]:
        """The public JWK of a holder key."""


class SigningKey(Protocol):
    """A key from a file, that others know as this wallet's or its provider's."""

    @property
    def algorithm(self) -> str:
        """JOSE name of what it signs with."""

    @property
    def kid(self) -> str | None:
        """What others know it by; None where its file does not say."""

    def sign(self, message: bytes) -> bytes:
        """A JOSE signature over `message`."""


class WalletProvider(Protocol):
    """Who vouches for this wallet and its keys (OpenID4VCI 1.0, appendices D and E)."""

    async def client_attestation(self, key: HolderKey, client_id: str) -> Secret[str]:
        """A client attestation for the wallet that has `key`.

        Raises:
            Unreachable, PeerRefused, PeerBrokeProtocol: The provider's answer is not one.
        """

    async def key_attestation(
        self,
        keys: Sequence[HolderKey],
        *,
        nonce: Secret[str] | None,
        required: JsonObject,
        algorithms: Sequence[str],
    ) -> Secret[str]:
        """A key attestation for `keys`; raises as `client_attestation`.

        Args:
            keys: Of this wallet.
            nonce: The issuer's `c_nonce`.
            required: `key_attestations_required` of the issuer's metadata.
            algorithms: What the issuer lets it be signed with.
        """

    async def key_certificates(self, key: HolderKey) -> tuple[bytes, ...]:
        """Certificates of `key` (DER), its own first, without the trust anchor.

        Raises:
            Unsupported: `proof_unsupported` where this provider certifies no keys.
            Unreachable, PeerRefused, PeerBrokeProtocol: As `client_attestation`.
        """


class Records(Protocol):
    """The credentials in the encrypted store."""

    async def add(self, record: CredentialRecord) -> None:
        """Commit `record`; durable when this returns."""

    async def all(self) -> tuple[CredentialRecord, ...]:
        """Every record, newest first."""

    async def get(self, credential_id: str) -> CredentialRecord:
        """One record. Raises `LocalFailure("credential_not_found")`."""

    async def hear(self, credential_id: str, answer: StatusAnswer) -> None:
        """Keep with a record what was heard of its status; no error where it is gone."""

    async def judged(self, record: CredentialRecord) -> None:
        """Keep with a record what another verification came to; no error where it is gone."""

    async def remove(self, credential_id: str) -> None:
        """Remove the record and its key for good; raises as `get`."""


class TrustAnchors(Protocol):
    """Whom the holder trusts, in the encrypted store."""

    async def anchors(self) -> tuple[TrustAnchor, ...]:
        """Every one, also those that were declined, in the order they were added."""

    async def trust(self, anchors: tuple[TrustAnchor, ...]) -> None:
        """Keep them, in place of older ones of their ids."""

    async def distrust(self, anchor_id: str) -> None:
        """Remove one. Raises `LocalFailure("trust_anchor_not_found")`."""


class Flows(Protocol):
    """The journal: one row for each issuance on its way, in the encrypted store."""

    async def save(self, flow: Flow) -> None:
        """Commit a row, in place of an older one of that id; durable when this returns.

        The keys go that only the older one named.
        """

    async def keep(self, record: CredentialRecord, flow: Flow) -> None:
        """Commit a credential and its issuance's row, both or none.

        A credential of that id is replaced, and the keys go that nothing names any longer.
        """

    async def flows(self) -> tuple[Flow, ...]:
        """Every row, oldest first."""

    async def end(self, flow_id: str) -> None:
        """Remove a row, and the keys that only it named; no error where it is gone already."""


class Departure(Enum):
    """What says that the holder has left, so that the wallet is locked."""

    BY_HAND = auto()
    IDLE = auto()
    SESSION_LOCKED = auto()
    ASLEEP = auto()


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The present, aware, UTC."""


class Random(Protocol):
    """Unpredictable bytes."""

    def token(self) -> str:
        """256 random bits as base64url without padding."""

    def name(self) -> str:
        """64 random bits as hexadecimal digits: a name that no command line takes for an option."""
