"""What the wallet sends fits the JSON schemas of the OpenID Foundation's conformance suite."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey
from jsonschema import Draft202012Validator, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.demanding import DemandingSimulator
from tests.support.holder import WillingHolder, batch
from tests.support.simulator import Simulator, simulated
from tests.vectors import vector
from wallet.app import Wallet
from wallet.records import Secret
from wallet.settings import load

REQUEST = Draft202012Validator(vector("conformance-suite-json-schemas/credential_request-1_0.json"))


def requests(issuer: Simulator) -> Iterator[Mapping[str, Any]]:
    """The Credential Requests that the issuer got."""
    for path, body in issuer.requests:
        if path == "/credential":
            yield json.loads(body)


def by_identifier(issuer: Simulator, _: Wallet) -> None:
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


def unbound(issuer: Simulator, _: Wallet) -> None:
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


def in_copies(issuer: Simulator, wallet: Wallet) -> None:
    issuer.batch_size = 3
    batch(wallet, 3)


def with_a_second_nonce(issuer: Simulator, _: Wallet) -> None:
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
        (in_copies, [{"credential_configuration_id", "proofs"}]),
        (with_a_second_nonce, [{"credential_configuration_id", "proofs"}] * 2),
    ],
)
async def test_cred_02_credential_requests(
    prepare: Any, members: list[set[str]], wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    if prepare is not None:
        prepare(issuer, wallet)
    await wallet.add(issuer.offer(), holder)
    sent = list(requests(issuer))
    assert [set(one) for one in sent] == members
    for one in sent:
        REQUEST.validate(one)


@pytest.mark.parametrize("zips", [False, True])
@pytest.mark.parametrize("kind", ["jwt", "attestation"])
async def test_cred_05_an_encrypted_credential_request(
    kind: str, zips: bool, tmp_path: Path, holder: WillingHolder
) -> None:
    provider = ECKey.generate_key("P-256", {"kid": "provider"})
    (tmp_path / "provider.json").write_text(json.dumps(provider.as_dict(private=True)))
    with simulated(DemandingSimulator) as issuer:
        issuer.attester = dict(provider.as_dict(private=False))
        issuer.proof_types = {kind: {"proof_signing_alg_values_supported": ["ES256"]}}
        issuer.encrypts, issuer.zips = "A128GCM", zips
        (tmp_path / "root.pem").write_bytes(issuer.authority.pem)
        flags = {
            "data_folder": tmp_path / "wallet",
            "trust_anchor": [str(tmp_path / "root.pem")],
            "key_derivation_ms": "0",
            "loopback_development": True,
            "client_id": issuer.client_id,
            "wallet_provider": "development",
            "wallet_provider_key": tmp_path / "provider.json",
        }
        async with Wallet(load(flags, {})) as wallet:
            await wallet.create(Secret("correct horse"))
            await wallet.add(issuer.offer(), holder)
    [body] = [body for path, body in issuer.requests if path == "/credential"]
    registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A128GCM", "DEF"])
    opened = jwe.decrypt_compact(body, issuer.encryption_key, registry=registry)
    sent = json.loads(opened.plaintext or b"")
    assert set(sent["proofs"]) == {kind}
    assert ("zip" in sent["credential_response_encryption"]) == zips
    REQUEST.validate(sent)


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
