"""Whatever an issuer publishes of its keys, its reader gives keys or raises `ValueError`."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_readers import any_text, json_values
from tests.support.issuer_keys import KID, public
from wallet.errors import LocalFailure
from wallet.ports import HttpResponse
from wallet.trust.anchors import read_anchor, read_anchors
from wallet.trust.dids import did_web_url, key_of, read_did_document
from wallet.trust.jwt_vc_issuer import is_web_issuer, metadata_url, read_jwt_vc_issuer, read_key_set
from wallet.trust.key_sets import KeySet, signing_keys

ISSUER, DID = "https://issuer.example", "did:web:issuer.example"
JWK = {**public(ec.generate_private_key(ec.SECP256R1())), "kid": KID}
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
METHOD = {"id": f"{DID}#{KID}", "controller": DID, "type": "JsonWebKey", "publicKeyJwk": JWK}


def response(document: Any, media_type: str = "application/json") -> HttpResponse:
    return HttpResponse(ISSUER, 200, {"content-type": media_type}, json.dumps(document).encode())


def by_domain(document: Any) -> Any:
    found = read_jwt_vc_issuer(response(document), ISSUER)
    return signing_keys(found, KID) if isinstance(found, KeySet) else found


def by_key_set(document: Any) -> Any:
    return signing_keys(read_key_set(response(document)), KID)


def by_did(document: Any) -> Any:
    return read_did_document(response(document), DID, KID)


READERS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "jwt-vc-issuer": (by_domain, {"issuer": ISSUER, "jwks": {"keys": [JWK]}}),
    "key set": (by_key_set, {"keys": [JWK]}),
    "did.json": (
        by_did,
        {"id": DID, "verificationMethod": [METHOD], "assertionMethod": [METHOD["id"]]},
    ),
}


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [
            place for name in value for place in [(*at, name), *places(value[name], (*at, name))]
        ]
    if isinstance(value, list):
        return [
            place for n in range(len(value)) for place in [(*at, n), *places(value[n], (*at, n))]
        ]
    return []


@pytest.mark.parametrize("name", READERS)
def test_the_right_document_is_read(name: str) -> None:
    read, document = READERS[name]
    [key] = read(document)
    assert key == {member: text for member, text in JWK.items() if member != "kid"}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_any_member_may_be_anything(name: str, data: st.DataObject) -> None:
    read, right = READERS[name]
    document: Any = copy.deepcopy(right)
    *way, last = data.draw(st.sampled_from(places(document)))
    holder = document
    for step in way:
        holder = holder[step]
    holder[last] = data.draw(json_values)
    with suppress(ValueError):
        assert read(document)


@pytest.mark.parametrize("name", READERS)
@given(document=json_values)
def test_the_document_may_be_anything(name: str, document: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - many reasons
        READERS[name][0](document)


@given(any_text, any_text)
def test_an_issuer_may_be_called_anything(issuer: str, key_id: str) -> None:
    for did in (issuer, f"did:{issuer}", f"did:web:{issuer}", f"did:jwk:{issuer}"):
        with suppress(ValueError):
            key_of(did, key_id)
        with suppress(ValueError):
            did_web_url(did)
    for url in (issuer, f"https://{issuer}"):
        if is_web_issuer(url):
            assert metadata_url(url).startswith("http")


@given(st.binary(max_size=200), any_text)
def test_a_trust_anchor_may_be_anything(data: bytes, text: str) -> None:
    for read, given_ in ((read_anchors, data), (read_anchors, b"-----BEGIN" + data)):
        with pytest.raises(LocalFailure, match="trust_anchor_unreadable"):
            read(given_, MOMENT)
    with suppress(LocalFailure):
        read_anchor(text, MOMENT)
