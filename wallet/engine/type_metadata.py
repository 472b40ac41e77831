"""The Type Metadata of an SD-JWT VC, fetched once, when it is issued (SD-JWT VC, section 4)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from wallet.credentials.contract import VerifiedCredential
from wallet.credentials.sd_jwt_vc.verification import TECHNICAL
from wallet.credentials.type_metadata import (
    CHAIN_LIMIT,
    TypeMetadata,
    credential_metadata,
    missing_claims,
    read_type_metadata,
)
from wallet.engine.run import Run
from wallet.errors import VerificationFailed, WalletError
from wallet.oauth.jwt import read_jwt
from wallet.records import JsonObject
from wallet.report import Check, Outcome, Report

NAME: Final = "Type metadata"
_RULE: Final = "SD-JWT VC, section 4"


@dataclass(frozen=True)
class Described:
    """What a type says of its credentials.

    Attributes:
        metadata: In the words of `credential_metadata`; {} where there is none.
        report: The credential's, with what came of it.
    """

    metadata: JsonObject
    report: Report


async def described(verified: VerifiedCredential, credential_format: str, run: Run) -> Described:
    """Fetch and apply the Type Metadata of a verified SD-JWT VC whose `vct` is a URL.

    Types of other formats may be URLs, too; there is no such document of theirs.

    A document that cannot be had or believed is not used, and the report says so.

    Raises:
        VerificationFailed: `claims_missing`: the credential lacks what its type demands.
    """
    is_url = verified.type.startswith(("https://", "http://"))
    if credential_format != "dc+sd-jwt" or not is_url:
        return Described({}, verified.report)
    try:
        metadata = credential_metadata(await _chain(verified, run))
    except (ValueError, WalletError) as error:
        reason = (error.detail or error.sentence) if isinstance(error, WalletError) else str(error)
        skipped = Check(NAME, Outcome.SKIPPED, f"not used: {reason}"[:300], _RULE)
        return Described({}, Report((*verified.report.checks, skipped)))
    missing = missing_claims(metadata, verified.claims, TECHNICAL)
    outcome = Outcome.FAILED if missing else Outcome.PASSED
    reason = f"{missing} of its claims are missing" if missing else f"as {verified.type} has it"
    report = Report((*verified.report.checks, Check(NAME, outcome, reason, _RULE)))
    if missing:
        raise VerificationFailed(
            "claims_missing", f"{NAME}: {reason}", report=report, rule=f"{_RULE}.7"
        )
    return Described(metadata, report)


async def _chain(verified: VerifiedCredential, run: Run) -> list[TypeMetadata]:
    """The type, and those it extends, each pinned by the one before where that has a hash."""
    payload = read_jwt(verified.credential.reveal().partition("~")[0]).claims
    pinned = payload.get("vct#integrity")
    vct: str | None = verified.type
    integrity = pinned if isinstance(pinned, str) else None
    chain: list[TypeMetadata] = []
    while vct is not None:
        if vct in [one.vct for one in chain] or len(chain) == CHAIN_LIMIT:
            message = "its types extend each other in a circle, or too often"
            raise ValueError(message)
        response = await run.http.get(vct, accept="application/json")
        if response.status != HTTPStatus.OK:
            message = f"HTTP {response.status}"
            raise ValueError(message)
        chain.append(read_type_metadata(response.body, vct, integrity))
        vct, integrity = chain[-1].extends, chain[-1].extends_integrity
    return chain
