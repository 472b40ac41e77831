"""What the wallet sends fits the JSON schemas of the OpenID Foundation's conformance suite."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator
from tests.vectors import vector
from wallet.app import Wallet

REQUEST = Draft202012Validator(vector("conformance-suite-json-schemas/credential_request-1_0.json"))


def requests(issuer: Simulator) -> Iterator[Mapping[str, Any]]:
    """The Credential Requests that the issuer got."""
    for path, body in issuer.requests:
        if path == "/credential":
            yield json.loads(body)


def by_identifier(issuer: Simulator) -> None:
    authorized = {
        "type": "openid_credential",
        "credential_configuration_id": "card",
        "credential_identifiers": ["card-of-zita"],
    }
    issuer.edits |= {
        "server_metadata": lambda document: {
            **document,
            "authorization_details_types_supported": ["openid_credential"],
        },
        "token": lambda token: {**token, "authorization_details": [authorized]},
    }


def unbound(issuer: Simulator) -> None:
    def edit(document: Any) -> Any:
        card = document["credential_configurations_supported"]["card"]
        del card["cryptographic_binding_methods_supported"], card["proof_types_supported"]
        return document

    def without_binding(payload: Any) -> Any:
        del payload["cnf"]
        return payload

    async def answer(request: Request) -> Response:
        return JSONResponse({"credentials": [{"credential": issuer.credential({})}]})

    issuer.edits |= {"issuer_metadata": edit, "payload": without_binding}
    issuer.answers["/credential"] = answer


def with_a_second_nonce(issuer: Simulator) -> None:
    async def refuse(request: Request) -> Response:
        del issuer.answers["/credential"]
        return JSONResponse({"error": "invalid_nonce"}, 400)

    issuer.answers["/credential"] = refuse


@pytest.mark.parametrize(
    ("prepare", "members"),
    [
        (None, [{"credential_configuration_id", "proofs"}]),
        (by_identifier, [{"credential_identifier", "proofs"}]),
        (unbound, [{"credential_configuration_id"}]),
        (with_a_second_nonce, [{"credential_configuration_id", "proofs"}] * 2),
    ],
)
async def test_cred_02_credential_requests(
    prepare: Any, members: list[set[str]], wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    if prepare is not None:
        prepare(issuer)
    await wallet.add(issuer.offer(), holder)
    sent = list(requests(issuer))
    assert [set(one) for one in sent] == members
    for one in sent:
        REQUEST.validate(one)


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"format": "dc+sd-jwt", "vct": "urn:example:card"},
        {"credential_configuration_id": "card", "credential_identifier": "card-of-zita"},
        {"credential_configuration_id": "card", "proofs": {}},
        {"credential_configuration_id": "card", "proofs": {"jwt": "eyJ"}},
    ],
)
def test_the_schema_tells_right_from_wrong(request_body: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        REQUEST.validate(request_body)
