"""The holder's judgement of a credential that is verified, but whose issuer nobody vouches for."""

from collections.abc import Sequence

from wallet.credentials.contract import VerifiedCredential
from wallet.engine.positions import Consent
from wallet.engine.run import Run
from wallet.errors import HolderDeclined, VerificationFailed
from wallet.openid4vci.display import look_of
from wallet.ports import Verdict
from wallet.report import Trust
from wallet.trust.issuer import NAME, untrusted
from wallet.urls import host_of


def worst(copies: Sequence[VerifiedCredential]) -> VerifiedCredential:
    """The copy that is believed least: what is true of it is said of all."""
    return max(copies, key=lambda one: list(Trust).index(one.trust))


async def judge(
    copies: Sequence[VerifiedCredential], name: str, consent: Consent, run: Run
) -> None:
    """Return where copies of a credential are to be kept.

    One question for all of them; and for credentials about which there is nothing else to say, in
    one run.

    Raises:
        VerificationFailed: `issuer_untrusted`: the holder, or the policy, does not want them.
        LocalFailure: `decision_needed`: there is nobody to ask.
    """
    least = worst(copies)
    if least.trust is Trust.ANCHORED:
        return
    checks = [check for one in copies for check in one.report.checks if check.name == NAME]
    reasons = tuple(dict.fromkeys(check.reason for check in checks))
    if run.policy.trust_policy == "anchored":
        raise _unwanted(least, discarded=False)
    told = least.trust, least.trusted_by, reasons
    if told in run.heard.kept:
        return
    languages, issuer = run.policy.languages, consent.issuer
    display = issuer.configuration(name).credential_metadata.display
    host = host_of(issuer.credential_issuer)
    verdict = Verdict(
        look=look_of(display, languages, name, consent.images),
        issuer=look_of(issuer.display, languages, host, consent.images),
        issuer_host=host,
        trust=least.trust,
        trusted_by=least.trusted_by,
        reasons=reasons,
        report=least.report,
    )
    try:
        await run.holder.judge(verdict)
    except HolderDeclined:
        raise _unwanted(least, discarded=True) from None
    run.heard.kept.add(told)


def _unwanted(credential: VerifiedCredential, *, discarded: bool) -> VerificationFailed:
    """The report of what is refused tells the reason."""
    reasons = [check for check in credential.report.checks if check.name == NAME]
    others = [check for check in credential.report.checks if check.name != NAME]
    return untrusted(reasons[0].reason, reasons[0].rule, others, discarded=discarded)
