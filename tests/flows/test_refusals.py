"""Every refusal: its code, a sentence for people, and a store that did not change."""

import asyncio
import base64
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
import segno
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from tests.support.holder import WillingHolder
from tests.support.records import record
from tests.support.simulator import Authority, Simulator, b64
from wallet.app import Wallet
from wallet.errors import (
    HolderDeclined,
    LocalFailure,
    PeerBrokeProtocol,
    PeerRefused,
    Unreachable,
    Unsupported,
    VerificationFailed,
    WalletError,
)
from wallet.ports import Choice, Contact, OfferReview
from wallet.report import Outcome
from wallet.steps import Step


async def refused(wallet: Wallet, offer: str, holder: WillingHolder) -> WalletError:
    """Run the offer to its refusal; the store, which is not empty, must be as before."""
    assert wallet._vault
    await wallet._vault.add(record(len(await wallet.cards())))
    before = await wallet.cards()
    with pytest.raises(WalletError) as caught:
        await wallet.add(offer, holder)
    assert await wallet.cards() == before
    assert caught.value.sentence.endswith(".")
    assert caught.value.advice
    return caught.value


async def test_the_right_way_ends_in_the_store(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    (card,) = (await wallet.add(issuer.offer(), holder)).cards
    assert [stored.id for stored in await wallet.cards()] == [card.id]
    assert [(claim.label, claim.value) for claim in card.claims] == [
        ("Surname", "Quark-Sentinel"),
        ("Given name", "Zita-Sentinel"),
        ("Age", "42"),
    ]
    assert card.trusted_by == "Simulated Root"
    assert holder.steps == list(Step)
    assert holder.reviews[0].issuer.name == "Simulated Issuer"
    assert [path for path, _ in issuer.requests] == [
        "/.well-known/openid-credential-issuer",
        "/.well-known/oauth-authorization-server",
        "/par",
        "/authorize",
        "/token",
        "/nonce",
        "/credential",
        "/notification",
    ]


async def test_nothing_is_asked_before_the_holder_agrees_to_the_host(
    wallet: Wallet, issuer: Simulator
) -> None:
    class Wary(WillingHolder):
        async def may_contact(self, contact: Contact) -> None:
            assert contact.host == issuer.url.removeprefix("http://")
            raise HolderDeclined("cancelled")

    error = await refused(wallet, issuer.offer(), Wary())
    assert (error.code, error.step) == ("cancelled", Step.OFFER)
    assert issuer.requests == []


async def test_declined_at_the_review(wallet: Wallet, issuer: Simulator) -> None:
    class Choosy(WillingHolder):
        async def choose(self, review: OfferReview) -> Choice:
            raise HolderDeclined("cancelled")

    error = await refused(wallet, issuer.offer(), Choosy())
    assert (error.code, error.step) == ("cancelled", Step.REVIEW)
    assert [path for path, _ in issuer.requests if "well-known" not in path] == []


BAD_REDIRECTS: dict[str, tuple[dict[str, str | None], str]] = {
    "wrong state": ({"state": "another"}, "state_mismatch"),
    "no state": ({"state": None}, "state_mismatch"),
    "wrong iss": ({"iss": "https://evil.example"}, "iss_mismatch"),
    "no iss": ({"iss": None}, "iss_missing"),
    "no code": ({"code": None}, "authorization_response_invalid"),
    "denied": ({"code": None, "error": "access_denied"}, "access_denied"),
    "refused": ({"code": None, "error": "invalid_scope"}, "authorization_refused"),
    "error of a stranger": ({"error": "access_denied", "state": "another"}, "state_mismatch"),
}


@pytest.mark.parametrize("name", BAD_REDIRECTS)
async def test_authorization_response(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    changes, code = BAD_REDIRECTS[name]
    issuer.edits["redirect"] = lambda answer: {
        key: value for key, value in {**answer, **changes}.items() if value is not None
    }
    error = await refused(wallet, issuer.offer(), holder)
    assert (error.code, error.step) == (code, Step.AUTHORIZATION)
    assert "/token" not in [path for path, _ in issuer.requests]


def _set(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {**document, **members}


def _without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: {k: v for k, v in document.items() if k not in names}


def _configuration(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def edit(metadata: dict[str, Any]) -> dict[str, Any]:
        metadata["credential_configurations_supported"]["card"].update(members)
        return metadata

    return edit


BAD_DOCUMENTS = {
    "META-05 issuer differs": ("issuer_metadata", _set(credential_issuer="http://127.0.0.1:1"),
                               PeerBrokeProtocol, "issuer_mismatch"),
    "META-05 issuer differs by a slash": (
        "issuer_metadata",
        lambda m: {**m, "credential_issuer": m["credential_issuer"] + "/"},
        PeerBrokeProtocol, "issuer_mismatch"),
    "META-08 no endpoint": ("issuer_metadata", _without("credential_endpoint"),
                            PeerBrokeProtocol, "metadata_invalid"),
    "http endpoint elsewhere": (
        "issuer_metadata", _set(credential_endpoint="http://issuer.example/credential"),
        PeerBrokeProtocol, "insecure_url"),
    "configuration missing": (
        "issuer_metadata", _set(credential_configurations_supported={}),
        Unsupported, "configuration_unknown"),
    "CRED-06 encryption required": (
        "issuer_metadata", _set(credential_response_encryption={
            "alg_values_supported": ["RSA-OAEP"], "enc_values_supported": ["A128GCM"],
            "encryption_required": True}),
        Unsupported, "encryption_unsupported"),
    "CLM-02 contradictory claims": (
        "issuer_metadata",
        _configuration(credential_metadata={"claims": [{"path": ["a"]}, {"path": ["a"]}]}),
        PeerBrokeProtocol, "metadata_invalid"),
    "format unknown": ("issuer_metadata", _configuration(format="unheard-of"),
                       Unsupported, "format_unsupported"),
    "proof by attestation only": (
        "issuer_metadata",
        _configuration(proof_types_supported={
            "attestation": {"proof_signing_alg_values_supported": ["ES256"]}}),
        Unsupported, "proof_unsupported"),
    "META-11 empty key_attestations_required": (
        "issuer_metadata",
        _configuration(proof_types_supported={
            "jwt": {"proof_signing_alg_values_supported": ["ES256"],
                    "key_attestations_required": {}}}),
        Unsupported, "proof_unsupported"),
    "proof algorithm unknown": (
        "issuer_metadata",
        _configuration(proof_types_supported={
            "jwt": {"proof_signing_alg_values_supported": ["RS256"]}}),
        Unsupported, "proof_unsupported"),
    "META-13 AS issuer differs": ("server_metadata", _set(issuer="http://127.0.0.1:1"),
                                  PeerBrokeProtocol, "authorization_server_mismatch"),
    "no S256": ("server_metadata", _set(code_challenge_methods_supported=["plain"]),
                Unsupported, "authorization_server_unsupported"),
    "no code grant": ("server_metadata", _set(grant_types_supported=["client_credentials"]),
                      Unsupported, "authorization_server_unsupported"),
    "token without type": ("token", _without("token_type"),
                           PeerBrokeProtocol, "token_response_invalid"),
    "token of another type": ("token", _set(token_type="mac"),
                              PeerBrokeProtocol, "token_response_invalid"),
    "TOK-06 details for another credential": (
        "token",
        _set(authorization_details=[{"type": "openid_credential",
                                     "credential_configuration_id": "other",
                                     "credential_identifiers": ["x"]}]),
        PeerBrokeProtocol, "token_response_invalid"),
    "nonce missing": ("nonce", _without("c_nonce"), PeerBrokeProtocol, "nonce_response_invalid"),
    "RES-02 credentials empty": ("credential_response", _set(credentials=[]),
                                 PeerBrokeProtocol, "credential_response_invalid"),
    "RES-02 strings for objects": ("credential_response", _set(credentials=["eyJ"]),
                                   PeerBrokeProtocol, "credential_response_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_DOCUMENTS)
async def test_document(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    document, edit, fault, code = BAD_DOCUMENTS[name]
    issuer.edits[document] = edit
    error = await refused(wallet, issuer.offer(), holder)
    assert error.code == code
    assert isinstance(error, fault)


def _stranger() -> Authority:
    return Authority("Stranger")


def _altered(disclosures: list[str]) -> list[str]:
    first = json.loads(base64.urlsafe_b64decode(disclosures[0] + "=="))
    return [b64(json.dumps([*first[:2], "Somebody Else"]).encode()), *disclosures[1:]]


def _flipped(credential: str) -> str:
    jwt, rest = credential.split("~", 1)
    head, _, signature = jwt.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}~{rest}"


def _other_key(_jwk: dict[str, str]) -> dict[str, Any]:
    return dict(ECKey.import_key(ec.generate_private_key(ec.SECP256R1())).as_dict(private=False))


BAD_CREDENTIALS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "signed by another key": (
        "signer", lambda _: ec.generate_private_key(ec.SECP256R1()), "signature_invalid"),
    "signature altered": ("credential", _flipped, "signature_invalid"),
    "bound to another key": ("holder_jwk", _other_key, "key_binding_mismatch"),
    "bound to no key": ("payload", _without("cnf"), "key_binding_mismatch"),
    "disclosure altered": ("disclosures", _altered, "disclosure_invalid"),
    "disclosure added": (
        "disclosures", lambda d: [*d, b64(b'["salt","admin",true]')], "disclosure_invalid"),
    "disclosure twice": ("disclosures", lambda d: [*d, d[0]], "disclosure_invalid"),
    "disclosure missing": ("disclosures", lambda d: [d[0], d[2]], "claims_missing"),
    "expired": ("payload", _set(exp=int(time.time()) - 1), "credential_expired"),
    "not yet valid": ("payload", _set(nbf=int(time.time()) + 3600), "credential_not_yet_valid"),
    "exp is no number": ("payload", _set(exp="tomorrow"), "credential_malformed"),
    "other vct": ("payload", _set(vct="urn:example:other"), "vct_mismatch"),
    "VC-01 other typ": ("header", _set(typ="JWT"), "credential_malformed"),
    "alg none": (
        "credential",
        lambda c: ".".join(
            [b64(b'{"alg":"none","typ":"dc+sd-jwt"}'), c.split(".")[1], "~"]),
        "credential_malformed"),
    "SDJ-01 with a key binding JWT": ("credential", lambda c: c + "a.b.c", "credential_malformed"),
    "not a JWT": ("credential", lambda _: "hello", "credential_malformed"),
    "no chain": ("header", _without("x5c"), "issuer_untrusted"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CREDENTIALS)
async def test_credential(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    document, edit, code = BAD_CREDENTIALS[name]
    issuer.edits[document] = edit
    error = await refused(wallet, issuer.offer(), holder)
    assert (error.code, error.step) == (code, Step.VERIFICATION)
    assert isinstance(error, VerificationFailed)
    assert [c for c in error.report.checks if c.outcome is Outcome.FAILED]


async def test_credential_of_an_unknown_chain(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    stranger = _stranger()
    issuer.edits["chain"] = lambda _: [stranger.leaf, stranger.certificate]
    issuer.edits["signer"] = lambda _: stranger.leaf_key
    error = await refused(wallet, issuer.offer(), holder)
    assert error.code == "issuer_untrusted"
    assert isinstance(error, VerificationFailed)
    failed = [check.name for check in error.report.checks if check.outcome is Outcome.FAILED]
    assert failed == ["Issuer"]


async def test_names_of_a_trusted_root_do_not_help_a_stranger(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    impostor = Authority("Simulated Root")
    issuer.edits["chain"] = lambda _: [impostor.leaf, impostor.certificate]
    issuer.edits["signer"] = lambda _: impostor.leaf_key
    assert (await refused(wallet, issuer.offer(), holder)).code == "issuer_untrusted"


@contextmanager
def _answer(issuer: Simulator, path: str, make: Callable[[Request], Response]) -> Iterator[None]:
    async def answer(request: Request) -> Response:
        return make(request)

    issuer.answers[path] = answer
    yield
    del issuer.answers[path]


ENDPOINTS = {
    "/.well-known/openid-credential-issuer": Step.ISSUER,
    "/.well-known/oauth-authorization-server": Step.ISSUER,
    "/par": Step.AUTHORIZATION,
    "/token": Step.TOKEN,
    "/nonce": Step.CREDENTIAL,
    "/credential": Step.CREDENTIAL,
}


async def _endless() -> Any:
    chunk = b" " * 65_536
    for _ in range(800):  # 50 MB
        yield chunk


BAD_ANSWERS: dict[str, tuple[Callable[[Request], Response], type[WalletError], set[str]]] = {
    "body of 50 MB": (
        lambda _: StreamingResponse(_endless(), media_type="application/json"),
        PeerBrokeProtocol, {"response_too_large"}),
    "redirect to another host": (
        lambda _: RedirectResponse("http://127.0.0.1:1/elsewhere", 307),
        PeerBrokeProtocol, {"redirected"}),
    "redirect to a file": (
        lambda _: RedirectResponse("file:///etc/passwd", 301),
        PeerBrokeProtocol, {"redirected"}),
    "HTML": (
        lambda _: Response("<p>hi", media_type="text/html"),
        PeerBrokeProtocol,
        {"metadata_invalid", "authorization_response_invalid", "token_response_invalid",
         "nonce_response_invalid", "credential_response_invalid"}),
    "not JSON": (
        lambda _: Response("{", media_type="application/json"),
        PeerBrokeProtocol,
        {"metadata_invalid", "authorization_response_invalid", "token_response_invalid",
         "nonce_response_invalid", "credential_response_invalid"}),
    "a member twice": (
        lambda _: Response('{"a":1,"a":2}', media_type="application/json"),
        PeerBrokeProtocol,
        {"metadata_invalid", "authorization_response_invalid", "token_response_invalid",
         "nonce_response_invalid", "credential_response_invalid"}),
    "500": (lambda _: Response("boom", 500), PeerRefused, {"server_error"}),
    "their own error": (
        lambda _: JSONResponse({"error": "sentinel_error"}, 400),
        PeerRefused,
        {"not_found", "authorization_refused", "token_refused", "credential_refused"}),
    "gzip": (
        lambda _: Response(b"\x1f\x8b", headers={"content-encoding": "gzip"},
                           media_type="application/json"),
        PeerBrokeProtocol, {"response_malformed"}),
}  # fmt: skip


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_answer(
    name: str, path: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    make, fault, codes = BAD_ANSWERS[name]
    with _answer(issuer, path, make):
        error = await refused(wallet, issuer.offer(), holder)
    assert error.code in codes
    assert isinstance(error, fault)
    assert error.step is ENDPOINTS[path]
    assert error.url == issuer.url + path
    if name == "their own error":
        assert error.peer_error == "sentinel_error"


async def test_server_down(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> None:
    offer = issuer.offer(credential_issuer="http://127.0.0.1:1")
    error = await refused(wallet, offer, holder)
    assert (error.code, error.step) == ("unreachable", Step.ISSUER)
    assert isinstance(error, Unreachable)


DOWN = {
    "authorization_servers": ("issuer_metadata", Step.ISSUER),
    "pushed_authorization_request_endpoint": ("server_metadata", Step.AUTHORIZATION),
    "token_endpoint": ("server_metadata", Step.TOKEN),
    "nonce_endpoint": ("issuer_metadata", Step.CREDENTIAL),
    "credential_endpoint": ("issuer_metadata", Step.CREDENTIAL),
}


@pytest.mark.parametrize("member", DOWN)
async def test_one_endpoint_down(
    member: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    document, step = DOWN[member]
    nowhere = "http://127.0.0.1:1"
    issuer.edits[document] = _set(**{member: [nowhere] if member.endswith("s") else nowhere})
    error = await refused(wallet, issuer.offer(), holder)
    assert (error.code, error.step) == ("unreachable", step)


async def test_a_server_that_never_answers(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    wallet._settings = replace(wallet._settings, http_timeout=0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        offer = issuer.offer(credential_issuer=f"http://127.0.0.1:{silent.getsockname()[1]}")
        error = await refused(wallet, offer, holder)
    assert error.code == "timed_out"
    assert isinstance(error, Unreachable)


async def test_a_server_without_a_trusted_certificate(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    offer = issuer.offer(credential_issuer=issuer.url.replace("http:", "https:"))
    error = await refused(wallet, offer, holder)
    assert error.code == "tls_failed"
    assert isinstance(error, Unreachable)


async def test_the_redirects_port_is_taken(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        wallet._settings = replace(wallet._settings, redirect_port=other.getsockname()[1])
        error = await refused(wallet, issuer.offer(), holder)
    assert (error.code, error.step) == ("redirect_port_taken", Step.AUTHORIZATION)
    assert "/par" not in [path for path, _ in issuer.requests]


async def test_a_qr_code_that_is_no_offer(wallet: Wallet, holder: WillingHolder) -> None:
    text = "WIFI:S:home;T:WPA;P:secret;;"
    error = await refused(wallet, text, holder)
    assert (error.code, error.step) == ("not_an_offer", Step.OFFER)
    picture = BytesIO()
    segno.make_qr(text).save(picture, "png", scale=6)
    with pytest.raises(PeerBrokeProtocol) as caught:
        await wallet.read_image(picture.getvalue())
    assert caught.value.code == "not_an_offer"
    assert "secret" not in str(caught.value)


async def test_http_on_another_host(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    offer = issuer.offer(credential_issuer="http://issuer.example")
    assert (await refused(wallet, offer, holder)).code == "insecure_url"
    assert holder.contacts == []


BAD_OFFERS = {
    "both parameters": (
        "openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=https%3A%2F%2Fx",
        "offer_invalid"),
    "neither parameter": ("openid-credential-offer://?x=1", "offer_invalid"),
    "one parameter twice": (
        "openid-credential-offer://?credential_offer=%7B%7D&credential_offer=%7B%7D",
        "offer_invalid"),
    "no members": ("openid-credential-offer://?credential_offer=%7B%7D", "offer_invalid"),
    "not JSON": ("openid-credential-offer://?credential_offer=hello", "offer_invalid"),
    "http reference": (
        "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fissuer.example%2Fo",
        "insecure_url"),
    "file reference": (
        "openid-credential-offer://?credential_offer_uri=file%3A%2F%2F%2Fetc%2Fpasswd",
        "insecure_url"),
    "a web page": ("https://example.com/", "not_an_offer"),
    "wifi": ("WIFI:S:home;T:WPA;P:secret;;", "not_an_offer"),
    "a word": ("hello", "not_an_offer"),
    "nothing": ("", "not_an_offer"),
    "far too long": ("openid-credential-offer://?credential_offer=" + "a" * 65_000,
                     "not_an_offer"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_OFFERS)
async def test_off_14_offer(name: str, wallet: Wallet, holder: WillingHolder) -> None:
    link, code = BAD_OFFERS[name]
    error = await refused(wallet, link, holder)
    assert (error.code, error.step) == (code, Step.OFFER)
    assert holder.contacts == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"credential_configuration_ids": []}, "offer_invalid"),
        ({"credential_configuration_ids": ["card", "card"]}, "offer_invalid"),
        ({"credential_issuer": "https://issuer.example/?a=b"}, "response_malformed"),
        ({"credential_issuer": "https://user@issuer.example"}, "response_malformed"),
        ({"grants": {"urn:example:other": {}}}, "grant_unsupported"),
        (
            {"grants": {"authorization_code": {"authorization_server": "https://as.example"}}},
            "authorization_server_mismatch",
        ),
    ],
)  # fmt: skip
async def test_off_14_members(
    members: dict[str, Any], code: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    assert (await refused(wallet, issuer.offer(**members), holder)).code == code


async def test_cancelled_while_the_browser_is_open(wallet: Wallet, issuer: Simulator) -> None:
    opened = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look(_url: str) -> None:
        loop.call_soon_threadsafe(opened.set)

    holder = WillingHolder(browser=look)
    run = asyncio.create_task(wallet.add(issuer.offer(), holder))
    await opened.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert await wallet.cards() == ()
    (card,) = (await wallet.add(issuer.offer(), WillingHolder())).cards
    assert [one.id for one in await wallet.cards()] == [card.id]


async def test_sign_in_not_finished_in_time(wallet: Wallet, issuer: Simulator) -> None:
    wallet._settings = replace(wallet._settings, authorization_timeout=0.05)
    error = await refused(wallet, issuer.offer(), WillingHolder(browser=lambda _url: None))
    assert error.code == "authorization_timeout"
    assert isinstance(error, LocalFailure)
