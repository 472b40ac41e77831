"""Before anything is kept: is each copy what was asked for, and who says so?"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from wallet.compat import Place
from wallet.compat.rules import elements, members, text
from wallet.credentials.contract import Expected, Format, VerifiedCredential
from wallet.credentials.formats import FORMATS
from wallet.engine.positions import Asking, Consent
from wallet.engine.run import Run
from wallet.engine.tolerance import facts_of, tolerated
from wallet.errors import PeerBrokeProtocol
from wallet.openid4vci.credential import Delivery
from wallet.records import HolderKey, JsonObject, Secret
from wallet.report import Trust
from wallet.trust.issuer import NAME, Issuer, Signer, by_certificate, by_metadata, untrusted


async def verify(
    delivery: Delivery, asking: Asking, consent: Consent, run: Run
) -> list[tuple[VerifiedCredential, str]]:
    """Each copy with the id of its key: they come in any order, and may be fewer (section 8.3).

    Raises:
        VerificationFailed: One of them is not what was asked for, or its issuer is not believed.
        PeerBrokeProtocol: `credential_response_invalid`: there are more than key proofs.
    """
    name = asking.wanted.credential_configuration_id
    if len(delivery.credentials) > max(1, len(asking.keys)):
        raise PeerBrokeProtocol(
            "credential_response_invalid",
            f"{len(delivery.credentials)} credentials for {len(asking.keys)} key proofs",
            rule="OpenID4VCI 1.0, section 8.2",
        )
    expected, named = _expected(name, asking.keys, consent, run)
    form = FORMATS[consent.issuer.configuration(name).format]
    unbound = {key.key_id: key.public_jwk for key in asking.keys}
    copies = []
    for credential in delivery.credentials:
        left = tuple(jwk for jwk in expected.holder_jwks if jwk in unbound.values())
        one = replace(expected, holder_jwks=left)
        with run.trace.span("crypto", "verification"):
            verified = await _verified(form, credential, one, named, consent, run)
        key_id = next((name for name, jwk in unbound.items() if jwk == verified.bound_to), "")
        unbound.pop(key_id, None)
        copies.append((verified, key_id))
    for verified, _ in copies:
        _believe(verified)
    return copies


async def _verified(
    form: Format,
    credential: Secret[str],
    expected: Expected,
    named: Sequence[Mapping[str, str]],
    consent: Consent,
    run: Run,
) -> VerifiedCredential:
    signer = await asyncio.to_thread(form.signer, credential, expected)
    issuer = _issuer(signer, named, consent, run)
    return await asyncio.to_thread(form.verify, credential, issuer, expected)


def _issuer(
    signer: Signer, named: Sequence[Mapping[str, str]], consent: Consent, run: Run
) -> Issuer:
    """Who signed it: by its certificates, or by the keys that the holder chose to believe."""
    if signer.chain is not None:
        return by_certificate(signer.chain, run.anchors, run.clock.now())
    return by_metadata(signer, named, consent.issuer.credential_issuer)


def _believe(verified: VerifiedCredential) -> None:
    """Let pass what the holder believes; the report of what is refused tells the reason."""
    if verified.trust in (Trust.ANCHORED, Trust.DOMAIN):
        return
    reasons = [check for check in verified.report.checks if check.name == NAME]
    others = [check for check in verified.report.checks if check.name != NAME]
    raise untrusted(reasons[0].reason, reasons[0].rule, others)


def _expected(
    name: str, keys: Sequence[HolderKey], consent: Consent, run: Run
) -> tuple[Expected, tuple[Mapping[str, str], ...]]:
    """What the credential has to be, and the issuer's keys that the holder chose to believe."""
    claims = consent.issuer.configuration(name).credential_metadata.claims
    ours: JsonObject = {
        "typ": ["dc+sd-jwt"],
        "type_claims": ["vct"],
        "bound": True,
        "promised": [list(claim.path) for claim in claims if claim.mandatory],
        "keys": [],
    }
    facts = facts_of(consent, run, name)
    wanted = tolerated(consent.profile, Place.EXPECTED, ours, facts, run)
    promised = [one for one in claims if list(one.path) in elements(wanted["promised"])]
    expected = Expected(
        configuration=dict(consent.issuer.credential_configurations_supported[name]),
        holder_jwks=tuple(key.public_jwk for key in keys) if wanted["bound"] else (),
        mandatory=tuple(tuple(claim.path) for claim in promised),
        now=run.clock.now(),
        typ=tuple(map(text, elements(wanted["typ"]))),
        type_claims=tuple(map(text, elements(wanted["type_claims"]))),
    )
    named = (members(key) for key in elements(wanted["keys"]))
    return expected, tuple({name: text(value) for name, value in one.items()} for one in named)
