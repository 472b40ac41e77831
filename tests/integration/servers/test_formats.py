"""Every format that the issuer issues, verified by libraries other than those that made it."""

import base64
import json
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cbor2
import openvc.cbor
import openvc.cose
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from joserfc.jwk import ECKey, OKPKey
from openvc.mdoc import verify_issuer_signed
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite
from openvc.proof.di_jcs import EcdsaJcsProofSuite, EddsaJcsProofSuite
from openvc.proof.errors import SignatureInvalid
from openvc.proof.vc_jwt import VcJwtProofSuite
from pymdoccbor.mso.verifier import MsoVerifier

from reference_servers.credential_issuer.application import prepare
from reference_servers.credential_issuer.settings import Settings
from reference_servers.demo.people import PEOPLE
from tests.integration.servers.client import error_of
from tests.integration.servers.issuer_peers import (
    Issuer,
    claims_of,
    credential_issuer,
    credentials_of,
    decoded,
)
from tests.integration.servers.test_issuer import with_algorithm
from tests.support.operator import operator

Made = Callable[..., Issuer]
DATASETS = PEOPLE[0].datasets()
NAMESPACE = "org.iso.18013.5.1"
DOC_TYPE = "org.iso.18013.5.1.mDL"
SD_JWT_VC = ("pid", "diploma")
"""These have their tests in `test_issuer.py`."""
JWT_VC = ("diploma-jwt", "diploma-jwt-ld")


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
    return made()


def issued(issuer: Issuer, configuration: str, *keys: Any) -> list[Any]:
    proofs = [issuer.proof(key=key) for key in keys or (issuer.key,)]
    return credentials_of(issuer.credential(issuer.asked(*proofs, configuration=configuration)))


def configuration_of(issuer: Issuer, name: str) -> Any:
    return issuer.metadata()["credential_configurations_supported"][name]


def did_jwk(key: ECKey) -> str:
    members = {name: value for name, value in key.as_dict(private=False).items() if name != "kid"}
    octets = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return f"did:jwk:{base64.urlsafe_b64encode(octets).rstrip(b'=').decode()}"


def anchor(issuer: Issuer) -> x509.Certificate:
    return x509.load_pem_x509_certificate((issuer.folder / "issuer" / "ca.pem").read_bytes())


def public_jwk(certificate: x509.Certificate) -> dict[str, Any]:
    key = certificate.public_key()
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return dict(ECKey.import_key(pem).as_dict(private=False))


# Which there are.


def test_every_configuration_that_is_known_is_there(issuer: Issuer) -> None:
    assert set(issuer.metadata()["credential_configurations_supported"]) == set(DATASETS)


def test_those_that_the_settings_name_are_there(made: Made) -> None:
    issuer = made(configurations=["mdl", "diploma"])
    assert set(issuer.metadata()["credential_configurations_supported"]) == {"mdl", "diploma"}
    home = issuer.http.get(issuer.url).text
    assert ("offer-mdl" in home, "offer-pid" in home) == (True, False)
    answer = issuer.credential(issuer.asked(configuration="pid"))
    assert error_of(answer) == (400, "unknown_credential_configuration")


@pytest.mark.parametrize(
    "settings", [{"proof_algorithms": ["ES384", "EdDSA"]}, {"binding_methods": ["did:jwk"]}]
)
def test_no_mobile_documents_without_their_kind_of_proof(
    settings: dict[str, Any], made: Made
) -> None:
    issuer = made(**settings)
    assert "mdl" not in issuer.metadata()["credential_configurations_supported"]


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in SD_JWT_VC])
def test_what_the_metadata_promise_is_issued(name: str, issuer: Issuer) -> None:
    found: dict[str, Callable[[Any], Any]] = {
        "jwt_vc_json": lambda one: claims_of(one)["vc"],
        "jwt_vc_json-ld": lambda one: claims_of(one)["vc"],
        "mso_mdoc": elements,
        "ldp_vc": dict,
    }
    described = configuration_of(issuer, name)
    [credential] = issued(issuer, name)
    tree = found[described["format"]](credential)
    for claim in described["credential_metadata"]["claims"]:
        value = tree
        for part in claim["path"]:
            value = value[part]


@pytest.mark.parametrize("name", DATASETS)
def test_deferred_in_every_format(name: str, made: Made) -> None:
    issuer = made(deferred=list(DATASETS))
    answer = issuer.credential(issuer.asked(configuration=name))
    assert answer.status_code == 202
    with operator(issuer.as_servers) as counter:
        counter.decide("approve")
    fetched = issuer.post(
        "/deferred-credential", {"transaction_id": answer.json()["transaction_id"]}
    )
    assert len(credentials_of(fetched)) == 1


@pytest.mark.parametrize("name", ["mdl", "diploma-jwt", "diploma-ldp"])
def test_what_the_drafts_called_it_by(name: str, made: Made) -> None:
    strict, lenient = made(), made(profile="lenient")
    described = configuration_of(lenient, name)
    members = ("format", "doctype", "credential_definition")
    asked = {member: described[member] for member in members if member in described}
    answer = strict.credential({**asked, "proofs": {"jwt": [strict.proof()]}})
    assert error_of(answer) == (400, "invalid_credential_request")
    proofs = {"jwt": [lenient.proof()]}
    assert len(credentials_of(lenient.credential({**asked, "proofs": proofs}))) == 1


# JWT VCs.


@pytest.mark.parametrize("name", JWT_VC)
def test_a_jwt_vc_by_x5c(name: str, issuer: Issuer) -> None:
    [credential] = issued(issuer, name)
    header, claims = decoded(credential.split(".")[0]), claims_of(credential)
    [leaf] = map(x509.load_der_x509_certificate, map(base64.b64decode, header["x5c"]))
    leaf.verify_directly_issued_by(anchor(issuer))
    described = configuration_of(issuer, name)
    definition = described["credential_definition"]
    assert (header["alg"], header["typ"]) == ("ES256", "JWT")
    assert header["alg"] in described["credential_signing_alg_values_supported"]
    verified = VcJwtProofSuite().verify(
        credential, public_key_jwk=public_jwk(leaf), expected_types=definition["type"]
    )
    assert verified.issuer == issuer.url
    assert claims["sub"] == claims["vc"]["credentialSubject"]["id"] == did_jwk(issuer.key)
    assert claims["jti"].startswith("urn:uuid:")
    assert claims["nbf"] <= time.time() < claims["exp"]
    assert claims["vc"]["type"] == definition["type"]
    contexts = definition.get("@context", ["https://www.w3.org/2018/credentials/v1"])
    assert claims["vc"]["@context"] == contexts
    subject = {n: v for n, v in claims["vc"]["credentialSubject"].items() if n != "id"}
    assert subject == DATASETS[name]
    assert claims["status"]["status_list"]["uri"] == f"{issuer.url}/status-list"


def test_a_jwt_vc_by_kid(made: Made) -> None:
    issuer = made(issuer_key="kid")
    [credential] = issued(issuer, "diploma-jwt")
    header = decoded(credential.split(".")[0])
    keys = issuer.http.get(issuer.well_known("jwt-vc-issuer")).json()["jwks"]["keys"]
    [jwk] = [one for one in keys if one["kid"] == header["kid"]]
    assert "x5c" not in header
    assert VcJwtProofSuite().verify(credential, public_key_jwk=jwk).issuer == issuer.url


@pytest.mark.parametrize("name", JWT_VC)
def test_copies_of_a_jwt_vc_are_of_different_keys(name: str, issuer: Issuer) -> None:
    keys = [ECKey.generate_key("P-256") for _ in range(3)]
    copies = [claims_of(one) for one in issued(issuer, name, *keys)]
    assert {one["sub"] for one in copies} == set(map(did_jwk, keys))
    assert len({one["jti"] for one in copies}) == 3


def test_a_jwt_vc_of_nobody(made: Made) -> None:
    issuer = made(unbound=["diploma-jwt"], status_list=False)
    asked = {"credential_configuration_id": "diploma-jwt"}
    [credential] = credentials_of(issuer.credential(asked))
    claims = claims_of(credential)
    assert {"sub", "status"} & set(claims) == set()
    assert claims["vc"]["credentialSubject"] == DATASETS["diploma-jwt"]


# Data Integrity.

SUITES: dict[str, Any] = {
    "ecdsa-rdfc-2019": EcdsaRdfcProofSuite,
    "ecdsa-jcs-2019": EcdsaJcsProofSuite,
    "eddsa-rdfc-2022": DataIntegrityProofSuite,
    "eddsa-jcs-2022": EddsaJcsProofSuite,
}


@pytest.mark.parametrize("cryptosuite", SUITES)
def test_a_credential_with_a_data_integrity_proof(cryptosuite: str, made: Made) -> None:
    issuer = made(cryptosuite=cryptosuite, proof_issuer="url")
    described = configuration_of(issuer, "diploma-ldp")
    assert described["credential_signing_alg_values_supported"] == [cryptosuite]
    [credential] = issued(issuer, "diploma-ldp")
    proof = credential["proof"]
    accept = {"Accept": "application/cid"}
    document = issuer.http.get(issuer.url, headers=accept).json()
    assert proof["verificationMethod"] in document["assertionMethod"]
    [method] = document["verificationMethod"]
    assert (method["id"], document["id"]) == (proof["verificationMethod"], issuer.url)
    keys = issuer.http.get(issuer.well_known("jwt-vc-issuer")).json()["jwks"]["keys"]
    [listed] = [one for one in keys if one["kid"] == method["id"]]
    assert {name: listed[name] for name in method["publicKeyJwk"]} == method["publicKeyJwk"]
    suite = SUITES[cryptosuite]()
    verified = suite.verify(credential, public_key_jwk=method["publicKeyJwk"])
    assert (verified.issuer, verified.subject) == (issuer.url, did_jwk(issuer.key))
    assert proof["cryptosuite"] == cryptosuite
    definition = described["credential_definition"]
    assert {name: credential[name] for name in definition} == definition
    assert definition["@context"] == [
        "https://www.w3.org/ns/credentials/v2",
        {"@vocab": f"{issuer.url}/terms#"},
    ]
    subject = {n: v for n, v in credential["credentialSubject"].items() if n != "id"}
    assert subject == DATASETS["diploma-ldp"]
    credential["credentialSubject"]["grade"] = "1.0"
    with pytest.raises(SignatureInvalid):
        suite.verify(credential, public_key_jwk=method["publicKeyJwk"])


def test_copies_with_a_proof_are_of_different_keys(issuer: Issuer) -> None:
    keys = [ECKey.generate_key("P-256") for _ in range(3)]
    copies = issued(issuer, "diploma-ldp", *keys)
    assert {one["credentialSubject"]["id"] for one in copies} == set(map(did_jwk, keys))
    assert len({one["id"] for one in copies}) == 3


def test_the_key_of_an_issuer_with_a_path(tmp_path: Path) -> None:
    with credential_issuer(tmp_path, path="/tenant") as issuer:
        [credential] = issued(issuer, "diploma-ldp")
        accept = {"Accept": "application/json"}
        answer = issuer.http.get(issuer.url, headers=accept, follow_redirects=True)
        assert answer.json()["assertionMethod"] == [credential["proof"]["verificationMethod"]]
        assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("path", ["", "/tenant/one"])
def test_an_issuer_that_is_called_by_a_did_web(path: str, tmp_path: Path) -> None:
    with credential_issuer(tmp_path, path=path, proof_issuer="did:web") as issuer:
        [credential] = issued(issuer, "diploma-ldp")
        did = credential["issuer"]
        host, *parts = did.removeprefix("did:web:").split(":")
        place = "/".join([unquote(host), *(parts or [".well-known"]), "did.json"])
        document = issuer.http.get(f"http://{place}").json()
    [method] = document["verificationMethod"]
    assert (document["id"], method["controller"]) == (did, did)
    assert document["assertionMethod"] == [credential["proof"]["verificationMethod"]]
    assert method["id"] == credential["proof"]["verificationMethod"]
    suite = EcdsaRdfcProofSuite()
    assert suite.verify(credential, public_key_jwk=method["publicKeyJwk"]).issuer == did


# Mobile documents.


def octets(credential: str) -> bytes:
    return base64.urlsafe_b64decode(credential + "=" * (-len(credential) % 4))


def elements(credential: str) -> dict[str, dict[str, Any]]:
    namespaces = cbor2.loads(octets(credential))["nameSpaces"]
    return {
        namespace: {
            item["elementIdentifier"]: item["elementValue"]
            for item in (cbor2.loads(one.value) for one in items)
        }
        for namespace, items in namespaces.items()
    }


def test_a_mobile_driving_licence(issuer: Issuer) -> None:
    [credential] = issued(issuer, "mdl")
    described = configuration_of(issuer, "mdl")
    assert described["doctype"] == DOC_TYPE
    assert described["credential_signing_alg_values_supported"] == [-7]
    assert described["cryptographic_binding_methods_supported"] == ["cose_key"]
    proof = described["proof_types_supported"]["jwt"]
    assert proof == {"proof_signing_alg_values_supported": ["ES256"]}
    verified = verify_issuer_signed(
        {"docType": DOC_TYPE, "issuerSigned": openvc.cbor.decode(octets(credential))},
        trust_anchors=[anchor(issuer)],
        now=datetime.now(UTC),
        expected_doc_type=DOC_TYPE,
    )
    assert verified
    auth = cbor2.loads(octets(credential))["issuerAuth"]
    verifier = MsoVerifier(auth)
    assert verifier.verify_signature()
    leaf = x509.load_der_x509_certificate(auth[1][33])
    leaf.verify_directly_issued_by(anchor(issuer))
    [country] = leaf.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert [one.dotted_string for one in usage.value] == ["1.0.18013.5.1.2"]
    assert usage.critical
    licence = elements(credential)[NAMESPACE]
    assert licence["issuing_country"] == country.value
    assert licence["portrait"].startswith(b"\xff\xd8")
    assert licence["birth_date"] == date(1986, 3, 22)
    assert b"\xd9\x03\xec\x6a1986-03-22" in octets(credential)  # tag 1004: full-date
    assert licence["driving_privileges"][0]["vehicle_category_code"] == "A"


def test_dates_and_key_of_a_mobile_document(issuer: Issuer) -> None:
    [credential] = issued(issuer, "mdl")
    mso = cbor2.loads(cbor2.loads(cbor2.loads(octets(credential))["issuerAuth"][2]).value)
    validity = mso["validityInfo"]
    assert validity["signed"] == validity["validFrom"] <= datetime.now(UTC)
    assert (validity["validUntil"] - validity["validFrom"]).days == 365
    assert (mso["docType"], mso["digestAlgorithm"]) == (DOC_TYPE, "SHA-256")
    device_key = mso["deviceKeyInfo"]["deviceKey"]
    public = issuer.key.as_dict(private=False)
    x, y = (base64.urlsafe_b64decode(f"{public[name]}=") for name in ("x", "y"))
    assert device_key == {1: 2, -1: 1, -2: x, -3: y}


def test_copies_of_a_mobile_document_are_of_different_keys(issuer: Issuer) -> None:
    keys = [ECKey.generate_key("P-256") for _ in range(3)]
    copies = issued(issuer, "mdl", *keys)
    assert len(set(copies)) == 3


@pytest.mark.parametrize(
    ("key", "alg"),
    [(ECKey.generate_key("P-384"), "ES384"), (OKPKey.generate_key("Ed25519"), "EdDSA")],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_mobile_document_is_for_p_256_only(key: Any, alg: str, issuer: Issuer) -> None:
    proof = with_algorithm(issuer, {"alg": alg}, key)
    answer = issuer.credential(issuer.asked(proof, configuration="mdl"))
    assert error_of(answer) == (400, "invalid_proof")
    assert answer.json()["error_description"] == "a mobile document is bound to a key of P-256"


# The status list.

CWT = "application/statuslist+cwt"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/statuslist+jwt"),
        ("*/*", "application/statuslist+jwt"),
        (f"application/statuslist+jwt, {CWT}", "application/statuslist+jwt"),
        (f"application/statuslist+jwt;q=0.5, {CWT}", CWT),
        (CWT, CWT),
    ],
)
def test_the_status_list_in_the_form_that_is_asked_for(
    accept: str | None, media_type: str, issuer: Issuer
) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = issuer.http.get(f"{issuer.url}/status-list", headers=headers)
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert answer.headers["vary"] == "Accept"


def test_the_status_list_as_a_cwt(made: Made) -> None:
    issuer = made(credential_lifetime_days=30)
    [credential] = issued(issuer, "diploma-jwt")
    reference = claims_of(credential)["status"]["status_list"]
    with operator(issuer.as_servers) as counter:
        counter.set_status("suspended")
    answer = issuer.http.get(reference["uri"], headers={"Accept": CWT})
    token = openvc.cose.parse_sign1(openvc.cbor.decode(answer.content))
    leaf = x509.load_der_x509_certificate(token.protected_header[33])
    leaf.verify_directly_issued_by(anchor(issuer))
    assert (token.protected_header[1], token.protected_header[16]) == (-7, CWT)
    assert openvc.cose.verify_sign1(token, public_jwk=public_jwk(leaf))
    claims = openvc.cbor.decode(token.payload or b"")
    assert isinstance(claims, dict)
    assert (claims[2], claims[4] - claims[6], claims[65534]) == (reference["uri"], 3600, 300)
    statuses, idx = zlib.decompress(claims[65533]["lst"]), reference["idx"]
    assert claims[65533]["bits"] == 2
    assert statuses[idx // 4] >> idx % 4 * 2 & 0b11 == 2


@pytest.mark.parametrize("name", ["mdl", "diploma-ldp"])
def test_no_status_where_there_cannot_be_one(name: str, made: Made) -> None:
    issuer = made(configurations=[name])
    [credential] = issued(issuer, name)
    with operator(issuer.as_servers) as counter:
        page = counter.page()
    assert ('data-testid="no-status"' in page, 'data-testid="revoked"' in page) == (True, False)
    if isinstance(credential, str):
        auth = cbor2.loads(octets(credential))["issuerAuth"]
        credential = cbor2.loads(cbor2.loads(auth[2]).value)
    assert not {"status", "credentialStatus"} & set(credential)


# What datasets must be.


@pytest.mark.parametrize(
    ("configuration", "claims", "sentence"),
    [
        ("mdl", {"family_name": "Mustermann"}, "by namespace"),
        ("mdl", {NAMESPACE: {"birth_date": "22.3.1986"}}, "isoformat"),
        ("mdl", {NAMESPACE: {"portrait": "data:image/jpeg;base64,!"}}, "base64"),
        ("diploma-jwt", {"id": "did:example:other"}, "reserved claim names: ['id']"),
        ("diploma-ldp", {"@type": "Other"}, "reserved claim names: ['@type']"),
        ("diploma-ldp", {"grade": 1.3}, "fractions are not issued with a JCS cryptosuite"),
    ],
)
def test_claims_that_a_format_cannot_have(
    configuration: str, claims: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    datasets = tmp_path / "datasets.json"
    seed = {"subject": "somebody", "configuration": configuration, "claims": claims}
    datasets.write_text(json.dumps([seed]))
    own = {"data_dir": tmp_path, "datasets_file": datasets, "cryptosuite": "ecdsa-jcs-2019"}
    settings = Settings.model_validate(own)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - of several libraries
        prepare(settings)
    assert sentence.lower() in str(refused.value).lower()


def test_a_mobile_document_is_not_unbound(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "unbound": ["mdl"]})
    with pytest.raises(ValueError, match="a mobile document is bound to a key"):
        prepare(settings)
