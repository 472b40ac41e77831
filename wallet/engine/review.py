"""The holder reads what is offered, and agrees."""

import asyncio

from wallet.compat import PROFILES
from wallet.engine.exchange import client_for
from wallet.engine.positions import Consent
from wallet.engine.resolve import ResolvedOffer
from wallet.engine.run import Run
from wallet.errors import LocalFailure, Unsupported
from wallet.oauth.server_metadata import ServerMetadata
from wallet.openid4vci.display import label_of, look_of, picture_uris
from wallet.openid4vci.offer import AuthorizationCodeGrant, Grant, PreAuthorizedCodeGrant
from wallet.ports import OfferedCredential, OfferReview, Way
from wallet.records import Image
from wallet.steps import Step
from wallet.urls import host_of


async def review(resolved: ResolvedOffer, run: Run) -> Consent:
    """Show the offer and wait for the holder's word.

    Raises:
        HolderDeclined: `cancelled`.
    """
    images = await _images(resolved, run)
    run.enter(Step.REVIEW)
    languages = run.policy.languages
    issuer_host = host_of(resolved.issuer.credential_issuer)
    shown = OfferReview(
        issuer=look_of(resolved.issuer.display, languages, issuer_host, images),
        credential_issuer=resolved.issuer.credential_issuer,
        issuer_host=issuer_host,
        ways=tuple(_way(grant, server) for grant, server in resolved.ways),
        credentials=tuple(
            OfferedCredential(
                credential_configuration_id=name,
                format=configuration.format,
                look=look_of(configuration.credential_metadata.display, languages, name, images),
                claims=tuple(
                    label_of(claim, languages) for claim in configuration.credential_metadata.claims
                ),
            )
            for name, configuration in resolved.configurations.items()
        ),
        tolerated=run.trace.tolerated,
    )
    choice = await run.holder.choose(shown)
    if PROFILES[resolved.profile].one_at_a_time and len(choice.credential_configuration_ids) > 1:
        raise Unsupported(
            "authorization_server_unsupported", "it takes one credential at a time", rule="DIDroom"
        )
    servers = [one for grant, one in resolved.ways if grant.grant_type == choice.grant_type]
    if not servers:
        raise LocalFailure("grant_not_offered", choice.grant_type)
    return Consent(
        profile=resolved.profile,
        began_at=run.clock.now(),
        offer=resolved.offer,
        grant_type=choice.grant_type,
        issuer=resolved.issuer,
        server=servers[0],
        client=await client_for(servers[0], choice.grant_type, run),
        credential_configuration_ids=choice.credential_configuration_ids,
        images=images,
    )


def _way(grant: Grant, server: ServerMetadata) -> Way:
    match grant:
        case AuthorizationCodeGrant():
            host = host_of(server.authorization_endpoint or "")
            return Way(grant.grant_type, host, transaction_code=False)
        case PreAuthorizedCodeGrant():
            host = host_of(server.token_endpoint or "")
            return Way(grant.grant_type, host, transaction_code=grant.tx_code is not None)


async def _images(resolved: ResolvedOffer, run: Run) -> dict[str, Image]:
    """The pictures of issuer and credentials; one that can't be had is left out."""
    languages = run.policy.languages
    uris = list(picture_uris(resolved.issuer.display, languages))
    for configuration in resolved.configurations.values():
        uris += picture_uris(configuration.credential_metadata.display, languages)
    wanted = list(dict.fromkeys(uris))[:20]
    pictures = await asyncio.gather(*(run.http.image(uri) for uri in wanted))
    return {uri: picture for uri, picture in zip(wanted, pictures, strict=True) if picture}
