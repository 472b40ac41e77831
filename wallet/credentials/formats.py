"""The formats this wallet keeps, by Credential Format Identifier."""

from collections.abc import Mapping

from wallet.credentials.contract import Format
from wallet.credentials.sd_jwt_vc.verification import verify_sd_jwt_vc

FORMATS: Mapping[str, Format] = {
    "dc+sd-jwt": verify_sd_jwt_vc,
}
