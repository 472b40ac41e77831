"""Credential Issuer Metadata (OpenID4VCI 1.0, section 12.2)."""

from typing import Any

import pytest

from tests.support.answers import answer
from tests.vectors import vector
from wallet.errors import PeerBrokeProtocol, Unsupported
from wallet.openid4vci.issuer_metadata import (
    IssuerMetadata,
    authorization_servers,
    metadata_urls,
    read_issuer_metadata,
)
from wallet.openid4vci.offer import AuthorizationCodeGrant
from wallet.openid4vci.proof import proof_choice

ISSUER = "https://issuer.example/tenant"
METADATA = {
    "credential_issuer": ISSUER,
    "credential_endpoint": "https://issuer.example/credential?tenant=1",
    "credential_configurations_supported": {"card": {"format": "dc+sd-jwt", "vct": "urn:card"}},
}


def read(**members: Any) -> IssuerMetadata:
    return read_issuer_metadata(answer({**METADATA, **members}), ISSUER)


def configured(**members: Any) -> IssuerMetadata:
    card = {"format": "dc+sd-jwt", "vct": "urn:card", **members}
    return read(credential_configurations_supported={"card": card})


@pytest.mark.parametrize(
    "row",
    vector("oid4vci-1.0/well_known_urls_derived.json")["rows"],
    ids=lambda row: str(row["identifier"]),
)
def test_meta_02_03_where_the_metadata_is(row: dict[str, str | None]) -> None:
    assert row["identifier"]
    urls = metadata_urls(row["identifier"])
    literal, fallback = (
        row["issuer_metadata_1_0_final_literal"],
        row["issuer_metadata_fallback_on_404"],
    )
    if row["identifier"] == "https://h.example/":  # both are sensible; the usual one comes first
        assert urls == (fallback, literal)
    else:
        assert urls[0] == literal
        assert fallback in (None, urls[1])


def test_the_examples_of_the_specification() -> None:
    document = vector("oid4vci-1.0/credential_issuer_metadata_sd_jwt_long.json")
    issuer = document["credential_issuer"]
    metadata = read_issuer_metadata(answer(document), issuer)
    assert metadata.nonce_endpoint == f"{issuer}/nonce"
    assert [entry.name for entry in metadata.display] == [
        "Example University",
        "Example Université",
    ]
    (name,) = metadata.credential_configurations_supported
    configuration = metadata.configuration(name)
    assert (configuration.format, configuration.vct) == ("dc+sd-jwt", name)
    for other in ("credential_metadata_jwt_vc_json", "credential_metadata_mso_mdoc"):
        supported = vector(f"oid4vci-1.0/{other}.json")["credential_configurations_supported"]
        metadata = read(credential_configurations_supported=supported)
        for name in supported:
            assert metadata.configuration(name).credential_metadata.claims


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "META-01 identifier in other letters": ({"credential_issuer": "https://Issuer.example/tenant"},
                                            "issuer_mismatch"),
    "META-05 another issuer": ({"credential_issuer": "https://issuer.example"}, "issuer_mismatch"),
    "META-05 with a slash": ({"credential_issuer": ISSUER + "/"}, "issuer_mismatch"),
    "META-05 no issuer": ({"credential_issuer": None}, "metadata_invalid"),
    "META-08 no credential endpoint": ({"credential_endpoint": None}, "metadata_invalid"),
    "META-08 http": ({"credential_endpoint": "http://issuer.example/c"}, "insecure_url"),
    "META-08 nonce endpoint by http": ({"nonce_endpoint": "http://issuer.example/n"},
                                       "insecure_url"),
    "META-08 endpoint with a fragment": ({"nonce_endpoint": "https://issuer.example/#n"},
                                         "response_malformed"),
    "META-08 no authorization servers": ({"authorization_servers": []}, "metadata_invalid"),
    "META-08 server with a query": ({"authorization_servers": ["https://as.example?a"]},
                                    "response_malformed"),
    "META-08 no configurations": ({"credential_configurations_supported": None},
                                  "metadata_invalid"),
    "META-08 display as object": ({"display": {"name": "x"}}, "metadata_invalid"),
    "META-08 encryption without a word": ({"credential_response_encryption": {}},
                                          "metadata_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_documents(name: str) -> None:
    members, code = BAD[name]
    with pytest.raises(PeerBrokeProtocol) as caught:
        read(**members)
    assert caught.value.code == code


def test_meta_04_signed_metadata_is_not_taken_for_plain() -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_issuer_metadata(answer(METADATA, media_type="application/jwt"), ISSUER)
    assert caught.value.code == "metadata_invalid"


def test_meta_07_unknown_members_are_ignored() -> None:
    metadata = configured(new={"a": 1}, credential_metadata={"display": [{"name": "x", "new": 1}]})
    assert metadata.configuration("card").credential_metadata.display[0].name == "x"


BAD_CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "META-09 no format": {"format": None},
    "META-09 scope as array": {"scope": ["card"]},
    "META-09 no algorithms": {"proof_types_supported": {
        "jwt": {"proof_signing_alg_values_supported": []}}},
    "META-09 algorithms missing": {"proof_types_supported": {"jwt": {}}},
    "FMT-01 no vct": {"vct": None},
    "FMT-02 no doctype": {"format": "mso_mdoc"},
    "FMT-02 doctype no text": {"format": "mso_mdoc", "doctype": 1},
    "CLM-01 empty path": {"credential_metadata": {"claims": [{"path": []}]}},
    "CLM-01 a path deeper than any document": {"credential_metadata": {"claims": [
        {"path": ["a"] * 100_000}]}},
    "CLM-01 path with a fraction": {"credential_metadata": {"claims": [{"path": ["a", 1.5]}]}},
    "CLM-01 path with true": {"credential_metadata": {"claims": [{"path": ["a", True]}]}},
    "CLM-02 one claim twice": {"credential_metadata": {"claims": [
        {"path": ["a", "b"]}, {"path": ["c"]}, {"path": ["a", "b"]}]}},
    "CLM-02 all elements and one": {"credential_metadata": {"claims": [
        {"path": ["a", None]}, {"path": ["a", 0]}]}},
    "CLM-02 array and object": {"credential_metadata": {"claims": [
        {"path": ["a", 1, "b"]}, {"path": ["a", "b"]}]}},
    "CLM-02 deeper": {"credential_metadata": {"claims": [
        {"path": ["a", None, "b", "c"]}, {"path": ["a", None, "b", None]}]}},
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CONFIGURATIONS)
def test_a_bad_configuration_is_refused_when_it_is_needed(name: str) -> None:
    metadata = configured(**BAD_CONFIGURATIONS[name])
    with pytest.raises(PeerBrokeProtocol) as caught:
        metadata.configuration("card")
    assert caught.value.code == "metadata_invalid"


def test_fmt_02_algorithms_may_be_numbers() -> None:
    metadata = configured(
        format="mso_mdoc",
        doctype="org.iso.18013.5.1.mDL",
        credential_signing_alg_values_supported=[-7, -9],
        proof_types_supported={
            "jwt": {"proof_signing_alg_values_supported": [-7, "ES256"]},
            "cwt": {"proof_signing_alg_values_supported": [-7]},
        },
    )
    configuration = metadata.configuration("card")
    assert configuration.doctype == "org.iso.18013.5.1.mDL"
    assert proof_choice(configuration, attester=False).algorithm == "ES256"


def test_fmt_02_numbers_alone_are_no_algorithm_of_a_jwt() -> None:
    metadata = configured(
        proof_types_supported={"jwt": {"proof_signing_alg_values_supported": [-7]}}
    )
    with pytest.raises(Unsupported) as caught:
        proof_choice(metadata.configuration("card"), attester=False)
    assert caught.value.code == "proof_unsupported"


def test_clm_02_a_claim_and_what_is_below_it_may_both_be_described() -> None:
    paths: list[list[str | int | None]] = [
        ["address"], ["address", "street"], ["degrees"], ["degrees", None],
        ["degrees", None, "type"], ["lines", 0], ["lines", 1],
    ]  # fmt: skip
    metadata = configured(credential_metadata={"claims": [{"path": path} for path in paths]})
    claims = metadata.configuration("card").credential_metadata.claims
    assert [list(claim.path) for claim in claims] == paths


def test_off_05_a_configuration_that_is_not_described() -> None:
    with pytest.raises(Unsupported) as caught:
        read().configuration("other")
    assert caught.value.code == "configuration_unknown"


def test_off_09_which_authorization_servers_may_be_asked() -> None:
    one, two = "https://one.example", "https://two.example"
    both = read(authorization_servers=[one, two])
    assert authorization_servers(both, AuthorizationCodeGrant()) == (one, two)
    assert authorization_servers(both, AuthorizationCodeGrant(authorization_server=two)) == (two,)
    assert authorization_servers(read(), AuthorizationCodeGrant()) == (ISSUER,)
    with pytest.raises(PeerBrokeProtocol) as caught:
        authorization_servers(both, AuthorizationCodeGrant(authorization_server=one + "/"))
    assert caught.value.code == "authorization_server_mismatch"
