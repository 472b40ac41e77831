"""The credential issuer as a process: all of sections 7 to 12 of OpenID4VCI 1.0."""

import base64
import json
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey
from openvc import cbor
from openvc.cose import parse_sign1, verify_sign1, x5chain_ders

from tests.integration.servers.client import error_of
from tests.integration.servers.issuer_peers import (
    LONG_HEADERS,
    Authority,
    Issuer,
    WalletProvider,
    bound_to,
    claims_of,
    credential_issuer,
    credentials_of,
    decoded,
    opened,
    signed,
    token_server,
)
from tests.support.operator import operator
from tests.unit.servers.test_data_integrity import Holder
from wallet.openid4vci.offer import CredentialOffer, OfferByReference, read_offer_link

Made = Callable[..., Issuer]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Issuers by their settings; each is started once."""
    started: dict[str, Issuer] = {}
    with ExitStack() as stack:

        def make(**settings: Any) -> Issuer:
            name = json.dumps(settings, sort_keys=True)
            if name not in started:
                folder = tmp_path_factory.mktemp("issuer")
                started[name] = stack.enter_context(credential_issuer(folder, **settings))
            one = started[name]
            return Issuer(one.folder, one.url, one.server)

        yield make


@pytest.fixture
def issuer(made: Made) -> Issuer:
    """The issuer as it is without settings."""
    return made()


@pytest.fixture(scope="module")
def provider() -> WalletProvider:
    return WalletProvider()


@pytest.fixture
def attesting(made: Made, provider: WalletProvider, tmp_path_factory: Any) -> Issuer:
    """An issuer that demands key attestations."""
    file = tmp_path_factory.getbasetemp() / "wallet-providers.pem"
    file.write_text(provider.authority.pem())
    return made(
        key_attestation_anchors_file=str(file),
        key_attestations_required=True,
        key_storage=["iso_18045_moderate"],
    )


def keys(count: int) -> list[ECKey]:
    return [ECKey.generate_key("P-256") for _ in range(count)]


def thumbprints(*made: Any) -> set[str]:
    return {key.thumbprint() for key in made}


# Metadata.


def test_meta_08_metadata_name_every_endpoint(issuer: Issuer) -> None:
    metadata = issuer.metadata()
    for name in ("credential", "deferred_credential", "nonce", "notification"):
        assert metadata[f"{name}_endpoint"].startswith(issuer.url)
    assert metadata["batch_credential_issuance"] == {"batch_size": 10}
    [jwk] = metadata["credential_request_encryption"]["jwks"]["keys"]
    assert {"kid", "alg", "use"} <= set(jwk)
    assert "d" not in jwk
    assert metadata["credential_response_encryption"]["alg_values_supported"] == ["ECDH-ES"]
    for configuration in metadata["credential_configurations_supported"].values():
        assert "proof_types_supported" in configuration
        assert "cryptographic_binding_methods_supported" in configuration
        assert configuration["scope"]


def test_meta_08_what_is_not_supported_is_not_named(made: Made) -> None:
    issuer = made(
        batch_size=1,
        notifications=False,
        request_encryption="off",
        response_encryption="off",
        signed_metadata=False,
        status_list=False,
        unbound=["diploma"],
    )
    metadata = issuer.metadata()
    absent = {
        "batch_credential_issuance",
        "notification_endpoint",
        "credential_request_encryption",
        "credential_response_encryption",
    }
    assert not absent & set(metadata)
    two = issuer.credential(issuer.asked(*(issuer.proof(key=key) for key in keys(2))))
    assert error_of(two) == (400, "invalid_proof")
    answer = issuer.credential()
    assert "notification_id" not in answer.json()
    assert "status" not in claims_of(credentials_of(answer)[0])
    asked = issuer.asked(credential_response_encryption={"jwk": {}, "enc": "A128GCM"})
    assert error_of(issuer.credential(asked)) == (400, "invalid_encryption_parameters")
    url = f"{issuer.url}/.well-known/openid-credential-issuer"
    plain = issuer.http.get(url, headers={"Accept": "application/jwt"})
    assert plain.headers["content-type"] == "application/json"


def test_meta_10_an_unbound_credential_needs_no_proofs(made: Made) -> None:
    issuer = made(
        batch_size=1,
        notifications=False,
        request_encryption="off",
        response_encryption="off",
        signed_metadata=False,
        status_list=False,
        unbound=["diploma"],
    )
    diploma = issuer.metadata()["credential_configurations_supported"]["diploma"]
    assert "proof_types_supported" not in diploma
    assert "cryptographic_binding_methods_supported" not in diploma
    [credential] = credentials_of(issuer.credential({"credential_configuration_id": "diploma"}))
    assert "cnf" not in claims_of(credential)
    assert error_of(issuer.credential({"credential_configuration_id": "pid"}))[1] == "invalid_proof"


@pytest.mark.parametrize(
    ("accept", "is_signed"),
    [
        ("application/jwt", True),
        ("application/jwt, application/json;q=0.9", True),
        ("application/json, application/jwt", True),
        ("application/json, application/jwt;q=0.5", False),
        ("application/json", False),
        ("application/jwt;q=0", False),
        ("application/jwt;q=.", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_meta_04_metadata_are_signed_where_that_is_asked_for(
    accept: str, is_signed: bool, issuer: Issuer
) -> None:
    url = f"{issuer.url}/.well-known/openid-credential-issuer"
    answer = issuer.http.get(url, headers={"Accept": accept})
    expected = "application/jwt" if is_signed else "application/json"
    assert answer.headers["content-type"] == expected
    assert answer.headers["vary"] == "Accept"


def displays(document: Any) -> list[list[dict[str, str]]]:
    """Every `display` in a document."""
    inner = document.values() if isinstance(document, dict) else document
    if not isinstance(document, dict | list):
        return []
    own = [document["display"]] if isinstance(document, dict) and "display" in document else []
    return [*own, *(found for one in inner for found in displays(one))]


@pytest.mark.parametrize(
    ("wish", "spoken"),
    [
        ("de", "de"),
        ("de-CH, en;q=0.5", "de"),
        ("fr, EN;q=0.2, de;q=0.9", "de"),
        ("de;q=0, en", "en"),
        ("fr", None),
        ("*", None),
        ("", None),
        (";q=x,,-", None),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/jwt"])
def test_meta_06_one_language(accept: str, wish: str, spoken: str | None, made: Made) -> None:
    issuer = made(one_language=True)
    url = f"{issuer.url}/.well-known/openid-credential-issuer"
    answer = issuer.http.get(url, headers={"Accept": accept, "Accept-Language": wish})
    assert answer.headers["vary"] == "Accept, Accept-Language"
    assert answer.headers.get("content-language") == spoken
    signed_part = answer.text.split(".")[1] if accept == "application/jwt" else ""
    found = displays(decoded(signed_part) if signed_part else answer.json())
    assert len(found) > 5
    for display in found:
        locales = [one["locale"] for one in display]
        assert locales == ([spoken] if spoken else ["en", "de", "it"])


def test_meta_06_all_languages_and_each_once(issuer: Issuer) -> None:
    url = f"{issuer.url}/.well-known/openid-credential-issuer"
    answer = issuer.http.get(url, headers={"Accept-Language": "de"})
    assert "content-language" not in answer.headers
    for display in displays(answer.json()):
        locales = [one["locale"] for one in display]
        assert len(locales) == len(set(locales)) > 1


def test_meta_16_signed_metadata(issuer: Issuer) -> None:
    url = f"{issuer.url}/.well-known/openid-credential-issuer"
    token = issuer.http.get(url, headers={"Accept": "application/jwt"}).text
    payload = checked(token, issuer, "openidvci-issuer-metadata+jwt")
    assert payload.pop("sub") == issuer.url
    assert abs(payload.pop("iat") - time.time()) < 60
    assert payload == issuer.metadata()


def checked(token: str, issuer: Issuer, typ: str) -> dict[str, Any]:
    """HAIP-06, HAIP-07: signed under the demo CA, whose certificate is not in the chain."""
    header = decoded(token.split(".", maxsplit=1)[0])
    assert (header["typ"], header["alg"]) == (typ, "ES256")
    [leaf] = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in header["x5c"]]
    anchor = x509.load_pem_x509_certificate(issuer.http.get(f"{issuer.url}/ca.pem").content)
    leaf.verify_directly_issued_by(anchor)
    assert leaf.issuer != leaf.subject
    key = ECKey.import_key(leaf.public_key())  # type: ignore[arg-type]
    return dict(json.loads(jws.deserialize_compact(token, key, registry=LONG_HEADERS).payload))


def test_vc_04_a_credential_may_name_its_key_by_kid(made: Made) -> None:
    issuer = made(issuer_key="kid")
    [credential] = credentials_of(issuer.credential())
    header = decoded(credential.split(".")[0])
    assert "x5c" not in header
    published = issuer.http.get(f"{issuer.url}/.well-known/jwt-vc-issuer").json()
    assert published["issuer"] == issuer.url == claims_of(credential)["iss"]
    [jwk] = [one for one in published["jwks"]["keys"] if one["kid"] == header["kid"]]
    key = ECKey.import_key(jwk)
    assert jws.deserialize_compact(credential.split("~")[0], key, registry=LONG_HEADERS)


def test_meta_02_well_known_addresses_have_the_path_after_them(tmp_path: Path) -> None:
    with credential_issuer(tmp_path, path="/tenant") as issuer:
        assert issuer.metadata()["credential_issuer"] == issuer.url
        assert issuer.http.get(issuer.well_known("jwt-vc-issuer")).json()["issuer"] == issuer.url
        assert credentials_of(issuer.credential())


def test_meta_12_every_configuration_has_a_scope(issuer: Issuer) -> None:
    supported = issuer.metadata()["credential_configurations_supported"]
    assert [name for name, one in supported.items() if one["scope"] != name] == []


def test_meta_06_one_entry_for_each_language(issuer: Issuer) -> None:
    metadata = issuer.metadata()
    displays = [metadata["display"]]
    for one in metadata["credential_configurations_supported"].values():
        described = one["credential_metadata"]
        displays += [described["display"], *(claim["display"] for claim in described["claims"])]
    for entries in displays:
        locales = [entry["locale"] for entry in entries]
        assert len(set(locales)) == len(locales) == 3


def test_clm_01_clm_02_claims_are_described_once_and_mandatory_ones_are_issued(
    issuer: Issuer,
) -> None:
    for name, one in issuer.metadata()["credential_configurations_supported"].items():
        if one["format"] != "dc+sd-jwt":  # those are in `test_formats.py`
            continue
        paths = [tuple(claim["path"]) for claim in one["credential_metadata"]["claims"]]
        assert len(set(paths)) == len(paths)
        answer = issuer.credential(issuer.asked(configuration=name))
        [credential] = credentials_of(answer)
        assert credential.endswith("~")
        disclosures = [decoded(part) for part in credential.split("~")[1:-1]]
        names = {part[1] for part in disclosures if len(part) == 3}
        mandatory = {path[-1] for path in paths}
        assert mandatory <= names


# Nonces.


def test_non_01_non_02_a_nonce_for_nothing(issuer: Issuer) -> None:
    values = set()
    for _ in range(20):
        answer = issuer.http.post(f"{issuer.url}/nonce")
        assert (answer.status_code, list(answer.json())) == (200, ["c_nonce"])
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        values.add(answer.json()["c_nonce"])
    assert len(values) == 20
    assert min(map(len, values)) >= 32
    assert issuer.http.get(f"{issuer.url}/nonce").status_code == 405


def test_non_06_a_nonce_ends(made: Made) -> None:
    issuer = made(nonce_lifetime_s=0)
    assert error_of(issuer.credential()) == (400, "invalid_nonce")


# Key proofs.


@pytest.mark.parametrize(
    ("ahead", "taken"), [(-290, True), (290, True), (-400, False), (400, False)]
)
def test_prf_06_clocks_may_differ(ahead: int, taken: bool, issuer: Issuer) -> None:
    proof = issuer.proof({}, {"iat": int(time.time()) + ahead, "sub": "x"})
    answer = issuer.credential(issuer.asked(proof))
    assert answer.status_code == (200 if taken else 400), answer.text


def test_vpr_01_an_end_that_is_named_is_kept_to(issuer: Issuer) -> None:
    now = int(time.time())
    for exp, status in ((now + 9, 200), (now - 100, 400), (1, 400), ("never", 400)):
        answer = issuer.credential(issuer.asked(issuer.proof({}, {"exp": exp})))
        assert answer.status_code == status, exp


@pytest.mark.parametrize("header", ["kid", "x5c"])
def test_prf_01_only_one_reference_to_the_key(header: str, issuer: Issuer) -> None:
    both = {"kid": did_jwk(issuer.key), "x5c": Authority().x5c(issuer.key)}
    public = issuer.key.as_dict(private=False)
    proof = issuer.proof({header: both[header], "jwk": public})
    assert error_of(issuer.credential(issuer.asked(proof))) == (400, "invalid_proof")


def test_prf_02_aud_is_a_string(issuer: Issuer) -> None:
    for aud in ([issuer.url], f"{issuer.url}/", f"{issuer.url}/credential", issuer.server.url):
        proof = issuer.proof({}, {"aud": aud})
        assert error_of(issuer.credential(issuer.asked(proof))) == (400, "invalid_proof")


def test_cred_02_an_identifier_where_one_was_given(issuer: Issuer) -> None:
    detail = {
        "type": "openid_credential",
        "credential_configuration_id": "pid",
        "credential_identifiers": ["one", "two"],
    }
    token = issuer.token(authorization_details=[detail], scope=None)
    for identifier in ("one", "two"):
        asked = {"credential_identifier": identifier, "proofs": issuer.asked()["proofs"]}
        assert credentials_of(issuer.credential(asked, token))
    for wrong, error in (
        ({"credential_identifier": "three"}, "unknown_credential_identifier"),
        ({"credential_identifier": ["one"]}, "unknown_credential_identifier"),
        ({"credential_configuration_id": "pid"}, "invalid_credential_request"),
        ({"credential_configuration_id": ["pid"]}, "unknown_credential_configuration"),
        (
            {"credential_identifier": "one", "credential_configuration_id": "pid"},
            "invalid_credential_request",
        ),
        ({}, "invalid_credential_request"),
    ):
        asked = {**wrong, "proofs": issuer.asked()["proofs"]}
        assert error_of(issuer.credential(asked, token)) == (400, error), wrong


def test_cred_08_one_token_is_good_for_several_requests(issuer: Issuer) -> None:
    token = issuer.token()
    for name in ("pid", "diploma", "pid"):
        assert credentials_of(issuer.credential(issuer.asked(configuration=name), token))


def test_cred_01_the_token_comes_in_the_header_only(issuer: Issuer) -> None:
    token, headers = issuer.token(), {"Content-Type": "application/json"}
    body = json.dumps({**issuer.asked(), "access_token": token}).encode()
    url = f"{issuer.url}/credential?access_token={token}"
    assert issuer.http.post(url, content=body, headers=headers).status_code == 401


def test_res_01_what_is_issued_at_once_has_no_transaction(issuer: Issuer) -> None:
    answer = issuer.credential()
    assert set(answer.json()) == {"credentials", "notification_id"}
    assert [set(one) for one in answer.json()["credentials"]] == [{"credential"}]
    assert answer.headers["cache-control"] == "no-store"


def test_auth_07_an_issuer_state_opens_nothing(issuer: Issuer) -> None:
    link = issuer.as_servers.offer()
    [(_, value)] = parse_qsl(urlsplit(link).query)
    state = json.loads(value)["grants"]["authorization_code"]["issuer_state"]
    asked = {**issuer.asked(), "issuer_state": state}
    assert issuer.credential(asked, state).status_code == 401


def did_jwk(key: Any) -> str:
    octets = json.dumps(key.as_dict(private=False)).encode()
    return f"did:jwk:{base64.urlsafe_b64encode(octets).rstrip(b'=').decode()}#0"


def test_prf_01_a_proof_names_its_key_by_jwk_kid_or_x5c(issuer: Issuer) -> None:
    chain = Authority().x5c(issuer.key)
    for header in ({}, {"kid": did_jwk(issuer.key)}, {"x5c": chain}):
        answer = issuer.credential(issuer.asked(issuer.proof(header)))
        assert bound_to(credentials_of(answer)) == thumbprints(issuer.key), header


@pytest.mark.parametrize(
    ("alg", "key"),
    [("ES384", ECKey.generate_key("P-384")), ("EdDSA", OKPKey.generate_key("Ed25519"))],
    ids=["ES384", "EdDSA"],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_cred_04_algorithms_that_are_announced(alg: str, key: Any, issuer: Issuer) -> None:
    pid = issuer.metadata()["credential_configurations_supported"]["pid"]
    assert alg in pid["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"]
    for header in ({"alg": alg}, {"alg": alg, "kid": did_jwk(key)}):
        proof = with_algorithm(issuer, header, key)
        answer = issuer.credential(issuer.asked(proof))
        cnf = claims_of(credentials_of(answer)[0])["cnf"]["jwk"]
        assert cnf == {n: key.as_dict(private=False)[n] for n in cnf}


def with_algorithm(issuer: Issuer, header: dict[str, Any], key: Any) -> str:
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    registry.max_header_length = 8_000
    named = {} if "kid" in header else {"jwk": key.as_dict(private=False)}
    whole = {"typ": "openid4vci-proof+jwt", **named, **header}
    claims = {"aud": issuer.url, "iat": int(time.time()), "nonce": issuer.nonce()}
    return jws.serialize_compact(whole, json.dumps(claims), key, registry=registry)


def test_cred_04_a_batch_gives_a_credential_for_each_key(issuer: Issuer) -> None:
    made = keys(10)
    nonce = issuer.nonce()
    proofs = [issuer.proof({}, {"nonce": nonce}, key) for key in made]
    answer = issuer.credential(issuer.asked(*proofs))
    assert bound_to(credentials_of(answer)) == thumbprints(*made)
    places = {claims_of(one)["status"]["status_list"]["idx"] for one in credentials_of(answer)}
    assert len(places) == 10


def test_non_04_a_batch_that_fails_leaves_its_nonce(issuer: Issuer) -> None:
    nonce = issuer.nonce()
    good, bad = keys(2)
    right = issuer.proof({}, {"nonce": nonce}, good)
    wrong = issuer.proof({}, {"nonce": nonce, "aud": "https://other.example"}, bad)
    assert error_of(issuer.credential(issuer.asked(right, wrong))) == (400, "invalid_proof")
    assert len(credentials_of(issuer.credential(issuer.asked(right)))) == 1
    assert error_of(issuer.credential(issuer.asked(right))) == (400, "invalid_nonce")


def test_res_02_credentials_come_in_no_particular_order(issuer: Issuer) -> None:
    orders = set()
    made = keys(4)
    for _ in range(12):
        nonce = issuer.nonce()
        proofs = [issuer.proof({}, {"nonce": nonce}, key) for key in made]
        given = credentials_of(issuer.credential(issuer.asked(*proofs)))
        found = [bound_to([one]).pop() for one in given]
        orders.add(tuple(found))
    assert len(orders) > 1


def test_cred_04_too_many_proofs_and_two_by_one_key(issuer: Issuer) -> None:
    many = [issuer.proof(key=key) for key in keys(11)]
    assert error_of(issuer.credential(issuer.asked(*many))) == (400, "invalid_proof")
    twice = [issuer.proof(), issuer.proof()]
    assert error_of(issuer.credential(issuer.asked(*twice))) == (400, "invalid_proof")


@pytest.mark.parametrize(
    ("iss", "client_id", "taken"),
    [
        ("oid4vci-wallet", "oid4vci-wallet", True),
        (None, "oid4vci-wallet", True),
        (None, None, True),
        ("other", "oid4vci-wallet", False),
        ("oid4vci-wallet", None, False),
        ("", None, False),
    ],
)
def test_prf_03_iss_is_the_client_or_nothing(
    iss: str | None, client_id: str | None, taken: bool, issuer: Issuer
) -> None:
    asked = issuer.asked(issuer.proof({}, {"iss": iss}))
    answer = issuer.credential(asked, issuer.token(client_id=client_id))
    assert answer.status_code == (200 if taken else 400)


def test_vpr_01_proofs_of_a_type_that_is_not_announced(issuer: Issuer) -> None:
    for kind in ("attestation", "di_vp", "cwt", "ldp_vp"):
        asked = {**issuer.asked(), "proofs": {kind: [issuer.proof()]}}
        assert error_of(issuer.credential(asked)) == (400, "invalid_proof")


def test_cred_04_an_issuer_may_want_another_proof_algorithm_and_name(made: Made) -> None:
    issuer = made(
        proof_types=["jwt", "di_vp"], proof_algorithms=["ES384"], binding_methods=["did:jwk"]
    )
    pid = issuer.metadata()["credential_configurations_supported"]["pid"]
    assert pid["cryptographic_binding_methods_supported"] == ["did:jwk"]
    assert pid["proof_types_supported"]["jwt"] == {"proof_signing_alg_values_supported": ["ES384"]}
    key = ECKey.generate_key("P-384")
    right = with_algorithm(issuer, {"alg": "ES384", "kid": did_jwk(key)}, key)
    assert credentials_of(issuer.credential(issuer.asked(right)))
    by_jwk = with_algorithm(issuer, {"alg": "ES384"}, key)
    another = with_algorithm(issuer, {"alg": "ES256", "kid": did_jwk(issuer.key)}, issuer.key)
    for wrong in (by_jwk, another):
        assert error_of(issuer.credential(issuer.asked(wrong))) == (400, "invalid_proof")


def test_div_01_presentations_are_announced_by_their_suites(made: Made) -> None:
    issuer = made(proof_types=["di_vp"])
    pid = issuer.metadata()["credential_configurations_supported"]["pid"]
    suites = ["ecdsa-jcs-2019", "eddsa-jcs-2022"]
    assert pid["proof_types_supported"] == {"di_vp": {"proof_signing_alg_values_supported": suites}}
    assert error_of(issuer.credential()) == (400, "invalid_proof")
    holder = Holder("ES256", issuer.url)
    proof = holder.presentation({"challenge": issuer.nonce()})
    asked = {**issuer.asked("unused"), "proofs": {"di_vp": [proof]}}
    [credential] = credentials_of(issuer.credential(asked))
    assert claims_of(credential)["cnf"]["jwk"] == holder.jwk


# Key attestations.


def test_meta_11_key_attestations_are_demanded(attesting: Issuer) -> None:
    kinds = attesting.metadata()["credential_configurations_supported"]["pid"][
        "proof_types_supported"
    ]
    assert set(kinds) == {"jwt", "attestation"}
    for kind in kinds.values():
        assert kind["key_attestations_required"] == {"key_storage": ["iso_18045_moderate"]}
    refused = attesting.credential()
    assert error_of(refused) == (400, "invalid_proof")


def test_meta_11_no_particular_level_is_an_empty_object(
    made: Made, attesting: Issuer, provider: WalletProvider
) -> None:
    file = attesting.folder.parent / "wallet-providers.pem"
    issuer = made(key_attestation_anchors_file=str(file), key_attestations_required=True)
    kinds = issuer.metadata()["credential_configurations_supported"]["pid"]["proof_types_supported"]
    assert kinds["jwt"]["key_attestations_required"] == {}
    token = provider.attestation([issuer.key], nonce=issuer.nonce(), key_storage=None)
    assert credentials_of(issuer.credential(attested(issuer, token)))


def attested(issuer: Issuer, token: str, kind: str = "attestation") -> dict[str, Any]:
    if kind == "attestation":
        return {**issuer.asked("unused"), "proofs": {"attestation": [token]}}
    return issuer.asked(issuer.proof({"key_attestation": token}))


def test_att_01_an_attestation_alone_is_a_proof(
    attesting: Issuer, provider: WalletProvider
) -> None:
    made = keys(3)
    token = provider.attestation(made, nonce=attesting.nonce(), exp=None)
    answer = attesting.credential(attested(attesting, token))
    assert bound_to(credentials_of(answer)) == thumbprints(*made)
    again = attesting.credential(attested(attesting, token))
    assert error_of(again) == (400, "invalid_nonce")


def test_prf_05_an_attestation_in_a_proof_stands_for_all_its_keys(
    attesting: Issuer, provider: WalletProvider
) -> None:
    made = [attesting.key, *keys(2)]
    token = provider.attestation(made, nonce=attesting.nonce())
    answer = attesting.credential(attested(attesting, token, "jwt"))
    assert bound_to(credentials_of(answer)) == thumbprints(*made)


def test_haip_05_proofs_of_a_batch_may_carry_one_attestation(
    attesting: Issuer, provider: WalletProvider
) -> None:
    made = keys(3)
    nonce = attesting.nonce()
    token = provider.attestation(made, nonce=nonce)
    proofs = [attesting.proof({"key_attestation": token}, {"nonce": nonce}, key) for key in made]
    answer = attesting.credential(attesting.asked(*proofs))
    assert bound_to(credentials_of(answer)) == thumbprints(*made)


def test_att_01_more_keys_than_a_batch_give_fewer_credentials(
    attesting: Issuer, provider: WalletProvider
) -> None:
    token = provider.attestation(keys(12), nonce=attesting.nonce())
    assert len(credentials_of(attesting.credential(attested(attesting, token)))) == 10


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": "keyattestation+jwt"}, {}),
        ({"x5c": None}, {}),
        ({"x5c": []}, {}),
        ({"x5c": ["AAAA"]}, {}),
        ({"x5c": None, "jwk": ECKey.generate_key("P-256").as_dict(private=False)}, {}),
        ({}, {"iat": None}),
        ({}, {"iat": 4_000_000_000}),
        ({}, {"exp": 1}),
        ({}, {"exp": "later"}),
        ({}, {"attested_keys": None}),
        ({}, {"attested_keys": []}),
        ({}, {"attested_keys": ["key"]}),
        ({}, {"attested_keys": [{"kty": "oct", "k": "AAAA"}]}),
        ({}, {"key_storage": None}),
        ({}, {"key_storage": ["iso_18045_basic"]}),
        ({}, {"key_storage": "iso_18045_high"}),
        ({}, {"nonce": None}),
    ],
)
@pytest.mark.parametrize("kind", ["attestation", "jwt"])
def test_att_02_att_03_attestations_that_are_refused(
    kind: str,
    header: dict[str, Any],
    claims: dict[str, Any],
    attesting: Issuer,
    provider: WalletProvider,
) -> None:
    right = {"nonce": attesting.nonce(), **claims}
    token = provider.attestation([attesting.key], header, **right)
    refused = attesting.credential(attested(attesting, token, kind))
    assert error_of(refused) == (400, "invalid_proof")


def test_att_02_an_attestation_in_a_proof_needs_exp(
    attesting: Issuer, provider: WalletProvider
) -> None:
    token = provider.attestation([attesting.key], nonce=attesting.nonce(), exp=None)
    refused = attesting.credential(attested(attesting, token, "jwt"))
    assert error_of(refused) == (400, "invalid_proof")


def test_prf_05_a_proof_by_a_key_that_is_not_attested(
    attesting: Issuer, provider: WalletProvider
) -> None:
    token = provider.attestation(keys(1), nonce=attesting.nonce())
    refused = attesting.credential(attested(attesting, token, "jwt"))
    assert error_of(refused) == (400, "invalid_proof")


def test_haip_05_chains_that_end_elsewhere_or_in_the_anchor(
    attesting: Issuer, provider: WalletProvider
) -> None:
    stranger = WalletProvider(Authority())
    from_stranger = stranger.attestation([attesting.key], nonce=attesting.nonce())
    anchor = base64.b64encode(
        x509.load_pem_x509_certificate(provider.authority.pem().encode()).public_bytes(
            encoding=serialization.Encoding.DER
        )
    ).decode()
    with_anchor = provider.attestation(
        [attesting.key],
        {"x5c": [*provider.authority.x5c(provider.key), anchor]},
        nonce=attesting.nonce(),
    )
    out_of_date = provider.attestation(
        [attesting.key],
        {"x5c": provider.authority.x5c(provider.key, days=-1)},
        nonce=attesting.nonce(),
    )
    for token in (from_stranger, with_anchor, out_of_date):
        refused = attesting.credential(attested(attesting, token))
        assert error_of(refused) == (400, "invalid_proof")


def test_att_01_exactly_one_attestation(attesting: Issuer, provider: WalletProvider) -> None:
    nonce = attesting.nonce()
    tokens = [provider.attestation(keys(1), nonce=nonce) for _ in range(2)]
    asked = {**attesting.asked("unused"), "proofs": {"attestation": tokens}}
    assert error_of(attesting.credential(asked)) == (400, "invalid_proof")


# DPoP.


def test_haip_01_a_bound_token_needs_its_key(issuer: Issuer) -> None:
    token = issuer.bound_token()
    headers = {"Authorization": f"DPoP {token}", "DPoP": issuer.dpop(token, "/credential")}
    assert credentials_of(issuer.credential(None, **headers))
    again = issuer.credential(None, **headers)
    assert_challenged(again, 401, "DPoP", "invalid_dpop_proof")
    for scheme in ("dpop", "DPOP"):
        proof = issuer.dpop(token, "/credential")
        answer = issuer.credential(None, Authorization=f"{scheme} {token}", DPoP=proof)
        assert credentials_of(answer)


def assert_challenged(answer: httpx.Response, status: int, scheme: str, error: str) -> None:
    assert answer.status_code == status, answer.text
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith(f"{scheme} ")
    assert f'error="{error}"' in challenge


def test_dpop_proofs_that_are_refused(issuer: Issuer) -> None:
    token = issuer.bound_token()
    for changes in (
        {"htu": f"{issuer.url}/nonce"},
        {"htm": "GET"},
        {"ath": None},
        {"iat": 1},
        {"jti": None},
    ):
        proof = issuer.dpop(token, "/credential", **changes)
        answer = issuer.credential(None, Authorization=f"DPoP {token}", DPoP=proof)
        assert_challenged(answer, 401, "DPoP", "invalid_dpop_proof")
    missing = issuer.credential(None, Authorization=f"DPoP {token}")
    assert_challenged(missing, 401, "DPoP", "invalid_dpop_proof")


def test_a_bound_token_is_no_bearer_token_nor_the_other_way_round(issuer: Issuer) -> None:
    bound, bearer = issuer.bound_token(), issuer.token()
    assert_challenged(issuer.credential(None, bound), 401, "Bearer", "invalid_token")
    proof = issuer.dpop(bearer, "/credential")
    answer = issuer.credential(None, Authorization=f"DPoP {bearer}", DPoP=proof)
    assert_challenged(answer, 401, "DPoP", "invalid_token")
    issuer.dpop_key = ECKey.generate_key("P-256")
    proof = issuer.dpop(bound, "/credential")
    stolen = issuer.credential(None, Authorization=f"DPoP {bound}", DPoP=proof)
    assert_challenged(stolen, 401, "DPoP", "invalid_token")


@pytest.mark.parametrize("cnf", [{"x5t#S256": "x"}, {"jkt": None}, {}, [], "jkt", None])
def test_a_token_bound_in_a_way_that_is_not_known(cnf: object, issuer: Issuer) -> None:
    """It must not pass for a bearer token (RFC 7800, section 3.1)."""
    token = issuer.server.bound(issuer.url, cnf)
    assert_challenged(issuer.credential(None, token), 401, "Bearer", "invalid_token")


@pytest.mark.parametrize("path", ["/credential", "/deferred-credential", "/notification"])
def test_haip_01_every_endpoint_wants_a_nonce(path: str, made: Made) -> None:
    issuer = made(profile="haip")
    token = issuer.bound_token()
    refused = issuer.post(path, {}, Authorization=f"DPoP {token}", DPoP=issuer.dpop(token, path))
    assert_challenged(refused, 401, "DPoP", "use_dpop_nonce")
    nonce = refused.headers["dpop-nonce"]
    proof = issuer.dpop(token, path, nonce)
    taken = issuer.post(path, {}, Authorization=f"DPoP {token}", DPoP=proof)
    assert taken.status_code == 400
    assert taken.json()["error"].startswith("invalid_")
    assert taken.headers["dpop-nonce"]


def test_haip_01_bearer_tokens_are_refused(made: Made) -> None:
    issuer = made(profile="haip")
    refused = issuer.credential(None, issuer.token())
    assert refused.status_code == 401
    assert refused.headers.get_list("www-authenticate") == ['DPoP algs="ES256 ES384 EdDSA"']


def test_non_03_the_nonce_endpoint_gives_a_dpop_nonce_too(made: Made) -> None:
    issuer = made(profile="haip")
    answer = issuer.http.post(f"{issuer.url}/nonce")
    nonce = answer.headers["dpop-nonce"]
    assert nonce != answer.json()["c_nonce"]
    token = issuer.bound_token()
    proof = issuer.dpop(token, "/credential", nonce)
    asked = issuer.asked(issuer.proof({}, {"nonce": answer.json()["c_nonce"]}))
    answer = issuer.credential(asked, Authorization=f"DPoP {token}", DPoP=proof)
    assert credentials_of(answer)


def test_a_wrong_dpop_proof_leaves_the_c_nonce(made: Made) -> None:
    issuer = made(profile="haip")
    token, asked = issuer.bound_token(), issuer.asked()
    first = issuer.credential(
        asked, Authorization=f"DPoP {token}", DPoP=issuer.dpop(token, "/credential")
    )
    proof = issuer.dpop(token, "/credential", first.headers["dpop-nonce"])
    answer = issuer.credential(asked, Authorization=f"DPoP {token}", DPoP=proof)
    assert credentials_of(answer)


def test_haip_08_es256_only(made: Made) -> None:
    kinds = made(profile="haip").metadata()["credential_configurations_supported"]["pid"]
    algorithms = kinds["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"]
    assert algorithms == ["ES256"]


@pytest.mark.parametrize("by", ["value", "reference"])
@pytest.mark.parametrize(
    ("settings", "scheme"),
    [
        ({}, "openid-credential-offer"),
        ({"profile": "lenient"}, "openid-credential-offer"),
        ({"profile": "haip"}, "haip-vci"),
    ],
)
def test_off_15_haip_03_the_scheme_of_offers(
    settings: dict[str, str], scheme: str, by: str, made: Made
) -> None:
    issuer = made(**settings)
    link = issuer.as_servers.offer("pid", by)
    assert link.partition("?")[0] == f"{scheme}://"
    given = read_offer_link(link)
    if by == "value":
        assert isinstance(given, CredentialOffer)
        assert given.credential_issuer == issuer.url
    else:
        assert isinstance(given, OfferByReference)


# Encryption.


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"])
@pytest.mark.parametrize("more", [{}, {"zip": "DEF"}], ids=["plain", "deflated"])
def test_enc_01_request_and_response_are_encrypted(
    enc: str, more: dict[str, str], issuer: Issuer
) -> None:
    wallet = ECKey.generate_key("P-256")
    jwk = {**wallet.as_dict(private=False), "alg": "ECDH-ES", "kid": "mine", "use": "enc"}
    asked = issuer.asked(credential_response_encryption={"jwk": jwk, "enc": enc, **more})
    body = issuer.sealed(asked, enc, **more)
    answer = issuer.credential(body, **{"Content-Type": "application/jwt"})
    assert answer.status_code == 200, answer.text
    header = decoded(answer.text.split(".")[0])
    expected = {"alg": "ECDH-ES", "enc": enc, "kid": "mine", **more}
    assert {name: header.get(name) for name in expected} == expected
    [one] = opened(answer, wallet)["credentials"]
    assert bound_to([one["credential"]]) == thumbprints(issuer.key)


def test_cred_05_an_encrypted_request_alone_is_answered_plainly(issuer: Issuer) -> None:
    assert credentials_of(issuer.encrypted("/credential", issuer.asked()))


def test_cred_05_a_plain_request_cannot_ask_for_encryption(issuer: Issuer) -> None:
    asked = issuer.asked(credential_response_encryption=wish())
    assert error_of(issuer.credential(asked)) == (400, "invalid_encryption_parameters")


def wish(**changes: Any) -> dict[str, Any]:
    jwk = {**ECKey.generate_key("P-256").as_dict(private=False), "alg": "ECDH-ES"}
    whole = {"jwk": jwk, "enc": "A128GCM", **changes}
    return {name: value for name, value in whole.items() if value is not None}


def bad_wishes() -> dict[str, Any]:
    public = ECKey.generate_key("P-256").as_dict(private=False)
    return {
        "no object": "x",
        "no jwk": wish(jwk=None),
        "jwk no object": wish(jwk="x"),
        "no alg": wish(jwk=public),
        "another alg": wish(jwk={**public, "alg": "RSA-OAEP-256"}),
        "for signatures": wish(jwk={**public, "alg": "ECDH-ES", "use": "sig"}),
        "no enc": wish(enc=None),
        "another enc": wish(enc="A192GCM"),
        "another zip": wish(zip="GZ"),
        "private key": wish(
            jwk={**ECKey.generate_key("P-256").as_dict(private=True), "alg": "ECDH-ES"}
        ),
        "no curve": wish(jwk={**public, "alg": "ECDH-ES", "crv": "none"}),
        "no point": wish(jwk={**public, "alg": "ECDH-ES", "x": "AAAA"}),
        "a key for signatures": wish(
            jwk={**OKPKey.generate_key("Ed25519").as_dict(private=False), "alg": "ECDH-ES"}
        ),
    }


@pytest.mark.parametrize("name", bad_wishes())
def test_err_02_encryption_that_cannot_be_had(name: str, issuer: Issuer) -> None:
    asked = issuer.asked(credential_response_encryption=bad_wishes()[name])
    refused = issuer.encrypted("/credential", asked)
    assert error_of(refused) == (400, "invalid_encryption_parameters")
    assert refused.headers["content-type"] == "application/json"
    later = issuer.asked(asked["proofs"]["jwt"][0])
    assert credentials_of(issuer.credential(later)), "the c_nonce was burned"


def test_err_02_requests_that_cannot_be_decrypted(issuer: Issuer) -> None:
    jwt = {"Content-Type": "application/jwt"}
    right = issuer.sealed(issuer.asked())
    head, *rest = right.split(b".")
    bombed = issuer.sealed({"padding": "0" * 2_000_000}, zip="DEF")
    for body in (b"", b"a.b.c.d.e", b"....", right[:-4] + b"AAAA", head, bombed):
        refused = issuer.credential(body, **jwt)
        assert error_of(refused) == (400, "invalid_encryption_parameters"), body[:30]
    assert rest
    no_json = issuer.credential(issuer.sealed("text"), **jwt)
    assert error_of(no_json) == (400, "invalid_credential_request")


def test_cred_06_enc_02_encryption_that_is_required(made: Made) -> None:
    issuer = made(request_encryption="required", response_encryption="required")
    metadata = issuer.metadata()
    assert metadata["credential_request_encryption"]["encryption_required"] is True
    assert metadata["credential_response_encryption"]["encryption_required"] is True
    refused = issuer.credential()
    assert error_of(refused) == (400, "invalid_encryption_parameters")
    half = issuer.encrypted("/credential", issuer.asked())
    assert error_of(half) == (400, "invalid_encryption_parameters")
    wallet = ECKey.generate_key("P-384")
    jwk = {**wallet.as_dict(private=False), "alg": "ECDH-ES"}
    asked = issuer.asked(credential_response_encryption={"jwk": jwk, "enc": "A256GCM"})
    assert opened(issuer.encrypted("/credential", asked), wallet)["credentials"]


def test_enc_01_the_key_for_requests_stays(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        with credential_issuer(tmp_path) as issuer:
            found += issuer.metadata()["credential_request_encryption"]["jwks"]["keys"]
    assert found[0] == found[1]


# Deferred credentials.


def test_def_03_res_01_a_deferred_credential_waits_for_the_operator(made: Made) -> None:
    issuer = made(deferred=["diploma"], deferred_interval_s=7)
    made_keys = keys(2)
    proofs = [issuer.proof(key=key) for key in made_keys]
    deferred = issuer.credential(issuer.asked(*proofs, configuration="diploma"))
    assert deferred.status_code == 202
    transaction = deferred.json()["transaction_id"]
    assert deferred.json() == {"transaction_id": transaction, "interval": 7}
    asked = {"transaction_id": transaction}
    pending = issuer.post("/deferred-credential", asked)
    assert (pending.status_code, pending.json()) == (202, deferred.json())
    with operator(issuer.as_servers) as desk:
        desk.decide("approve")
    answer = issuer.post("/deferred-credential", asked)
    assert bound_to(credentials_of(answer)) == thumbprints(*made_keys)
    assert answer.json()["notification_id"]
    again = issuer.post("/deferred-credential", asked)
    assert error_of(again) == (400, "invalid_transaction_id")
    assert credentials_of(issuer.credential())  # what is not deferred comes at once


def test_def_04_a_deferred_credential_is_denied(made: Made) -> None:
    issuer = made(deferred=["diploma"], deferred_interval_s=7)
    deferred = issuer.credential(issuer.asked(configuration="diploma")).json()
    with operator(issuer.as_servers) as desk:
        desk.decide("deny")
    for _ in range(2):
        refused = issuer.post("/deferred-credential", deferred)
        assert error_of(refused) == (400, "credential_request_denied")


def test_def_01_a_transaction_belongs_to_one_wallet_and_person(made: Made) -> None:
    issuer = made(deferred=["diploma"], deferred_interval_s=7)
    deferred = issuer.credential(issuer.asked(configuration="diploma")).json()
    for other in (issuer.token(sub="e04d21f7"), issuer.token(client_id="other")):
        refused = issuer.post("/deferred-credential", deferred, other)
        assert error_of(refused) == (400, "invalid_transaction_id")
    for wrong in ({}, {"transaction_id": 7}, {"transaction_id": "unknown"}):
        refused = issuer.post("/deferred-credential", wrong)
        assert error_of(refused) == (400, "invalid_transaction_id")
    no_json = issuer.post("/deferred-credential", b"{")
    assert error_of(no_json) == (400, "invalid_credential_request")
    assert issuer.post("/deferred-credential", deferred, "hello").status_code == 401
    with operator(issuer.as_servers) as desk:
        desk.decide("deny")


def test_def_03_time_approves_and_a_race_gives_it_once(made: Made) -> None:
    issuer = made(deferred=["pid"], approve_after_s=0)
    deferred = issuer.credential().json()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: issuer.post("/deferred-credential", deferred), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 15


def test_res_05_a_deferred_answer_is_encrypted_anew(made: Made) -> None:
    issuer = made(deferred=["diploma"], deferred_interval_s=7)
    first, second = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")

    def wanted(key: ECKey) -> dict[str, Any]:
        jwk = {**key.as_dict(private=False), "alg": "ECDH-ES"}
        return {"credential_response_encryption": {"jwk": jwk, "enc": "A128GCM"}}

    asked = issuer.asked(configuration="diploma", **wanted(first))
    answer = issuer.encrypted("/credential", asked)
    assert answer.status_code == 202
    named = {"transaction_id": opened(answer, first)["transaction_id"]}
    with operator(issuer.as_servers) as desk:
        desk.decide("approve")
    answer = issuer.encrypted("/deferred-credential", {**named, **wanted(second)})
    assert opened(answer, second)["credentials"]


def test_def_05_a_transaction_survives_a_restart(tmp_path: Path) -> None:
    with credential_issuer(tmp_path, deferred=["pid"]) as issuer:
        deferred = issuer.credential().json()
    with credential_issuer(tmp_path, deferred=["pid"], approve_after_s=0) as issuer:
        assert credentials_of(issuer.post("/deferred-credential", deferred))


def test_def_01_a_transaction_ends(made: Made) -> None:
    issuer = made(deferred=["pid"], transaction_lifetime_s=0)
    deferred = issuer.credential().json()
    refused = issuer.post("/deferred-credential", deferred)
    assert error_of(refused) == (400, "invalid_transaction_id")


# Notifications.


def test_not_02_a_notification_is_noted_and_may_come_again(issuer: Issuer) -> None:
    told = {"notification_id": issuer.credential().json()["notification_id"]}
    for event in ("credential_accepted", "credential_accepted", "credential_deleted"):
        answer = issuer.post("/notification", {**told, "event": event, "unknown": 1})
        assert (answer.status_code, answer.content) == (204, b"")
    failed = {**told, "event": "credential_failure", "event_description": "The disk is full"}
    assert issuer.post("/notification", failed).status_code == 204
    with operator(issuer.as_servers) as desk:
        assert desk.events()[0] == "credential failure: The disk is full"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"notification_id": None}, "invalid_notification_request"),
        ({"notification_id": 7}, "invalid_notification_request"),
        ({"event": None}, "invalid_notification_request"),
        ({"event": "credential_lost"}, "invalid_notification_request"),
        ({"event_description": 'a "quotation"'}, "invalid_notification_request"),
        ({"event_description": "\u00e9"}, "invalid_notification_request"),
        ({"event_description": 7}, "invalid_notification_request"),
        ({"notification_id": "unknown"}, "invalid_notification_id"),
    ],
)
def test_not_02_notifications_that_are_refused(
    changes: dict[str, Any], error: str, issuer: Issuer
) -> None:
    told = {"notification_id": "n", "event": "credential_accepted", **changes}
    told = {name: value for name, value in told.items() if value is not None}
    assert error_of(issuer.post("/notification", told)) == (400, error)


def test_not_02_of_one_s_own_credentials_only(issuer: Issuer) -> None:
    told = {
        "notification_id": issuer.credential().json()["notification_id"],
        "event": "credential_accepted",
    }
    refused = issuer.post("/notification", told, issuer.token(sub="e04d21f7"))
    assert error_of(refused) == (400, "invalid_notification_id")
    assert issuer.post("/notification", told, "hello").status_code == 401
    no_json = issuer.post("/notification", b"{")
    assert error_of(no_json) == (400, "invalid_notification_request")


# Status.


def status_of(issuer: Issuer, credential: str) -> int:
    """Token Status List, section 8.3, by hand."""
    reference = claims_of(credential)["status"]["status_list"]
    answer = issuer.http.get(reference["uri"], headers={"Accept": "application/statuslist+jwt"})
    assert answer.headers["content-type"] == "application/statuslist+jwt"
    payload = checked(answer.text, issuer, "statuslist+jwt")
    assert payload["sub"] == reference["uri"]
    assert payload["exp"] > time.time() > payload["iat"] - 5
    assert payload["ttl"] > 0
    statuses = payload["status_list"]
    packed = statuses["lst"]
    octets = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    bits = statuses["bits"]
    idx = reference["idx"]
    return int(octets[idx * bits // 8] >> (idx * bits % 8) & ((1 << bits) - 1))


def test_tsl_04_the_operator_changes_the_status_of_all_copies(issuer: Issuer) -> None:
    nonce = issuer.nonce()
    proofs = [issuer.proof({}, {"nonce": nonce}, key) for key in keys(3)]
    copies = credentials_of(issuer.credential(issuer.asked(*proofs)))
    with operator(issuer.as_servers) as desk:
        for word, value in (("suspended", 2), ("revoked", 1), ("valid", 0)):
            desk.set_status(word)
            assert {status_of(issuer, one) for one in copies} == {value}


def test_tsl_04_the_status_list_is_a_cwt_for_those_who_ask(issuer: Issuer) -> None:
    [credential] = credentials_of(issuer.credential())
    reference = claims_of(credential)["status"]["status_list"]
    with operator(issuer.as_servers) as desk:
        desk.set_status("suspended")
    answer = issuer.http.get(reference["uri"], headers={"Accept": "application/statuslist+cwt"})
    assert answer.headers["content-type"] == "application/statuslist+cwt"
    sign1 = parse_sign1(cbor.decode(answer.content))
    public = x509.load_der_x509_certificate(x5chain_ders(sign1)[0]).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert verify_sign1(sign1, public_jwk=ECKey.import_key(public).as_dict(private=False))
    payload = cbor.decode(sign1.payload or b"")
    assert payload[2] == reference["uri"]
    assert payload[4] > time.time() > payload[6] - 5
    assert payload[65534] > 0
    octets, idx = zlib.decompress(payload[65533]["lst"]), reference["idx"]
    assert payload[65533]["bits"] == 2
    assert octets[idx // 4] >> (idx % 4 * 2) & 3 == 2


def test_sec_07_a_new_credential_leaves_the_old_one_valid(issuer: Issuer) -> None:
    old = credentials_of(issuer.credential())[0]
    new = credentials_of(issuer.credential())[0]
    assert (status_of(issuer, old), status_of(issuer, new)) == (0, 0)


# Several authorization servers.


def test_meta_13_tokens_of_several_authorization_servers(tmp_path: Path) -> None:
    with (
        token_server() as other,
        credential_issuer(tmp_path, further_authorization_servers=[other.url]) as issuer,
    ):
        assert issuer.metadata()["authorization_servers"] == [issuer.server.url, other.url]
        assert credentials_of(issuer.credential())
        assert credentials_of(issuer.credential(None, other.token(issuer.url)))
        forged = signed(
            {"alg": "ES256", "typ": "at+jwt"},
            claims_of(other.token(issuer.url)) | {"iss": issuer.server.url},
            other.key,
        )
        for bad in (forged, other.token(issuer.url, iss="https://evil.example"), "hello", "a.b.c"):
            assert_challenged(issuer.credential(None, bad), 401, "Bearer", "invalid_token")


# What is forgiven.


def test_what_the_lenient_profile_forgives_is_counted(made: Made) -> None:
    strict, lenient = made(), made(profile="lenient")
    given = [
        {
            "type": "openid_credential",
            "credential_configuration_id": "pid",
            "credential_identifiers": ["one"],
        }
    ]
    pid = {"format": "vc+sd-jwt", "vct": "urn:example:pid:1"}
    requests: dict[str, Callable[[Issuer], tuple[dict[str, Any], str]]] = {
        "proof_typ": lambda i: (i.asked(i.proof({"typ": "open4vci-proof+jwt"})), i.token()),
        "proof_iss": lambda i: (i.asked(i.proof({}, {"iss": "did:example:1"})), i.token()),
        "singular_proof": lambda i: (
            {
                "credential_configuration_id": "pid",
                "proof": {"proof_type": "jwt", "jwt": i.proof()},
            },
            i.token(),
        ),
        "format": lambda i: ({**pid, "proofs": {"jwt": [i.proof()]}}, i.token()),
        "unused_identifier": lambda i: (i.asked(), i.token(authorization_details=given)),
    }
    for rule, request in requests.items():
        assert strict.credential(*request(strict)).status_code == 400, rule
        answer = lenient.credential(*request(lenient))
        assert len(credentials_of(answer)) == 1, rule
        assert ("credential" in answer.json()) == (rule == "singular_proof")
        assert f"forgiven: {rule}: " in (lenient.folder / "errors.txt").read_text()
    with operator(lenient.as_servers) as desk:
        page = desk.page()
    assert page.count('data-testid="forgiven"') == len(requests)
    beyond = {"format": "vc+sd-jwt", "vct": "urn:other", "proofs": {"jwt": [lenient.proof()]}}
    assert error_of(lenient.credential(beyond)) == (400, "invalid_credential_request")
    other = lenient.asked(configuration="diploma")
    token = lenient.token(authorization_details=given)
    assert error_of(lenient.credential(other, token)) == (400, "invalid_credential_request")


def test_cred_07_draft_members_beside_the_right_ones_are_ignored(issuer: Issuer) -> None:
    asked = issuer.asked(format="dc+sd-jwt", proof={"proof_type": "jwt", "jwt": "x"})
    assert credentials_of(issuer.credential(asked))
