"""Steps 1 to 3: the offer, the issuer's metadata, the authorization server's metadata."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from wallet.compat import (
    Facts,
    Place,
    ProfileName,
    after_metadata,
    after_not_found,
    other_places,
    tolerate_link,
    tolerate_offer,
)
from wallet.credentials.formats import FORMATS
from wallet.engine.run import Run
from wallet.engine.tolerance import tolerated, tolerated_answer
from wallet.errors import PeerBrokeProtocol, PeerRefused, Unreachable, Unsupported, WalletError
from wallet.oauth.documents import refuse
from wallet.oauth.server_metadata import (
    ServerMetadata,
    able,
    metadata_url,
    openid_urls,
    read_server_metadata,
)
from wallet.openid4vci import signed_metadata
from wallet.openid4vci.encryption import encryption_of
from wallet.openid4vci.issuer_metadata import (
    CredentialConfiguration,
    IssuerMetadata,
    authorization_servers,
    metadata_urls,
    read_issuer_metadata,
)
from wallet.openid4vci.offer import (
    CredentialOffer,
    Grant,
    OfferByReference,
    grants_of,
    own_offer,
    read_offer,
    read_offer_link,
)
from wallet.openid4vci.proof import needs_proof, proof_choice
from wallet.openid4vci.signed_metadata import read_signed_metadata
from wallet.ports import Contact, HttpResponse
from wallet.steps import Step
from wallet.strict import json_object
from wallet.urls import host_of, read_identifier

METADATA_TYPES: Final = {
    "auto": "application/jwt, application/json;q=0.9",
    "required": "application/jwt",
    "never": "application/json",
}
"""What to ask for by the policy for signed metadata."""


@dataclass(frozen=True)
class ResolvedOffer:
    """An offer whose issuer and authorization servers are known.

    Attributes:
        profile: What its issuer speaks.
        offer: As read.
        issuer: The issuer's metadata.
        ways: Each grant that is possible with the server that takes it; never empty.
        configurations: What is offered and can be kept, by `credential_configuration_id`.
    """

    profile: ProfileName
    offer: CredentialOffer
    issuer: IssuerMetadata
    ways: tuple[tuple[Grant, ServerMetadata], ...]
    configurations: dict[str, CredentialConfiguration]


@dataclass(frozen=True)
class Visit:
    """The holder comes to an issuer without an offer.

    Attributes:
        credential_issuer: Credential Issuer Identifier.
        credential_configuration_ids: What to choose from; none for all that can be read.
    """

    credential_issuer: str
    credential_configuration_ids: tuple[str, ...]

    def offer(self, issuer: IssuerMetadata) -> CredentialOffer:
        """The offer that the issuer might have made."""
        names = self.credential_configuration_ids or issuer.readable_configurations
        return own_offer(self.credential_issuer, names)


async def resolve(source: str | Visit, run: Run) -> ResolvedOffer:
    """Read an offer and fetch what it refers to.

    The holder agrees to each host before it hears of them (OpenID4VCI 1.0, section 13.5).

    Args:
        source: An offer's link, or the issuer that the holder comes to.
        run: What there is at hand.

    Raises:
        WalletError: As the readers of each document do.
    """
    run.enter(Step.OFFER)
    if isinstance(source, Visit):
        profile, issuer = await visit(source.credential_issuer, run)
        offer = source.offer(issuer)
        grants = grants_of(offer)
    else:
        profile, offer = await _offer(source, run)
        grants = grants_of(offer)
        run.enter(Step.ISSUER)
        profile, issuer = await issuer_metadata(offer.credential_issuer, profile, run)
        offer = _by_their_ids(offer, profile, issuer, run)
    encryption_of(issuer.credential_request_encryption, issuer.credential_response_encryption)
    configurations = _configurations(offer, issuer, run)
    found = await ways(grants, issuer, profile, run)
    return ResolvedOffer(profile, offer, issuer, found, configurations)


async def visit(credential_issuer: str, run: Run) -> tuple[ProfileName, IssuerMetadata]:
    """The metadata of an issuer that the holder named, and what it speaks."""
    read_identifier(credential_issuer)
    await _may_contact(credential_issuer, run)
    run.enter(Step.ISSUER)
    return await issuer_metadata(credential_issuer, ProfileName.FINAL, run)


async def _offer(link: str, run: Run) -> tuple[ProfileName, CredentialOffer]:
    link, profile, names = tolerate_link(link, run.policy.profiles)
    run.trace.tolerate(names)
    offer = read_offer_link(link)
    if isinstance(offer, CredentialOffer):
        await _may_contact(offer.credential_issuer, run)
        return profile, offer
    profile, asked = await _by_reference(offer, run)
    if host_of(asked.credential_issuer) != host_of(offer.credential_offer_uri):
        await _may_contact(asked.credential_issuer, run)
    return profile, asked


async def _by_reference(offer: OfferByReference, run: Run) -> tuple[ProfileName, CredentialOffer]:
    await _may_contact(offer.credential_offer_uri, run)
    answer = await run.http.get(offer.credential_offer_uri, accept="application/json")
    body, profile, names = tolerate_offer(answer.body, run.policy.profiles)
    run.trace.tolerate(names)
    return profile, read_offer(replace(answer, body=body))


def _by_their_ids(
    offer: CredentialOffer, profile: ProfileName, issuer: IssuerMetadata, run: Run
) -> CredentialOffer:
    """`offer` with the ids of the issuer's configurations."""
    facts = Facts(metadata=issuer.model_dump())
    message = {"credential_configuration_ids": list(offer.credential_configuration_ids)}
    return offer.model_copy(update=tolerated(profile, Place.OFFERED, message, facts, run))


async def _may_contact(url: str, run: Run) -> None:
    run.http.check(url)
    await run.holder.may_contact(Contact(host_of(url), url))


async def issuer_metadata(
    credential_issuer: str, profile: ProfileName, run: Run
) -> tuple[ProfileName, IssuerMetadata]:
    """The metadata of an issuer, from the one place where it is (section 12.2.2).

    It is looked for elsewhere, too, after a 404 there, if the holder did not set what it speaks.

    Signed metadata is preferred where its signer is trusted, and believed only then.
    """
    choice = run.policy.signed_metadata
    profile = run.policy.profiles.get(credential_issuer, profile)
    response = await _metadata(credential_issuer, METADATA_TYPES[choice], profile, run)
    try:
        found, metadata = _read_metadata(response, credential_issuer, profile, run)
    except PeerBrokeProtocol as error:
        if error.code != "metadata_signer_untrusted" or choice != "auto":
            raise
        response = await _metadata(credential_issuer, METADATA_TYPES["never"], profile, run)
        found, metadata = _read_metadata(response, credential_issuer, profile, run)
    for url in metadata.endpoints:
        run.http.check(url)
    return found, metadata


async def _metadata(
    credential_issuer: str, accept: str, profile: ProfileName, run: Run
) -> HttpResponse:
    name, urls = "openid-credential-issuer", metadata_urls(credential_issuer)
    first = await run.http.get(urls[0], accept=accept)
    if first.status == 404:
        if credential_issuer not in run.policy.profiles:
            profile = after_not_found(profile)
        others = other_places(profile, credential_issuer, name, urls)
        for url, tolerance in ((urls[1], ""), *others):
            again = await run.http.get(url, accept=accept)
            if again.status == 200:
                run.trace.tolerate(filter(None, [tolerance]))
                return again
    if first.status != 200:
        refuse(first, "not_found")
    return first


def _read_metadata(
    response: HttpResponse, credential_issuer: str, profile: ProfileName, run: Run
) -> tuple[ProfileName, IssuerMetadata]:
    if response.media_type == signed_metadata.MEDIA_TYPE:
        now = run.clock.now()
        return profile, read_signed_metadata(response, credential_issuer, run.anchors, now)
    if run.policy.signed_metadata == "required":
        raise PeerBrokeProtocol(
            "metadata_unsigned", rule="OpenID4VCI 1.0, section 12.2.3", url=response.url
        )
    if credential_issuer not in run.policy.profiles:
        appended = response.url not in metadata_urls(credential_issuer)
        with suppress(ValueError):
            document = json_object(response.body)
            profile = after_metadata(profile, document, appended=appended)
    place = Place.ISSUER_METADATA
    upgraded = tolerated_answer(profile, place, response, [Facts()], run)
    return profile, read_issuer_metadata(upgraded, credential_issuer)


def _configurations(
    offer: CredentialOffer, issuer: IssuerMetadata, run: Run
) -> dict[str, CredentialConfiguration]:
    """What is offered and can be kept; the first reason why not, if that is nothing."""
    usable: dict[str, CredentialConfiguration] = {}
    refusal: Unsupported | None = None
    for credential_configuration_id in offer.credential_configuration_ids:
        try:
            usable[credential_configuration_id] = usable_configuration(
                issuer, credential_configuration_id, run
            )
        except Unsupported as error:
            if error.code == "configuration_unknown":
                raise
            refusal = refusal or error
    if refusal is not None and not usable:
        raise refusal
    return usable


def usable_configuration(
    issuer: IssuerMetadata, credential_configuration_id: str, run: Run
) -> CredentialConfiguration:
    """A configuration whose credentials the wallet can get and keep.

    Raises:
        Unsupported: `configuration_unknown`, `format_unsupported`, `proof_unsupported`.
        PeerBrokeProtocol: `metadata_invalid`.
    """
    configuration = issuer.configuration(credential_configuration_id)
    if configuration.format not in FORMATS:
        raise Unsupported("format_unsupported", configuration.format[:60])
    if needs_proof(configuration):
        proof_choice(configuration, attester=run.attester)
    return configuration


async def ways(
    grants: Sequence[Grant], issuer: IssuerMetadata, profile: ProfileName, run: Run
) -> tuple[tuple[Grant, ServerMetadata], ...]:
    """For each grant the first authorization server that can do it (section 12.2.4).

    Raises:
        WalletError: The first reason why there is none for any grant.
    """
    fetched: dict[str, ServerMetadata | WalletError] = {}
    found: list[tuple[Grant, ServerMetadata]] = []
    refusal: WalletError | None = None
    for grant in grants:
        for name in authorization_servers(issuer, grant):
            if name not in fetched:
                fetched[name] = await _server(name, profile, run)
            try:
                match fetched[name]:
                    case ServerMetadata() as server:
                        found.append((grant, able(server, grant.grant_type)))
                        break
                    case WalletError() as error:
                        refusal = refusal or error
            except Unsupported as error:
                refusal = refusal or error
    if not found and refusal is not None:
        raise refusal
    return tuple(found)


async def _server(issuer: str, profile: ProfileName, run: Run) -> ServerMetadata | WalletError:
    """The metadata of an authorization server, or why there is none."""
    try:
        url = metadata_url(issuer)
        response = first = await run.http.get(url, accept="application/json")
        others = dict.fromkeys(openid_urls(issuer), "openid-configuration")
        others = dict(other_places(profile, issuer, "oauth-authorization-server", [url])) | others
        for other, tolerance in others.items() if first.status == 404 else ():
            again = await run.http.get(other, accept="application/json")
            if again.status == 200:
                run.trace.tolerate([tolerance])
                response = again
                break
        if response.status != 200:
            refuse(response, "not_found")
        metadata = read_server_metadata(response, issuer)
        for url in metadata.endpoints:
            run.http.check(url)
    except (Unreachable, PeerRefused, PeerBrokeProtocol) as error:
        return error
    return metadata
