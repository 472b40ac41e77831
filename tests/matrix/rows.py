"""The ways of an issuance that are tried, and those that there are not."""

from collections.abc import Mapping
from typing import Final

from tests.matrix.covering import Row, covering

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "grant": ("authorization code", "pre-authorized code", "with transaction code"),
    "asks by": ("scope", "authorization_details", "nothing"),
    "request": ("pushed", "in the browser", "none"),
    "client": ("none", "private_key_jwt", "attest_jwt_client_auth"),
    "DPoP": ("off", "on", "nonces"),
    "encrypted": ("nothing", "requests", "responses", "both"),
    "comes": ("at once", "later"),
    "copies": ("1", "3"),
}

_NO_REQUEST = "there is no authorization request with a pre-authorized code"
_A_REQUEST = "an authorization request says what for, and goes one way or the other"

IMPOSSIBLE: Final[Mapping[str, Row]] = {
    f"{reason}: {'; '.join(row.values())}": row
    for reason, rows in {
        _NO_REQUEST: [
            {"grant": grant, column: value}
            for grant in COLUMNS["grant"][1:]
            for column, value in (
                ("asks by", "scope"),
                ("asks by", "authorization_details"),
                ("request", "pushed"),
                ("request", "in the browser"),
            )
        ],
        _A_REQUEST: [
            {"grant": "authorization code", "asks by": "nothing"},
            {"grant": "authorization code", "request": "none"},
        ],
        "a request for an encrypted response is encrypted itself (OpenID4VCI 1.0, section 8.2)": [
            {"encrypted": "responses"}
        ],
    }.items()
    for row in rows
}
"""What cannot occur, by the reason."""

ROWS: Final = covering(COLUMNS, IMPOSSIBLE.values())
