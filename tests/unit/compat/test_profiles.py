"""When a peer is met with a profile, and that the strict readers read what the rules made."""

import json
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from pydantic import ValidationError

from tests.support.answers import answer
from tests.vectors import vector
from wallet.compat import (
    PROFILES,
    Facts,
    Place,
    ProfileName,
    after_link,
    after_metadata,
    after_not_found,
    after_offer,
    after_refusal,
    other_places,
    tolerate,
    tolerate_answer,
    tolerate_link,
    tolerate_offer,
)
from wallet.errors import WalletError
from wallet.oauth.server_metadata import read_server_metadata
from wallet.openid4vci.credential import read_credential_response
from wallet.openid4vci.issuer_metadata import (
    CredentialConfiguration,
    IssuerMetadata,
    read_issuer_metadata,
)
from wallet.openid4vci.offer import CredentialOffer, read_offer, read_offer_link
from wallet.openid4vci.proof import needs_proof
from wallet.openid4vci.token import CredentialAuthorization, read_token_response

DYNE = {"jwks": {"keys": [{"kty": "EC", "kid": "did:dyne:sandbox.x:y#es256_public_key"}]}}
FINAL = {"format": "dc+sd-jwt", "vct": "urn:card", "credential_metadata": {"display": []}}
OUTSIDE = {"format": "dc+sd-jwt", "vct": "urn:card", "display": [{"name": "Card"}]}
OLD = {"format": "vc+sd-jwt", "vct": "urn:card"}


def metadata(configuration: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"credential_configurations_supported": {"card": configuration}, **members}


def read(profile: ProfileName, document: dict[str, Any]) -> tuple[IssuerMetadata, tuple[str, ...]]:
    told = tolerate(profile, Place.ISSUER_METADATA, document)
    return read_issuer_metadata(answer(told.message), document["credential_issuer"]), told.names


def algorithms(configuration: CredentialConfiguration) -> list[str | int]:
    """Those of a `jwt` key proof."""
    types = configuration.proof_types_supported
    assert types
    return list(types["jwt"].proof_signing_alg_values_supported)


# Evidence.


@pytest.mark.parametrize(
    ("document", "appended", "profile"),
    [
        (metadata(FINAL), False, "1.0"),
        (metadata(FINAL), True, "draft-15"),
        (metadata(OUTSIDE), False, "misplaced-display"),
        (metadata(OUTSIDE), True, "draft-15"),
        (metadata({**OUTSIDE, **FINAL}), False, "1.0"),
        (metadata(OLD), False, "draft-13"),
        (metadata(OLD, nonce_endpoint="https://i.example/nonce"), True, "draft-14"),
        (metadata(OLD, batch_credential_issuance={"batch_size": 2}), False, "draft-14"),
        (metadata({"format": "mso_mdoc", "claims": {"ns": {}}}), False, "draft-13"),
        (metadata({"credential_definition": {"credentialSubject": {}}}), False, "draft-13"),
        ({"credentials_supported": [OLD]}, True, "draft-11"),
        ({"credentials_supported": {"card": OLD}}, False, "draft-11"),
        ({"credential_configurations_supported": [OLD]}, True, "draft-11"),
        (metadata(FINAL, authorization_server="https://as.example"), False, "draft-11"),
        (metadata(OUTSIDE, **DYNE), True, "didroom"),
        (metadata(OUTSIDE, **DYNE), False, "misplaced-display"),  # not where DIDroom's is
        (metadata(FINAL, **DYNE), False, "1.0"),
        (metadata(OUTSIDE, jwks={"keys": [{"kid": "1"}]}), True, "draft-15"),  # not its key
    ],
)
def test_what_metadata_shows(document: dict[str, Any], appended: bool, profile: str) -> None:
    assert after_metadata(ProfileName.FINAL, document, appended=appended) == profile


def test_metadata_that_shows_nothing_leaves_what_the_offer_showed() -> None:
    before = ProfileName.DRAFT_11
    assert after_metadata(before, metadata(FINAL), appended=False) is before
    assert after_metadata(before, {}, appended=True) is before


def test_what_offers_and_links_show() -> None:
    assert after_offer(vector("oid4vci-1.0/credential_offer_multiple_credentials.json")) == "1.0"
    assert after_offer({"credentials": ["card"]}) == "draft-11"
    assert after_offer({"credentials": [], "credential_configuration_ids": []}) == "1.0"
    assert after_link({"credential_offer": "{}"}) == "1.0"
    assert after_link({"credential_offer_uri": "https://issuer.example/o"}) == "1.0"
    assert after_link({"credential_issuer": "i", "credential_configuration_ids": "c"}) == "didroom"


def test_what_not_found_shows() -> None:
    assert after_not_found(ProfileName.FINAL) is ProfileName.DRAFT_15
    for profile in set(ProfileName) - {ProfileName.FINAL}:
        assert after_not_found(profile) is profile


@pytest.mark.parametrize(
    ("profile", "document", "status", "error", "after"),
    [
        ("1.0", DYNE, 422, "", "didroom"),
        ("draft-15", DYNE, 422, "", "didroom"),
        ("1.0", {}, 422, "", "draft-15"),
        ("misplaced-display", DYNE, 422, "", "didroom"),
        ("misplaced-display", {}, 422, "", "draft-15"),
        ("misplaced-display", {}, 400, "invalid_proof", "draft-15"),
        ("misplaced-display", {}, 400, "invalid_credential_request", "draft-15"),
        ("misplaced-display", {}, 400, "invalid_nonce", None),
        ("misplaced-display", {}, 400, "credential_request_denied", None),
        ("1.0", {}, 400, "invalid_proof", None),
        ("draft-15", {}, 422, "", None),
        ("1.0", DYNE, 400, "", None),
        ("1.0", DYNE, 500, "", None),
        ("1.0", DYNE, 422, "invalid_proof", None),
        ("draft-13", DYNE, 422, "", None),
        ("didroom", DYNE, 422, "", None),
    ],
)
def test_what_a_refusal_shows(
    profile: str, document: dict[str, Any], status: int, error: str, after: str | None
) -> None:
    assert after_refusal(ProfileName(profile), document, status, error) == after


# A link.

OLD_OFFER = {"credential_issuer": "https://issuer.example", "credentials": ["card"]}


def link_of(offer: Any, **others: str) -> str:
    parameters = {"credential_offer": json.dumps(offer), **others}
    return "openid-credential-offer://?" + urlencode(parameters)


def test_a_link_of_draft_11_is_read() -> None:
    link, profile, names = tolerate_link(link_of(OLD_OFFER, other="x"), {})
    assert (profile, names) == (ProfileName.DRAFT_11, ("credentials in the offer",))
    offer = read_offer_link(link)
    assert isinstance(offer, CredentialOffer)
    assert offer.credential_configuration_ids == ["card"]
    assert parse_qs(link.partition("?")[2])["other"] == ["x"]


def test_a_flat_link_of_didroom_is_read() -> None:
    flat = urlencode(
        {
            "credential_configuration_ids": "discount_from_voucher_test",
            "credential_issuer": "https://ci.example/credential_issuer",
        }
    )
    link, profile, names = tolerate_link(f" openid-credential-offer://?{flat}\n", {})
    assert names == ("offer as parameters",)
    assert profile is ProfileName.FINAL  # its metadata will show more
    offer = read_offer_link(link)
    assert isinstance(offer, CredentialOffer)
    assert offer.credential_issuer == "https://ci.example/credential_issuer"
    assert offer.credential_configuration_ids == ["discount_from_voucher_test"]


def test_a_setting_is_never_left() -> None:
    for name in ProfileName:
        _, profile, names = tolerate_link(link_of(OLD_OFFER), {"https://issuer.example": name})
        assert profile is name
        assert bool(names) == (name is ProfileName.DRAFT_11)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://issuer.example/",
        "openid-credential-offer://?credential_offer=",
        "openid-credential-offer://?credential_offer=%7B&credential_offer=%7B%7D",
        "openid-credential-offer://?credential_offer=%FF",
        "openid-credential-offer://?" + "&".join("a" for _ in range(60)),
        link_of(OLD_OFFER) + "&credential_offer=%7B%7D",
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo",
        link_of({"credential_issuer": "https://issuer.example"}),
        link_of([]),
    ],
)
def test_a_link_that_needs_no_rule_or_is_none_stays_as_it_is(link: str) -> None:
    assert tolerate_link(link, {})[0] is link


# Places.


def test_meta_14_where_else_metadata_may_be() -> None:
    right = ["https://as.example/.well-known/oauth-authorization-server/tenant"]
    asked = ("https://as.example/tenant", "oauth-authorization-server", right)
    assert other_places(ProfileName.FINAL, *asked) == ()
    assert other_places(ProfileName.MISPLACED, *asked) == ()
    for profile in set(ProfileName) - {ProfileName.FINAL, ProfileName.MISPLACED}:
        assert other_places(profile, *asked) == (
            (
                "https://as.example/tenant/.well-known/oauth-authorization-server",
                "appended well-known path",
            ),
            (
                "https://as.example/tenant/.well-known/openid-configuration",
                "openid-configuration",
            ),
        )


def test_meta_02_the_right_place_is_no_other_one() -> None:
    right = ["https://issuer.example/.well-known/openid-credential-issuer"]
    for identifier in ("https://issuer.example", "https://issuer.example/"):
        for profile in ProfileName:
            assert other_places(profile, identifier, "openid-credential-issuer", right) == ()


# A whole answer.


def test_an_answer_that_needs_no_rule_stays_byte_for_byte() -> None:
    body = b'{ "credentials": [ {"credential":"one"} ] , "n": 1.0}'
    for profile in ProfileName:
        told = tolerate_answer(profile, Place.CREDENTIAL_RESPONSE, 200, body)
        assert told == (200, body, ())


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[ ZENROOM", b'{"a":1,"a":2}', b"\xff", b'{"a":NaN}']
)
def test_what_is_no_strict_json_is_left_for_the_reader_to_refuse(body: bytes) -> None:
    for profile in ProfileName:
        told = tolerate_answer(profile, Place.CREDENTIAL_RESPONSE, 200, body)
        assert told == (200, body, ())


def test_a_rule_can_change_the_status() -> None:
    body = b'{"error":"issuance_pending","interval":30}'
    place, facts = Place.CREDENTIAL_RESPONSE, Facts(transaction_id="t")
    status, upgraded, names = tolerate_answer(ProfileName.DRAFT_13, place, 400, body, facts)
    assert (status, names) == (202, ("issuance_pending",))
    assert json.loads(upgraded) == {"transaction_id": "t", "interval": 30}


def test_a_peer_cannot_write_the_status() -> None:
    body = b'{":status":202,"credential":"one"}'
    place = Place.CREDENTIAL_RESPONSE
    status, upgraded, _ = tolerate_answer(ProfileName.DRAFT_13, place, 200, body)
    assert status == 200
    assert json.loads(upgraded) == {"credentials": [{"credential": "one"}]}


# The strict readers, fed with what the rules made.


def test_meta_07_what_is_right_needs_no_rule() -> None:
    examples = (
        "credential_issuer_metadata_sd_jwt_long",
        "credential_metadata_sd_jwt_vc",
        "credential_metadata_mso_mdoc",
        "credential_metadata_jwt_vc_json",
    )
    for name in examples:
        document = vector(f"oid4vci-1.0/{name}.json")
        assert after_metadata(ProfileName.FINAL, document, appended=False) == "1.0"
        for profile in ProfileName:
            names = tolerate(profile, Place.ISSUER_METADATA, document).names
            assert set(names) <= {"no proof types"}  # some examples leave them out
    for name in ("multiple_credentials", "pre-authz_code", "by_reference"):
        offer = vector(f"oid4vci-1.0/credential_offer_{name}.json")
        for profile in ProfileName:
            assert tolerate(profile, Place.OFFER, offer).names == ()


DRAFT_11: dict[str, Any] = {
    "credential_issuer": "https://issuer.example",
    "authorization_server": "https://as.example",
    "credential_endpoint": "https://issuer.example/credential",
    "display": [{"name": "Example Issuer", "locale": "en-US"}],
    "credentials_supported": [
        {
            "format": "vc+sd-jwt",
            "id": "card",
            "vct": "urn:card",
            "cryptographic_binding_methods_supported": ["jwk"],
            "cryptographic_suites_supported": ["ES256"],
            "display": [{"name": "Card", "logo": {"url": "https://issuer.example/logo.png"}}],
            "claims": {
                "given_name": {"display": [{"name": "Given Name"}], "mandatory": True},
                "address": {"street": {}},
            },
        }
    ],
}


def test_metadata_of_draft_11_is_read() -> None:
    profile = after_metadata(ProfileName.FINAL, DRAFT_11, appended=True)
    assert profile is ProfileName.DRAFT_11
    issuer, names = read(profile, DRAFT_11)
    assert names == (
        "credentials_supported in the metadata",
        "a single authorization_server",
        "cryptographic_suites_supported in the metadata",
        "no proof types",
        "format vc+sd-jwt",
        "claims as a map",
        "url of a logo instead of uri",
        "display and claims outside credential_metadata",
    )
    assert issuer.authorization_servers == ["https://as.example"]
    card = issuer.configuration("card")
    assert (card.format, card.vct) == ("dc+sd-jwt", "urn:card")
    assert needs_proof(card)
    assert algorithms(card) == ["ES256"]
    shown = card.credential_metadata
    assert shown.display[0].logo
    assert shown.display[0].logo.uri == "https://issuer.example/logo.png"
    assert [(list(one.path), one.mandatory) for one in shown.claims] == [
        (["given_name"], True),
        (["address", "street"], False),
    ]
    with pytest.raises(WalletError) as caught:
        read_issuer_metadata(answer(DRAFT_11), DRAFT_11["credential_issuer"])
    assert caught.value.code == "metadata_invalid"


def test_an_offer_of_draft_11_is_read() -> None:
    offer: dict[str, Any] = {
        "credential_issuer": "https://issuer.example",
        "credentials": [{"format": "vc+sd-jwt", "vct": "urn:card"}],
        "grants": {"authorization_code": {"issuer_state": "s"}},
    }
    with pytest.raises(WalletError) as caught:
        read_offer(answer(offer))
    assert caught.value.code == "offer_invalid"
    body, profile, names = tolerate_offer(json.dumps(offer).encode(), {})
    assert (profile, names) == (ProfileName.DRAFT_11, ("credentials in the offer",))
    asked = read_offer(answer(body))
    known, _ = read(ProfileName.DRAFT_11, DRAFT_11)
    facts = Facts(metadata=known.model_dump())
    ids = {"credential_configuration_ids": asked.credential_configuration_ids}
    offered = tolerate(ProfileName.DRAFT_11, Place.OFFERED, ids, facts)
    assert offered.message == {"credential_configuration_ids": ["card"]}
    assert offered.names == ("offered by type",)


@pytest.mark.parametrize("name", ["test_credential", "UniversityDegree_LDP_VC"])
def test_the_metadata_of_didroom_is_read(name: str) -> None:
    document = vector("didroom/openid-credential-issuer.json")
    profile = after_metadata(ProfileName.DRAFT_15, document, appended=True)
    assert profile is ProfileName.DIDROOM
    issuer, names = read(profile, document)
    assert set(names) == {"no proof types", "display and claims outside credential_metadata"}
    configuration = issuer.configuration(name)
    assert needs_proof(configuration)
    assert algorithms(configuration) == ["ES256"]
    shown = configuration.credential_metadata
    assert shown.display[0].name in ("Tested Credential", "University Credential")
    assert shown.claims
    # Without its profile nothing is refused, and nothing shown: strict, not looser.
    strict = read_issuer_metadata(answer(document), document["credential_issuer"])
    assert not strict.configuration(name).credential_metadata.claims


def test_the_server_metadata_of_didroom_is_read_as_it_is() -> None:
    document = vector("didroom/oauth-authorization-server.json")
    server = read_server_metadata(answer(document), document["issuer"])
    assert server.require_pushed_authorization_requests


def exchange(name: str, step: str) -> Any:
    recorded = vector(f"didroom/issuance_{name}.json")["exchange"]
    return next(one for one in recorded if one["step"] == step)


@pytest.mark.parametrize("name", ["test_credential", "UniversityDegree_LDP_VC"])
def test_what_didroom_answers_is_read(name: str) -> None:
    document = vector("didroom/openid-credential-issuer.json")
    issuer, _ = read(ProfileName.DIDROOM, document)
    facts = Facts(metadata=issuer.model_dump(), credential_configuration_id=name)
    token = exchange(name, "token")["response"]["body"]
    told = tolerate(ProfileName.DIDROOM, Place.TOKEN_RESPONSE, token, facts)
    assert told.names == ("authorization_details without credential_identifiers",)
    assert not read_token_response(answer(told.message)).authorization_details
    [details] = read_token_response(answer(token)).authorization_details
    with pytest.raises(ValidationError, match="credential_identifiers"):
        CredentialAuthorization.model_validate(details)

    unknown = exchange(name, "unknown configuration id (200 without credentials)")
    with pytest.raises(WalletError) as caught:
        read_credential_response(answer(unknown["response"]["body"]))
    assert caught.value.code == "credential_response_invalid"


@pytest.mark.parametrize("name", ["test_credential", "UniversityDegree_LDP_VC"])
def test_what_didroom_wants_is_sent(name: str) -> None:
    """The request that the rules make has what the recorded one has, member for member."""
    issuer, _ = read(ProfileName.DIDROOM, vector("didroom/openid-credential-issuer.json"))
    facts = Facts(metadata=issuer.model_dump(), credential_configuration_id=name)
    ours: dict[str, Any] = {
        "credential_configuration_id": name,
        "proofs": {"jwt": ["REDACTED-KEY-PROOF"]},
    }
    refused = exchange(name, "credential with a 1.0 body (rejected)")
    assert json.loads(refused["request"]["body"]) == ours
    assert refused["response"]["status"] == 422
    taken = json.loads(exchange(name, "credential")["request"]["body"])
    told = tolerate(ProfileName.DIDROOM, Place.CREDENTIAL_REQUEST, ours, facts)
    assert told.message == taken
    assert told.names == ("proof instead of proofs", "format besides")


def test_every_name_of_a_profile_has_one() -> None:
    assert set(PROFILES) == set(ProfileName)
    assert [name for name, one in PROFILES.items() if one.one_at_a_time] == ["didroom"]
