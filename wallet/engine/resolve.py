"""Steps 1 to 3: the offer, the issuer's metadata, the authorization server's metadata."""

from collections.abc import Sequence
from dataclasses import dataclass

from wallet.credentials.formats import FORMATS
from wallet.engine.run import Run
from wallet.errors import PeerBrokeProtocol, PeerRefused, Unreachable, Unsupported, WalletError
from wallet.oauth.documents import refuse
from wallet.oauth.server_metadata import (
    ServerMetadata,
    for_authorization_code,
    metadata_url,
    read_server_metadata,
)
from wallet.openid4vci.issuer_metadata import (
    CredentialConfiguration,
    IssuerMetadata,
    authorization_servers,
    metadata_urls,
    read_issuer_metadata,
)
from wallet.openid4vci.offer import (
    AuthorizationCodeGrant,
    CredentialOffer,
    OfferByReference,
    authorization_code_grant,
    read_offer,
    read_offer_link,
)
from wallet.openid4vci.proof import needs_proof, proof_algorithm
from wallet.ports import Contact
from wallet.steps import Step
from wallet.urls import host_of


@dataclass(frozen=True)
class ResolvedOffer:
    """An offer whose issuer and authorization server are known.

    Attributes:
        offer: As read.
        grant: Its authorization code grant.
        issuer: The issuer's metadata.
        server: The chosen authorization server's metadata.
        configurations: What is offered and can be kept, by `credential_configuration_id`.
    """

    offer: CredentialOffer
    grant: AuthorizationCodeGrant
    issuer: IssuerMetadata
    server: ServerMetadata
    configurations: dict[str, CredentialConfiguration]


async def resolve(text: str, run: Run) -> ResolvedOffer:
    """Read an offer and fetch what it refers to.

    The holder agrees to each host before it hears of them (OpenID4VCI 1.0, section 13.5).

    Raises:
        WalletError: As the readers of each document do.
    """
    run.enter(Step.OFFER)
    offer = await _offer(text, run)
    grant = authorization_code_grant(offer)
    run.enter(Step.ISSUER)
    issuer = await _issuer(offer.credential_issuer, run)
    if issuer.encryption_required:
        raise Unsupported("encryption_unsupported", rule="OpenID4VCI 1.0, section 12.2.4")
    configurations = _configurations(offer, issuer)
    server = await _server(authorization_servers(issuer, grant), run)
    return ResolvedOffer(offer, grant, issuer, server, configurations)


async def _offer(text: str, run: Run) -> CredentialOffer:
    offer = read_offer_link(text)
    if isinstance(offer, CredentialOffer):
        await _may_contact(offer.credential_issuer, run)
        return offer
    asked = await _by_reference(offer, run)
    if host_of(asked.credential_issuer) != host_of(offer.credential_offer_uri):
        await _may_contact(asked.credential_issuer, run)
    return asked


async def _by_reference(offer: OfferByReference, run: Run) -> CredentialOffer:
    await _may_contact(offer.credential_offer_uri, run)
    return read_offer(await run.http.get(offer.credential_offer_uri, accept="application/json"))


async def _may_contact(url: str, run: Run) -> None:
    run.http.check(url)
    await run.holder.may_contact(Contact(host_of(url), url))


async def _issuer(credential_issuer: str, run: Run) -> IssuerMetadata:
    first, second = metadata_urls(credential_issuer)
    response = await run.http.get(first, accept="application/json")
    if response.status == 404:
        again = await run.http.get(second, accept="application/json")
        response = again if again.status == 200 else response
    if response.status != 200:
        refuse(response, "not_found")
    metadata = read_issuer_metadata(response, credential_issuer)
    for url in metadata.endpoints:
        run.http.check(url)
    return metadata


def _configurations(
    offer: CredentialOffer, issuer: IssuerMetadata
) -> dict[str, CredentialConfiguration]:
    """What is offered and can be kept; the first reason why not, if that is nothing."""
    usable: dict[str, CredentialConfiguration] = {}
    refusal: Unsupported | None = None
    for credential_configuration_id in offer.credential_configuration_ids:
        configuration = issuer.configuration(credential_configuration_id)
        try:
            if configuration.format not in FORMATS:
                raise Unsupported("format_unsupported", configuration.format[:60])
            if needs_proof(configuration):
                proof_algorithm(configuration)
            usable[credential_configuration_id] = configuration
        except Unsupported as error:
            refusal = refusal or error
    if refusal is not None and not usable:
        raise refusal
    return usable


async def _server(candidates: Sequence[str], run: Run) -> ServerMetadata:
    """The first authorization server that can do what is needed (section 12.2.4)."""
    refusal: WalletError | None = None
    for issuer in candidates:
        try:
            response = await run.http.get(metadata_url(issuer), accept="application/json")
            if response.status != 200:
                refuse(response, "not_found")
            metadata = for_authorization_code(read_server_metadata(response, issuer))
            for url in metadata.endpoints:
                run.http.check(url)
            return metadata
        except (Unsupported, Unreachable, PeerRefused, PeerBrokeProtocol) as error:
            refusal = refusal or error
    assert refusal is not None  # noqa: S101 - there is always a candidate
    raise refusal
