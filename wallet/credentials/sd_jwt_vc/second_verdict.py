"""The second verdict on an SD-JWT VC: openvc's, which shares no code with the first."""

from functools import cache
from typing import TYPE_CHECKING, Any

from wallet.records import JsonObject

if TYPE_CHECKING:
    from openvc.proof.sd_jwt import SdJwtVcProofSuite


@cache
def _suite() -> "SdJwtVcProofSuite":
    """The suite without its dates: it knows the system's clock only, and dates are ours.

    Loaded by the first credential: a start of the wallet does not wait for it.
    """
    from openvc.proof.sd_jwt import SdJwtVcProofSuite  # noqa: PLC0415

    class Timeless(SdJwtVcProofSuite):
        def _check_temporal(self, claims: dict[str, Any], *, check_temporal: bool = True) -> bool:  # noqa: ARG002
            return False

    return Timeless()


def objection(credential: str, key: JsonObject, audience: str | None) -> str:
    """Why openvc refuses what the first verdict accepted; empty where it agrees.

    Args:
        credential: Of the strict shape: with `typ` `dc+sd-jwt`, `iss` and `vct`.
        key: The public JWK that signed it by the first verdict.
        audience: One that `aud` names; None without `aud`.
    """
    try:
        _suite().verify(credential, public_key_jwk=dict(key), audience=audience)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no agreement
        return type(error).__name__
    return ""
