"""The formats this wallet keeps, by Credential Format Identifier."""

from collections.abc import Mapping
from typing import Final

from wallet.credentials import mdoc
from wallet.credentials.contract import Format
from wallet.credentials.jwt_vc import verification as jwt_vc
from wallet.credentials.ldp_vc import verification as ldp_vc
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc

FORMATS: Final[Mapping[str, Format]] = {
    "dc+sd-jwt": sd_jwt_vc,
    "jwt_vc_json": jwt_vc,
    "jwt_vc_json-ld": jwt_vc,
    "ldp_vc": ldp_vc,
    "mso_mdoc": mdoc,
}
