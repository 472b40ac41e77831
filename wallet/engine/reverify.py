"""Verifying once more what is in the wallet: later more may be known of its issuer, or less."""

from dataclasses import replace

from wallet.compat import Facts, ProfileName
from wallet.engine.judgement import worst
from wallet.engine.resolve import issuer_metadata
from wallet.engine.run import Run
from wallet.engine.verify import sought_of, verified_copy
from wallet.errors import VerificationFailed
from wallet.openid4vci.issuer_metadata import IssuerMetadata
from wallet.records import CredentialRecord, Secret
from wallet.steps import Step


async def verify_again(record: CredentialRecord, run: Run) -> CredentialRecord:
    """The record with what its verification comes to now.

    The holder decided to keep it, so nothing is asked, and nothing is deleted: what is refused is
    marked so.

    Raises:
        WalletError: What has to be asked besides the issuer's keys cannot be had, or the keys are
            at an address that the wallet does not go to; all stays as it was.
    """
    run.enter(Step.VERIFICATION)
    profile, issuer = await _issuer_of(record, run)
    name = record.credential_configuration_id
    facts = Facts(
        metadata=issuer.model_dump(),
        credential_configuration_id=name,
        now=run.clock.now(),
        chosen=issuer.credential_issuer in run.policy.profiles,
    )
    jwks = [await run.keys.public_key(key_id) for key_id in record.key_ids]
    sought = sought_of(issuer, name, jwks, profile, facts, run)
    try:
        copies = [await verified_copy(Secret(one.credential), sought, run) for one in record.copies]
    except VerificationFailed as failure:
        return replace(record, refused=failure.code, report=failure.report)
    least = worst(copies)
    return replace(
        record,
        trust=least.trust,
        trusted_by=least.trusted_by,
        report=least.report,
        refused="",
    )


async def _issuer_of(record: CredentialRecord, run: Run) -> tuple[ProfileName, IssuerMetadata]:
    """What its issuer speaks, and as much of the issuer's metadata as the record holds.

    Where the holder set what an issuer speaks, its keys may be in its metadata: those of today.
    """
    profile = ProfileName(record.profile)
    own = {record.credential_configuration_id: dict(record.configuration)}
    if record.credential_issuer in run.policy.profiles:
        profile, issuer = await issuer_metadata(record.credential_issuer, profile, run)
        configurations = {**issuer.credential_configurations_supported, **own}
        return profile, issuer.model_copy(
            update={"credential_configurations_supported": configurations}
        )
    return profile, IssuerMetadata(
        credential_issuer=record.credential_issuer,
        credential_endpoint="",
        credential_configurations_supported=own,
    )
