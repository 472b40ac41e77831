"""What an issuer has to give, for a holder who comes without an offer (section 12.2.4)."""

from wallet.engine.resolve import usable_configuration, visit, ways
from wallet.engine.run import Run
from wallet.errors import WalletError
from wallet.openid4vci.display import look_of
from wallet.openid4vci.encryption import encryption_of
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.openid4vci.offer import AuthorizationCodeGrant
from wallet.records import Catalogue, CatalogueEntry, Look
from wallet.urls import host_of


async def catalogue(credential_issuer: str, run: Run) -> Catalogue:
    """Every credential of an issuer, and why this wallet cannot get some of them."""
    issuer = await visit(credential_issuer, run)
    obstacle = None
    try:
        encryption_of(issuer.credential_request_encryption, issuer.credential_response_encryption)
        await ways((AuthorizationCodeGrant(),), issuer, run)
    except WalletError as error:
        obstacle = error
    languages = run.policy.languages
    return Catalogue(
        issuer=look_of(issuer.display, languages, host_of(credential_issuer), {}),
        credential_issuer=issuer.credential_issuer,
        authorization_servers=tuple(issuer.authorization_servers or (issuer.credential_issuer,)),
        entries=tuple(
            _entry(issuer, name, run) for name in issuer.credential_configurations_supported
        ),
        obstacle=obstacle,
    )


def _entry(issuer: IssuerMetadata, name: str, run: Run) -> CatalogueEntry:
    try:
        configuration = issuer.configuration(name)
    except WalletError as error:
        return CatalogueEntry(name, "", Look(name), error)
    display = configuration.credential_metadata.display
    look = look_of(display, run.policy.languages, name, {})
    try:
        usable_configuration(issuer, name, run)
    except WalletError as error:
        return CatalogueEntry(name, configuration.format, look, error)
    return CatalogueEntry(name, configuration.format, look, None)
