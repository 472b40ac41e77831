"""Who signed a credential: what it says itself, and what the wallet found out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wallet.errors import VerificationFailed
from wallet.records import JsonObject
from wallet.report import Check, Outcome, Report, Trust
from wallet.trust.anchors import Anchors, Chain

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
        name: The anchor, the domain or the DID they are known by; empty where there is none.
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
        unknown = Check(NAME, Outcome.SKIPPED, str(error), rule)
        return Issuer(Trust.UNKNOWN, "", (chain.jwk,), (unknown,))
    reason = f"its certificate leads to the trust anchor {anchor}"
    known = Check(NAME, Outcome.PASSED, reason, rule)
    return Issuer(Trust.ANCHORED, anchor, (chain.jwk,), (known,))


def by_metadata(
    signer: Signer, keys: Sequence[Mapping[str, str]], credential_issuer: str
) -> Issuer:
    """The Credential Issuer itself, by keys in its metadata that the holder chose to believe.

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


def untrusted(reason: str, rule: str, others: Sequence[Check] = ()) -> VerificationFailed:
    """The refusal of a credential for who its issuer is; `others` are the checks besides."""
    report = Report((Check(NAME, Outcome.FAILED, reason, rule), *others))
    return VerificationFailed("issuer_untrusted", f"{NAME}: {reason}", report=report, rule=rule)
