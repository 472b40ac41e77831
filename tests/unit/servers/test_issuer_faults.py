"""The faults of the credential issuer: each makes something else of what is right."""

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.responses import JSONResponse, Response

from reference_servers.faults import FAULTS, SLOW_S, Faults

JWT = jwt.encode({"alg": "ES256"}, {"vct": "v"}, ECKey.generate_key("P-256"))
DISCLOSURE = base64.urlsafe_b64encode(b'["salt","given_name","Erika"]').rstrip(b"=").decode()
CREDENTIALS = [{"credential": "one"}, {"credential": "two"}]
RIGHT: dict[str, Any] = {
    "offer document": {
        "credential_configuration_ids": ["pid"],
        "grants": {"authorization_code": {}},
    },
    "metadata document": {
        "credential_issuer": "http://127.0.0.1:1",
        "credential_endpoint": "http://127.0.0.1:1/credential",
        "credential_configurations_supported": {"pid": {"format": "dc+sd-jwt"}},
    },
    "signed metadata": JWT,
    "key set document": {"issuer": "http://127.0.0.1:1"},
    "nonce document": {"c_nonce": "n"},
    "credential document": {"credentials": CREDENTIALS},
    "encrypted credential": "jwe",
    "encryption key": {"kty": "EC"},
    "holder jwk": {"kty": "EC"},
    "credential header": {"typ": "dc+sd-jwt", "x5c": ["AAAA"]},
    "credential payload": {"vct": "v", "cnf": {}, "exp": 1},
    "sd-jwt": f"{JWT}~{DISCLOSURE}~",
    "transaction document": {"transaction_id": "t", "interval": 5},
    "deferred document": {"transaction_id": "t", "interval": 5},
    "status list": JWT,
}
ENDPOINTS = {
    "document",
    "metadata",
    "jwt_vc_issuer",
    "nonce",
    "credential",
    "deferred_credential",
    "notification",
    "status_list",
}
OURS = [name for name, fault in FAULTS.items() if fault.server == "credential_issuer"]


def said(value: object) -> object:
    """What a wallet meets."""
    if isinstance(value, Response):
        return value.status_code, bytes(value.body), sorted(value.headers.items())
    return value


@pytest.mark.parametrize("name", OURS)
def test_each_changes_what_a_wallet_meets(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    at = FAULTS[name].at
    right = RIGHT.get(at) or JSONResponse({"credential_endpoint": "x"}, 200)
    before = json.dumps(said(right), default=str)
    after = said(Faults(name).at(at, right))
    assert after != said(right) or waited == [SLOW_S]
    assert json.dumps(said(right), default=str) == before, "what is right was changed in place"


def test_places_are_those_of_the_issuer() -> None:
    assert {FAULTS[name].at for name in OURS} == ENDPOINTS | set(RIGHT)


def test_there_are_many() -> None:
    assert len(OURS) >= 25
