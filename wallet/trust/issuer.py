"""Who signed a credential: what it says itself, and what the wallet found out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wallet.errors import VerificationFailed, WalletError
from wallet.records import JsonObject
from wallet.report import Check, Outcome, Report, Trust
from wallet.trust.anchors import Anchors, Chain, fingerprint_of
from wallet.trust.dids import did_web_url
from wallet.urls import host_of

NAME = "Issuer"
"""The check of a report that tells who the issuer is, and how that is known."""


@dataclass(frozen=True)
class Signer:
    """What a credential says of who signed it. Nothing of it is believed yet.

    Attributes:
        chain: The certificates it came with, `x5c` or `x5chain`; None where it has none.
        issuer: Its `iss` or `issuer`, a URL or a DID; empty where it names none.
        key_id: Its `kid` or `verificationMethod`; empty where it names none.
    """

    chain: Chain | None = None
    issuer: str = ""
    key_id: str = ""


@dataclass(frozen=True)
class Issuer:
    """Who signed a credential, as far as the wallet could find out.

    Attributes:
        trust: What a credential of theirs is worth when all other checks pass.
        name: The anchor, or the URL or DID they are known by; empty where there is none.
        keys: Their public JWKs, one of which must have signed; empty only where they could not be
            had now (`Trust.UNVERIFIED`).
        checks: How that is known; begins the report.
    """

    trust: Trust
    name: str
    keys: tuple[JsonObject, ...] = field(repr=False)
    checks: tuple[Check, ...]


def by_certificate(chain: Chain, anchors: Anchors, now: datetime) -> Issuer:
    """The owner of a certificate: known by a trust anchor, or unknown."""
    rule = "SD-JWT VC, section 3.5; RFC 5280, section 6"
    try:
        anchor = anchors.trust(chain, now)
    except ValueError as error:
        reason = f"{error} (its certificate's SHA-256: {fingerprint_of(chain.leaf)})"
        unknown = Check(NAME, Outcome.SKIPPED, reason, rule)
        return Issuer(Trust.UNKNOWN, "", (chain.jwk,), (unknown,))
    reason = f"its certificate leads to the trust anchor {anchor}"
    known = Check(NAME, Outcome.PASSED, reason, rule)
    return Issuer(Trust.ANCHORED, anchor, (chain.jwk,), (known,))


def by_identifier(
    signer: Signer, keys: tuple[JsonObject, ...], anchors: Anchors, credential_issuer: str
) -> Issuer:
    """Who is called by a URL or a DID, and is known to have `keys`."""
    rule, name = "SD-JWT VC, section 3.5", signer.issuer
    if name in anchors.issuers:
        check = Check(NAME, Outcome.PASSED, f"you trust the issuer {name}", rule)
        return Issuer(Trust.ANCHORED, name, keys, (check,))
    if name.startswith(("did:jwk:", "did:key:")):
        reason = "it is called by its own key, and nobody vouches for that"
        return Issuer(Trust.UNKNOWN, name, keys, (Check(NAME, Outcome.SKIPPED, reason, rule),))
    host, came_from = domain_of(name), domain_of(credential_issuer)
    if host == came_from:
        check = Check(NAME, Outcome.PASSED, f"its keys are those that {host} publishes", rule)
    else:
        reason = f"its keys are those that {host} publishes, while it came from {came_from}"
        check = Check(NAME, Outcome.SKIPPED, reason, rule)
    return Issuer(Trust.DOMAIN, name, keys, (check,))


def domain_of(issuer: str) -> str:
    """The host of an issuer's URL or did:web, with its port where it is not the default."""
    return host_of(did_web_url(issuer) if issuer.startswith("did:") else issuer)


def unreachable(signer: Signer, error: WalletError) -> Issuer:
    """Who could not be asked for their keys now."""
    reason = f"its keys could not be had now: {error.code}, {error.url}"
    check = Check(NAME, Outcome.SKIPPED, reason, "SD-JWT VC, section 3.5")
    return Issuer(Trust.UNVERIFIED, signer.issuer, (), (check,))


def by_metadata(signer: Signer, keys: Sequence[JsonObject], credential_issuer: str) -> Issuer:
    """The Credential Issuer itself, by keys in its metadata that the holder chose to believe.

    This is the last resort. What vouches for them is what vouches for a JWT VC Issuer Metadata
    document, the TLS of the issuer's own host, so the level is the same; no anchor lifts it, since
    no specification says that these keys are for credentials.

    Raises:
        VerificationFailed: `issuer_untrusted`: there are none, or the credential is another's.
    """
    rule = "SD-JWT VC, section 3.5"
    if not keys:
        raise untrusted("the credential names no certificate chain", rule)
    if signer.issuer != credential_issuer:
        raise untrusted("iss is not whose keys these are", rule)
    reason = "no certificate; you chose to believe the keys in the issuer's metadata"
    chosen = Check(NAME, Outcome.SKIPPED, reason, rule)
    return Issuer(Trust.DOMAIN, credential_issuer, tuple(keys), (chosen,))


def untrusted(
    reason: str,
    rule: str,
    others: Sequence[Check] = (),
    *,
    url: str = "",
    code: str = "issuer_untrusted",
    discarded: bool = False,
) -> VerificationFailed:
    """The refusal of a credential for who its issuer is.

    Args:
        reason: Why.
        rule: The rule with its source.
        others: The checks besides.
        url: Where the issuer was asked for its keys.
        code: `issuer_keys_invalid` where that answer was wrong.
        discarded: Whether it was the holder who did not want it.
    """
    report = Report((Check(NAME, Outcome.FAILED, reason, rule), *others))
    detail = f"{NAME}: {reason}"
    return VerificationFailed(code, detail, report=report, rule=rule, url=url, discarded=discarded)
