"""Before anything is kept: is each copy what was asked for, and who says so?"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wallet.compat import Facts, Place, ProfileName
from wallet.compat.rules import elements, members, text
from wallet.credentials.contract import Expected, VerifiedCredential
from wallet.credentials.formats import FORMATS
from wallet.engine.issuers import Issuers
from wallet.engine.positions import Asking, Consent
from wallet.engine.run import Run
from wallet.engine.tolerance import facts_of, tolerated
from wallet.errors import PeerBrokeProtocol
from wallet.openid4vci.credential import Delivery
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.records import JsonObject, Secret


async def verify(
    delivery: Delivery, asking: Asking, consent: Consent, run: Run
) -> list[tuple[VerifiedCredential, str]]:
    """Each copy with the id of its key: they come in any order, and may be fewer (section 8.3).

    Raises:
        VerificationFailed: One of them is not what was asked for, or nobody says whose it is.
        PeerBrokeProtocol: `credential_response_invalid`: there are more than key proofs.
    """
    name = asking.wanted.credential_configuration_id
    if len(delivery.credentials) > max(1, len(asking.keys)):
        raise PeerBrokeProtocol(
            "credential_response_invalid",
            f"{len(delivery.credentials)} credentials for {len(asking.keys)} key proofs",
            rule="OpenID4VCI 1.0, section 8.2",
        )
    unbound = {key.key_id: key.public_jwk for key in asking.keys}
    facts = facts_of(consent, run, name)
    sought = sought_of(consent.issuer, name, unbound.values(), consent.profile, facts, run)
    copies = []
    for credential in delivery.credentials:
        left = tuple(jwk for jwk in sought.expected.holder_jwks if jwk in unbound.values())
        verified = await verified_copy(credential, sought.bound_to(left), run)
        key_id = next((name for name, jwk in unbound.items() if jwk == verified.bound_to), "")
        unbound.pop(key_id, None)
        copies.append((verified, key_id))
    return copies


@dataclass(frozen=True)
class Sought:
    """What a credential has to be, and what is known of who may have signed it.

    Attributes:
        format: Credential Format Identifier.
        credential_issuer: Where it comes from.
        expected: What it has to be.
        named: Keys in the issuer's metadata that the holder chose to believe.
    """

    format: str
    credential_issuer: str
    expected: Expected
    named: tuple[JsonObject, ...]

    def bound_to(self, holder_jwks: tuple[Mapping[str, str], ...]) -> "Sought":
        """The same, bound to one of these."""
        return replace(self, expected=replace(self.expected, holder_jwks=holder_jwks))


async def verified_copy(credential: Secret[str], sought: Sought, run: Run) -> VerifiedCredential:
    """One copy, once every check is made; raises as `verify`."""
    form, expected = FORMATS[sought.format], sought.expected
    signer = await asyncio.to_thread(form.signer, credential, expected)
    issuers = Issuers(run.http, run.anchors, run.clock, run.heard.issuers)
    issuer = await issuers.issuer_of(signer, sought.format, sought.credential_issuer, sought.named)
    with run.trace.span("crypto", "verification"):
        return await asyncio.to_thread(form.verify, credential, issuer, expected)


def sought_of(
    issuer: IssuerMetadata,
    name: str,
    holder_jwks: Iterable[Mapping[str, str]],
    profile: ProfileName,
    facts: Facts,
    run: Run,
) -> Sought:
    """What the credential `name` of `issuer` has to be, bound to one of the holder's keys."""
    configuration = issuer.configuration(name)
    claims = configuration.credential_metadata.claims
    ours: JsonObject = {
        "typ": ["dc+sd-jwt"],
        "type_claims": ["vct"],
        "bound": True,
        "promised": [list(claim.path) for claim in claims if claim.mandatory],
        "keys": [],
    }
    wanted = tolerated(profile, Place.EXPECTED, ours, facts, run)
    promised = [one for one in claims if list(one.path) in elements(wanted["promised"])]
    expected = Expected(
        configuration=dict(issuer.credential_configurations_supported[name]),
        holder_jwks=tuple(holder_jwks) if wanted["bound"] else (),
        mandatory=tuple(tuple(claim.path) for claim in promised),
        now=run.clock.now(),
        typ=tuple(map(text, elements(wanted["typ"]))),
        type_claims=tuple(map(text, elements(wanted["type_claims"]))),
    )
    named = tuple(map(members, elements(wanted["keys"])))
    return Sought(configuration.format, issuer.credential_issuer, expected, named)
