"""Credential Offers: the link and its content (OpenID4VCI 1.0, section 4)."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.answers import answer
from tests.vectors import http_answer, vector
from wallet.errors import PeerBrokeProtocol, PeerRefused, Unsupported, WalletError
from wallet.openid4vci.offer import (
    AuthorizationCodeGrant,
    CredentialOffer,
    OfferByReference,
    PreAuthorizedCodeGrant,
    grants_of,
    read_offer,
    read_offer_link,
)

ISSUER = "https://credential-issuer.example.com"
OFFER = {"credential_issuer": ISSUER, "credential_configuration_ids": ["card"]}
CODE = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


def granted(offer: CredentialOffer) -> AuthorizationCodeGrant:
    [grant] = [one for one in grants_of(offer) if isinstance(one, AuthorizationCodeGrant)]
    return grant


def link(offer: Any, scheme: str = "openid-credential-offer://") -> str:
    return f"{scheme}?{urlencode({'credential_offer': json.dumps(offer)})}"


@pytest.mark.parametrize(
    "scheme",
    [
        "openid-credential-offer://",
        "openid-credential-offer:",
        "openid-credential-offer://credential_offer/",
        "OpenID-Credential-Offer://",
        "haip-vci://",
        "https://wallet.example/credential_offer",
    ],
)
def test_off_15_forms_of_the_link(scheme: str) -> None:
    offer = read_offer_link(f"  {link(OFFER, scheme)}\n")
    assert isinstance(offer, CredentialOffer)
    assert offer.credential_issuer == ISSUER
    assert list(offer.credential_configuration_ids) == ["card"]


def test_the_examples_of_the_specification() -> None:
    by_value = (  # section 4.1.2: the colons and slashes inside are not encoded
        "openid-credential-offer://?credential_offer=%7B%22credential_issuer%22:%22https://"
        "credential-issuer.example.com%22,%22credential_configuration_ids%22:%5B%22org.iso.18013."
        "5.1.mDL%22%5D,%22grants%22:%7B%22urn:ietf:params:oauth:grant-type:pre-authorized_code%22"
        ":%7B%22pre-authorized_code%22:%22oaKazRN8I0IbtZ0C7JuMn5%22,%22tx_code%22:%7B%22input_"
        "mode%22:%22text%22,%22description%22:%22Please%20enter%20the%20serial%20number%20of%20"
        "your%20physical%20drivers%20license%22%7D%7D%7D%7D"
    )
    offer = read_offer_link(by_value)
    assert isinstance(offer, CredentialOffer)
    assert list(offer.credential_configuration_ids) == ["org.iso.18013.5.1.mDL"]
    by_reference = (  # section 4.1.3
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fserver%2Eexample%2Ecom%2F"
        "credential-offer%2FGkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM"
    )
    assert read_offer_link(by_reference) == OfferByReference(
        "https://server.example.com/credential-offer/GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM"
    )
    fetched = read_offer(http_answer("oid4vci-1.0/credential_offer_authz_code.txt"))
    assert granted(fetched).issuer_state == "eyJhbGciOiJSU0Et...FYUaBy"


@pytest.mark.parametrize(
    "name",
    [
        "credential_offer_by_reference",
        "credential_offer_multiple_credentials",
        "credential_offer_pre-authz_code",
    ],
)
def test_off_10_examples_with_a_pre_authorized_code(name: str) -> None:
    offer = read_offer(answer(vector(f"oid4vci-1.0/{name}.json")))
    [grant] = grants_of(offer)
    assert isinstance(grant, PreAuthorizedCodeGrant)
    document = vector(f"oid4vci-1.0/{name}.json")["grants"][CODE]
    assert grant.pre_authorized_code == document["pre-authorized_code"]
    assert (grant.tx_code is not None) == ("tx_code" in document)
    assert CredentialOffer.model_validate_json(offer.model_dump_json()) == offer


def test_off_11_an_empty_transaction_code_is_asked_for() -> None:
    grants = {CODE: {"pre-authorized_code": "x", "tx_code": {}}}
    [grant] = grants_of(read_offer(answer({**OFFER, "grants": grants})))
    assert isinstance(grant, PreAuthorizedCodeGrant)
    assert grant.tx_code is not None
    assert (grant.tx_code.input_mode, grant.tx_code.length) == ("numeric", None)


def test_an_offer_with_unknown_grants_only() -> None:
    with pytest.raises(Unsupported) as caught:
        grants_of(read_offer(answer({**OFFER, "grants": {"urn:other": {}}})))
    assert (caught.value.code, caught.value.detail) == ("grant_unsupported", "urn:other")


VALUE = "credential_offer=" + quote(json.dumps(OFFER))
REFERENCE = "credential_offer_uri=" + quote("https://issuer.example/o")
BAD_LINKS = {
    "OFF-01 both": (f"openid-credential-offer://?{VALUE}&{REFERENCE}", "offer_invalid"),
    "OFF-01 neither": ("openid-credential-offer://?other=1", "offer_invalid"),
    "OFF-01 one of them twice": (f"openid-credential-offer://?{REFERENCE}&{REFERENCE}",
                                 "offer_invalid"),
    "OFF-01 no query": ("openid-credential-offer://", "offer_invalid"),
    "OFF-02 http": ("openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fi.example",
                    "insecure_url"),
    "OFF-02 file": ("openid-credential-offer://?credential_offer_uri=file%3A%2F%2F%2Fetc%2Fpasswd",
                    "insecure_url"),
    "OFF-02 no scheme": ("openid-credential-offer://?credential_offer_uri=issuer.example",
                         "insecure_url"),
    "OFF-02 with user information": (
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fbank.example%40evil.example",
        "response_malformed"),
    "OFF-15 another scheme": (f"openid4vp://?{VALUE}", "not_an_offer"),
    "OFF-15 http": (f"http://wallet.example/?{VALUE}", "not_an_offer"),
    "a web page": ("https://issuer.example/?page=1", "not_an_offer"),
    "no link": ("hello", "not_an_offer"),
    "nothing": ("", "not_an_offer"),
    "not UTF-8": ("openid-credential-offer://?credential_offer=%FF", "not_an_offer"),
    "a hundred parameters": ("openid-credential-offer://?" + "&".join("a=1" for _ in range(100)),
                             "not_an_offer"),
    "too long": ("openid-credential-offer://?credential_offer=" + "a" * 64_000, "not_an_offer"),
    "half a character": ("openid-credential-offer://?credential_offer=\ud800", "offer_invalid"),
    "empty": ("openid-credential-offer://?credential_offer=", "offer_invalid"),
    "a member twice": ('openid-credential-offer://?credential_offer={"a":1,"a":2}',
                       "offer_invalid"),
    "no object": ("openid-credential-offer://?credential_offer=[]", "offer_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_LINKS)
def test_bad_links(name: str) -> None:
    text, code = BAD_LINKS[name]
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_offer_link(text)
    assert caught.value.code == code


BAD_MEMBERS: dict[str, tuple[dict[str, Any], str]] = {
    "OFF-05 no issuer": ({"credential_issuer": None}, "offer_invalid"),
    "OFF-05 issuer without https": ({"credential_issuer": "http://issuer.example"},
                                    "insecure_url"),
    "OFF-05 issuer with a query": ({"credential_issuer": ISSUER + "?a"}, "response_malformed"),
    "OFF-05 issuer with a fragment": ({"credential_issuer": ISSUER + "#"}, "response_malformed"),
    "OFF-05 no ids": ({"credential_configuration_ids": []}, "offer_invalid"),
    "OFF-05 one id twice": ({"credential_configuration_ids": ["a", "a"]}, "offer_invalid"),
    "OFF-05 ids as text": ({"credential_configuration_ids": "card"}, "offer_invalid"),
    "OFF-05 ids as numbers": ({"credential_configuration_ids": [1]}, "offer_invalid"),
    "grants as array": ({"grants": []}, "offer_invalid"),
    "issuer_state as number": ({"grants": {"authorization_code": {"issuer_state": 1}}},
                               "offer_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_MEMBERS)
def test_bad_members_by_value_and_by_reference(name: str) -> None:
    members, code = BAD_MEMBERS[name]
    with pytest.raises(PeerBrokeProtocol) as by_value:
        read_offer_link(link(OFFER | members))
    with pytest.raises(PeerBrokeProtocol) as by_reference:
        read_offer(answer(OFFER | members))
    assert by_value.value.code == by_reference.value.code == code


BAD_ANSWERS: dict[str, tuple[Any, type[WalletError], str]] = {
    "OFF-02 signed": (answer(OFFER, media_type="application/jwt"), PeerBrokeProtocol,
                      "offer_invalid"),
    "OFF-02 without type": (answer(OFFER, media_type=""), PeerBrokeProtocol, "offer_invalid"),
    "gone": (answer(None, 404), PeerRefused, "not_found"),
    "broken": (answer(b"<p>", 500, "text/html"), PeerRefused, "server_error"),
    "no content": (answer(b"", 204), PeerRefused, "not_found"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_answers(name: str) -> None:
    response, fault, code = BAD_ANSWERS[name]
    with pytest.raises(fault) as caught:
        read_offer(response)
    assert caught.value.code == code


def test_off_06_unknown_members_are_ignored_at_every_level() -> None:
    grants = {
        "authorization_code": {"issuer_state": "s", "new": {}},
        CODE: {"pre-authorized_code": "c", "x": []},
    }
    offer = read_offer(answer({**OFFER, "new": [1], "grants": grants}))
    assert granted(offer).issuer_state == "s"


@pytest.mark.parametrize("members", [{}, {"grants": {}}, {"grants": None}])
def test_off_07_no_grants_leave_the_choice_to_the_metadata(members: dict[str, Any]) -> None:
    grant = granted(read_offer(answer(OFFER | members)))
    assert (grant.issuer_state, grant.authorization_server) == (None, None)


def test_what_an_offer_holds_is_not_printed() -> None:
    offer = read_offer(answer({**OFFER, "grants": {CODE: {"pre-authorized_code": "sentinel"}}}))
    assert "sentinel" not in f"{offer!r} {offer} {[offer]}"
