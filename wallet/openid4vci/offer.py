"""Credential Offer (OpenID4VCI 1.0, section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import parse_qsl

from pydantic import Field, PositiveInt

from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.oauth.documents import Document, read_document, read_object, refuse
from wallet.policy import OFFER_LIMIT_BYTES, PRE_AUTHORIZED_CODE, GrantType
from wallet.ports import HttpResponse
from wallet.strict import json_object
from wallet.urls import read_identifier, read_url

_RULE: Final = "OpenID4VCI 1.0, section 4.1"
SCHEMES: Final = ("openid-credential-offer", "haip-vci", "https")
"""`https` for wallets that are called by a claimed link (section 4.1)."""


class AuthorizationCodeGrant(Document):
    """Grant `authorization_code` of an offer (section 4.1.1)."""

    grant_type: ClassVar[GrantType] = "authorization_code"
    issuer_state: str | None = None
    authorization_server: str | None = None


class TransactionCode(Document):
    """`tx_code`: the holder must type a code that came by another way; `{}` says so too."""

    input_mode: str = "numeric"
    length: PositiveInt | None = None
    description: str | None = None


class PreAuthorizedCodeGrant(Document):
    """Grant `urn:ietf:params:oauth:grant-type:pre-authorized_code` of an offer (section 4.1.1)."""

    grant_type: ClassVar[GrantType] = PRE_AUTHORIZED_CODE
    pre_authorized_code: str = Field(alias="pre-authorized_code", min_length=1, repr=False)
    tx_code: TransactionCode | None = None
    authorization_server: str | None = None


Grant = AuthorizationCodeGrant | PreAuthorizedCodeGrant


class Grants(Document):
    """The grants of an offer that this wallet knows."""

    authorization_code: AuthorizationCodeGrant | None = None
    pre_authorized_code: PreAuthorizedCodeGrant | None = Field(
        default=None, alias=PRE_AUTHORIZED_CODE
    )


class CredentialOffer(Document):
    """A Credential Offer (section 4.1.1)."""

    credential_issuer: str
    credential_configuration_ids: Sequence[str] = Field(min_length=1)
    grants: Grants | None = None


@dataclass(frozen=True)
class OfferByReference:
    """An offer that has to be fetched (section 4.1.3)."""

    credential_offer_uri: str


def read_offer_link(text: str) -> CredentialOffer | OfferByReference:
    """Read an offer link, as scanned, pasted or clicked.

    Accepted are `scheme://?…`, `scheme:?…` and `scheme://host/path?…` with a scheme of `SCHEMES`.

    Raises:
        PeerBrokeProtocol: `not_an_offer` where it is no such link; `offer_invalid` where it has
            both or neither of the two parameters (section 4.1), or holds no valid offer.
    """
    link = text.strip()
    if len(link.encode("utf-8", "replace")) > OFFER_LIMIT_BYTES:
        raise PeerBrokeProtocol("not_an_offer", f"longer than {OFFER_LIMIT_BYTES} bytes")
    scheme, colon, rest = link.partition(":")
    query = rest.partition("?")[2]
    if not colon or scheme.lower() not in SCHEMES:
        raise PeerBrokeProtocol("not_an_offer", "no offer link", rule=_RULE)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise PeerBrokeProtocol("not_an_offer", "not a query", rule=_RULE) from None
    found = [pair for pair in pairs if pair[0] in ("credential_offer", "credential_offer_uri")]
    if not found and scheme.lower() == "https":
        raise PeerBrokeProtocol("not_an_offer", "a web address without an offer", rule=_RULE)
    if len(found) != 1:
        raise PeerBrokeProtocol(
            "offer_invalid",
            f"{len(found)} of credential_offer and credential_offer_uri, instead of one",
            rule=_RULE,
        )
    name, value = found[0]
    if name == "credential_offer_uri":
        read_url(value)
        return OfferByReference(value)
    try:
        document = json_object(value.encode())
    except ValueError as error:
        raise PeerBrokeProtocol("offer_invalid", f"not strict JSON: {error}", rule=_RULE) from None
    return _checked(read_document(CredentialOffer, document, "offer_invalid", _RULE, ""))


def read_offer(response: HttpResponse) -> CredentialOffer:
    """Read an offer fetched by reference (section 4.1.3).

    Raises:
        PeerRefused: `not_found`, `server_error`.
        PeerBrokeProtocol: `offer_invalid`; also for a signed one, since offers are never signed.
    """
    if response.status != 200:
        refuse(response, "not_found")
    document = read_object(response, "offer_invalid", "OpenID4VCI 1.0, section 4.1.3")
    return _checked(read_document(CredentialOffer, document, "offer_invalid", _RULE, response.url))


def _checked(offer: CredentialOffer) -> CredentialOffer:
    read_identifier(offer.credential_issuer)
    ids = offer.credential_configuration_ids
    if len(set(ids)) != len(ids):
        raise PeerBrokeProtocol(
            "offer_invalid", "/credential_configuration_ids: one occurs twice", rule=_RULE
        )
    return offer


def own_offer(credential_issuer: str, names: Sequence[str]) -> CredentialOffer:
    """The offer without grants that stands for a holder who came without one (section 5)."""
    members = {"credential_issuer": credential_issuer, "credential_configuration_ids": list(names)}
    return _checked(read_document(CredentialOffer, members, "offer_invalid", _RULE, ""))


def grants_of(offer: CredentialOffer) -> tuple[Grant, ...]:
    """The offer's grants that the wallet knows; the one that spares a sign-in first.

    An offer that names none leaves the authorization code grant (section 4.1.1).

    Raises:
        Unsupported: `grant_unsupported` where it names others only.
    """
    grants = offer.grants
    if grants is None or not (grants.model_fields_set or grants.model_extra):
        return (AuthorizationCodeGrant(),)
    known = (grants.pre_authorized_code, grants.authorization_code)
    found = tuple(grant for grant in known if grant is not None)
    if not found:
        named = ", ".join(sorted(grants.model_extra or {}))[:200]
        raise Unsupported("grant_unsupported", named, rule="OpenID4VCI 1.0, section 4.1.1")
    return found
