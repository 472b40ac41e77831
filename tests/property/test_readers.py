"""Whatever a peer sends, each reader ends in a value or in one of the wallet's own errors."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from tests.support.records import record
from tests.support.simulator import VCT, Simulator
from tests.vectors import vector
from wallet.credentials.claims_path import select
from wallet.credentials.contract import Expected
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
from wallet.credentials.sd_jwt_vc.disclosures import process
from wallet.engine.cards import card_of
from wallet.errors import VerificationFailed, WalletError
from wallet.oauth.par import read_pushed_request
from wallet.oauth.redirect import read_authorization_response
from wallet.oauth.server_metadata import (
    ServerMetadata,
    able,
    metadata_url,
    read_server_metadata,
)
from wallet.openid4vci.credential import read_credential_response
from wallet.openid4vci.issuer_metadata import metadata_urls, read_issuer_metadata
from wallet.openid4vci.nonce import read_nonce
from wallet.openid4vci.offer import grants_of, read_offer, read_offer_link
from wallet.openid4vci.proof import needs_proof, proof_choice
from wallet.openid4vci.token import credential_identifiers, read_token_response
from wallet.ports import HttpResponse
from wallet.records import Secret
from wallet.report import Trust
from wallet.settings import load
from wallet.strict import base64url, json_value
from wallet.trust.anchors import Anchors, read_chain
from wallet.trust.issuer import Issuer
from wallet.urls import host_of, read_url

any_text = st.text(st.characters(), max_size=60)  # half surrogate pairs, too
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def bent(draw: st.DrawFn, document: Any) -> Any:
    """`document` with one or two of its parts replaced, taken out, doubled or added to."""
    whole: Any = [copy.deepcopy(document)]
    for _ in range(draw(st.integers(1, 2))):
        at: Any = whole
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 3)):
                at = at[key]
                continue
            match draw(st.sampled_from(["replace", "remove", "add"])):
                case "remove" if at is not whole:
                    del at[key]
                case "add" if isinstance(at, dict):
                    at[draw(any_text)] = draw(json_values)
                case "add" if at is not whole:
                    at.append(copy.deepcopy(at[key]))
                case _:
                    at[key] = draw(json_values)
            break
    return whole[0]


ISSUER = "https://issuer.example"
SERVER = ServerMetadata(issuer=ISSUER)
METADATA = vector("oid4vci-1.0/credential_issuer_metadata_sd_jwt_long.json")
SERVER_METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/a",
    "token_endpoint": f"{ISSUER}/t",
    "pushed_authorization_request_endpoint": f"{ISSUER}/p",
    "grant_types_supported": ["authorization_code"],
    "code_challenge_methods_supported": ["S256"],
}
DETAIL = {
    "type": "openid_credential",
    "credential_configuration_id": "card",
    "credential_identifiers": ["one"],
}


def offer(response: HttpResponse) -> None:
    grants_of(read_offer(response))


def issuer_metadata(response: HttpResponse) -> None:
    metadata = read_issuer_metadata(response, METADATA["credential_issuer"])
    for name in metadata.credential_configurations_supported:
        configuration = metadata.configuration(name)
        if needs_proof(configuration):
            proof_choice(configuration, attester=False)


def server_metadata(response: HttpResponse) -> None:
    able(read_server_metadata(response, ISSUER), "authorization_code")


def token(response: HttpResponse) -> None:
    credential_identifiers(read_token_response(response), ("card",))


READERS: dict[str, tuple[Callable[[HttpResponse], object], Any]] = {
    "offer": (offer, vector("oid4vci-1.0/credential_offer_multiple_credentials.json")),
    "issuer metadata": (issuer_metadata, METADATA),
    "server metadata": (server_metadata, SERVER_METADATA),
    "pushed request": (read_pushed_request, {"request_uri": "urn:x", "expires_in": 60}),
    "token": (token, {"access_token": "t", "token_type": "Bearer",
                      "authorization_details": [DETAIL]}),
    "nonce": (read_nonce, {"c_nonce": "n"}),
    "credential": (read_credential_response, {"credentials": [{"credential": "a~"}]}),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_any_answer_with_any_body(name: str, data: st.DataObject) -> None:
    read, _ = READERS[name]
    response = HttpResponse(
        "https://peer.example/",
        data.draw(st.sampled_from([200, 200, 200, 201, 202, 204, 400, 401, 404, 500])),
        {
            "content-type": data.draw(st.just("application/json") | any_text),
            "www-authenticate": data.draw(any_text),
        },
        data.draw(st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode())),
    )
    with suppress(WalletError):
        read(response)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_any_document_that_is_almost_right(name: str, data: st.DataObject) -> None:
    read, document = READERS[name]
    body = json.dumps(data.draw(bent(document))).encode()
    headers = {"content-type": "application/json"}
    with suppress(WalletError):
        read(HttpResponse("https://peer.example/", 200, headers, body))


@given(any_text | any_text.map(lambda text: f"openid-credential-offer://?credential_offer={text}"))
def test_any_text_for_an_offer(text: str) -> None:
    with suppress(WalletError):
        read_offer_link(text)


@given(any_text | any_text.map(lambda text: f"https://{text}"))
def test_any_text_for_an_address(text: str) -> None:
    for read in (read_url, host_of, metadata_urls, metadata_url):
        with suppress(WalletError):
            read(text)


@given(any_text | any_text.map(lambda text: f"state=s&code=c&iss={ISSUER}&{text}"))
def test_any_query_of_the_browser(query: str) -> None:
    with suppress(WalletError):
        read_authorization_response(query, state=Secret("s"), server=SERVER)


@given(st.binary(max_size=200))
def test_any_bytes_for_json(data: bytes) -> None:
    with suppress(ValueError):
        json_value(data)


@given(json_values)
def test_json_that_was_read_is_what_was_written(value: Any) -> None:
    text = json.dumps(value)
    try:
        assert json_value(text.encode()) == value
    except ValueError:
        assert "\\ud" in text  # half a surrogate pair


@given(any_text)
def test_any_text_for_base64url(text: str) -> None:
    with suppress(ValueError):
        base64url(text)


@given(json_values, st.lists(st.none() | st.integers() | any_text, max_size=4))
def test_any_path_into_any_claims(claims: Any, path: Any) -> None:
    with suppress(ValueError):
        assert select(claims, path)


ISSUED = vector("sd-jwt-rfc9901/vectors.json")["vectors"][1]


@given(
    bent(ISSUED["payload"]), st.lists(st.sampled_from(ISSUED["token"].split("~")[1:]), max_size=9)
)
def test_any_payload_with_any_disclosures(payload: Any, disclosures: list[str]) -> None:
    if isinstance(payload, dict):
        with suppress(ValueError):
            process(payload, disclosures)


KEY = ec.generate_private_key(ec.SECP256R1())
JWK = {name: str(value) for name, value in ECKey.import_key(KEY).as_dict(private=False).items()}
SIMULATOR = Simulator(ISSUER)
EXPECTED = Expected({"vct": VCT}, (JWK,), (("given_name",),), datetime.now(UTC))
ANCHORS = Anchors((SIMULATOR.authority.certificate,))


def judge(credential: str) -> None:
    """Verify it, or refuse it in the wallet's own words."""
    with suppress(VerificationFailed):
        signer = sd_jwt_vc.signer(Secret(credential), EXPECTED)
        keys = (signer.chain.jwk,) if signer.chain else ()
        issuer = Issuer(Trust.UNKNOWN, "", keys, ())
        sd_jwt_vc.verify(Secret(credential), issuer, EXPECTED)


@given(any_text | st.lists(any_text, max_size=5).map("~".join))
def test_any_text_for_a_credential(text: str) -> None:
    judge(text)


@pytest.mark.parametrize("part", ["payload", "disclosures", "header"])
@given(data=st.data())
def test_any_credential_that_is_almost_right(part: str, data: st.DataObject) -> None:
    """Signed by the issuer, so that every check behind the signature is reached."""

    def bend(document: Any) -> Any:
        bent_document = data.draw(bent(document))
        return bent_document if isinstance(bent_document, type(document)) else document

    SIMULATOR.edits = {part: bend}
    try:
        credential = SIMULATOR.credential(JWK)
    except Exception:  # noqa: BLE001 - the simulator cannot sign everything
        return
    judge(credential)


LEAF = SIMULATOR.authority.leaf.public_bytes(Encoding.DER)


@given(st.lists(st.tuples(st.integers(0, len(LEAF) - 1), st.integers(0, 255)), max_size=4))
def test_any_certificate_that_is_almost_right(changes: list[tuple[int, int]]) -> None:
    certificate = bytearray(LEAF)
    for place, byte in changes:
        certificate[place] = byte
    if certificate != LEAF:
        with pytest.raises(ValueError, match=r"."):
            ANCHORS.trust(read_chain([bytes(certificate)]), EXPECTED.now)


@given(
    st.dictionaries(st.sampled_from(["http_timeout", "language", "gui", "data_folder"]), any_text),
    st.dictionaries(
        st.sampled_from(["WALLET_REDIRECT_PORT", "WALLET_TRUST_ANCHOR", "WALLET_PROFILE"]),
        any_text,
    ),
)
def test_any_settings(flags: dict[str, str], environment: dict[str, str]) -> None:
    with suppress(WalletError):
        load(flags, environment)


CONFIGURATION = next(iter(METADATA["credential_configurations_supported"].values()))


@given(
    bent(CONFIGURATION),
    bent(METADATA["display"]),
    st.dictionaries(any_text, json_values, max_size=4),
    st.lists(any_text, max_size=3),
)
def test_any_record_has_a_card(
    configuration: Any, display: Any, claims: Any, languages: list[str]
) -> None:
    kept = record()
    changes = {"configuration": configuration, "issuer_display": display, "claims": claims}
    if not isinstance(configuration, dict) or not isinstance(display, list):
        return
    changed = type(kept)(**{**vars(kept), **changes})
    card = card_of(changed, languages, datetime.now(UTC))
    assert len(card.claims) == len(claims)
