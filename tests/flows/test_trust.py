"""The five levels of trust, each reached by what servers really do, and what is said of each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.holder import WillingHolder
from tests.support.issuer_keys import (
    DID_JSON,
    JWKS,
    JWT_VC_ISSUER,
    KID,
    Known,
    by_did_web,
    by_domain,
    by_key_set,
    by_own_key,
    did_document,
    did_web,
    key_set,
    serve,
    without_certificates,
)
from tests.support.reference_servers import reference_servers
from tests.support.simulator import Authority, Simulator
from tests.support.wallets import fresh_wallet
from wallet.app import Wallet
from wallet.errors import LocalFailure, VerificationFailed, WalletError
from wallet.ports import Verdict
from wallet.records import Card, Secret
from wallet.report import Outcome, Report, Trust

ALL = tuple(Trust)


def stranger(issuer: Simulator) -> None:
    """Certificates that lead to a root nobody here knows."""
    other = Authority("Stranger")
    issuer.edits["chain"] = lambda _: [other.leaf, other.certificate]
    issuer.edits["signer"] = lambda _: other.leaf_key


def down(issuer: Simulator, path: str = JWT_VC_ISSUER, status: int = 503) -> None:
    serve(issuer, path, {}, status_code=status)


def unverifiable(issuer: Simulator) -> None:
    by_domain(issuer)
    down(issuer)


def asked(issuer: Simulator, path: str) -> int:
    return [one for one, _ in issuer.requests].count(path)


def outcome(report: Report, name: str) -> Outcome:
    [found] = [check.outcome for check in report.checks if check.name == name]
    return found


async def got(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> Card:
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    return card


async def refused(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> WalletError:
    with pytest.raises(WalletError) as caught:
        await wallet.add(issuer.offer(), holder)
    assert await wallet.cards() == ()
    assert await wallet.pending() == ()
    return caught.value


# The levels.


async def test_an_anchor_vouches_for_it(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    card = await got(wallet, issuer, holder)
    assert (card.trust, card.trusted_by) == (Trust.ANCHORED, "Simulated Root")
    assert holder.verdicts == []


DOMAIN: dict[str, Known] = {
    "jwks": by_domain,
    "jwks_uri": by_key_set,
    "did:web": by_did_web,
}


@pytest.mark.parametrize("way", DOMAIN)
async def test_vc_04_it_is_known_by_its_domain(
    way: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    DOMAIN[way](issuer)
    holder.keeps = (Trust.DOMAIN,)
    card = await got(wallet, issuer, holder)
    known_by = did_web(issuer.url) if way == "did:web" else issuer.url
    assert (card.trust, card.trusted_by) == (Trust.DOMAIN, known_by)
    assert outcome(card.report, "Issuer") is outcome(card.report, "Signature") is Outcome.PASSED
    [verdict] = holder.verdicts
    assert verdict.look.name == "Simulated Card"
    assert verdict.issuer_host == issuer.url.removeprefix("http://")
    assert verdict.reasons == (f"its keys are those that {verdict.issuer_host} publishes",)
    assert [one["event"] for one in issuer.notified] == ["credential_accepted"]


async def test_vc_04_the_reference_issuer_is_known_by_its_domain(tmp_path: Path) -> None:
    with reference_servers(tmp_path / "servers", issuer={"issuer-key": "kid"}) as both:
        holder = WillingHolder(browser=both.browser, keeps=(Trust.DOMAIN,))
        async with fresh_wallet(tmp_path) as wallet:
            [card] = (await wallet.add(both.offer("pid"), holder)).cards
            assert (card.trust, card.trusted_by) == (Trust.DOMAIN, both.issuer_url)
            await wallet.trust_issuer(both.issuer_url)
            assert (await wallet.verify(card.id)).trust is Trust.ANCHORED


UNKNOWN: dict[str, Known] = {
    "unknown root": stranger,
    "did:jwk": by_own_key,
    "did:key": lambda issuer: by_own_key(issuer, "did:key"),
}


@pytest.mark.parametrize("way", UNKNOWN)
async def test_nobody_knows_whose_it_is(
    way: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    UNKNOWN[way](issuer)
    holder.keeps = (Trust.UNKNOWN,)
    card = await got(wallet, issuer, holder)
    assert card.trust is Trust.UNKNOWN
    assert card.trusted_by.startswith("" if way == "unknown root" else f"{way}:")
    assert outcome(card.report, "Issuer") is Outcome.SKIPPED
    assert outcome(card.report, "Signature") is Outcome.PASSED


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_it_cannot_be_verified_now_and_later_it_can(
    status: int, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    by_domain(issuer)
    right = issuer.answers[JWT_VC_ISSUER]
    down(issuer, status=status)
    holder.keeps = (Trust.UNVERIFIED,)
    card = await got(wallet, issuer, holder)
    assert (card.trust, card.trusted_by) == (Trust.UNVERIFIED, issuer.url)
    assert outcome(card.report, "Signature") is Outcome.SKIPPED
    assert (await wallet.verify(card.id)).trust is Trust.UNVERIFIED
    issuer.answers[JWT_VC_ISSUER] = right
    again = await wallet.verify(card.id)
    assert (again.trust, again.refused) == (Trust.DOMAIN, "")
    assert outcome(again.report, "Signature") is Outcome.PASSED
    assert again.claims == card.claims
    assert await wallet.cards() == (again,)


async def test_what_was_kept_unverified_may_turn_out_wrong(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    unverifiable(issuer)
    issuer.edits["signer"] = lambda _: Authority("Impostor").leaf_key
    holder.keeps = (Trust.UNVERIFIED,)
    card = await got(wallet, issuer, holder)
    by_domain(issuer)
    again = await wallet.verify(card.id)
    assert again.refused == "signature_invalid"
    assert outcome(again.report, "Signature") is Outcome.FAILED
    assert await wallet.cards() == (again,)
    await wallet.close()
    await wallet.open(Secret("correct horse"))
    assert await wallet.card(card.id) == again
    down(issuer)  # what cannot be told now takes nothing back, and says no more than it knows
    assert (await wallet.verify(card.id)).trust is Trust.UNVERIFIED


WRONG: dict[str, tuple[str, Any, str]] = {
    "altered": (
        "credential", lambda c: c.replace(".", ".e", 1), "credential_malformed"),
    "signed by another": (
        "signer", lambda _: Authority("Impostor").leaf_key, "signature_invalid"),
    "expired": ("payload", lambda p: {**p, "exp": 1}, "credential_expired"),
    "bound to another key": (
        "payload", lambda p: {**p, "cnf": {"kid": "another"}}, "key_binding_mismatch"),
    "of another type": ("payload", lambda p: {**p, "vct": "another"}, "vct_mismatch"),
}  # fmt: skip


@pytest.mark.parametrize("known", [by_domain, by_own_key, unverifiable, stranger])
@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_is_refused_without_a_question(
    wrong: str, known: Known, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    known(issuer)
    document, edit, code = WRONG[wrong]
    before = issuer.edits.get(document, lambda same: same)
    issuer.edits[document] = lambda same: edit(before(same))
    holder.keeps = ALL
    if known is unverifiable and wrong == "signed by another":
        assert (await got(wallet, issuer, holder)).trust is Trust.UNVERIFIED
        return
    error = await refused(wallet, issuer, holder)
    assert error.code == code
    assert isinstance(error, VerificationFailed)
    assert holder.verdicts == []
    assert [one["event"] for one in issuer.notified] == ["credential_failure"]


# The question.


@pytest.mark.parametrize("known", [by_domain, by_own_key, stranger, unverifiable])
async def test_a_holder_who_does_not_want_it(
    known: Known, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    known(issuer)
    error = await refused(wallet, issuer, holder)
    assert error.code == "issuer_untrusted"
    assert isinstance(error, VerificationFailed)
    assert outcome(error.report, "Issuer") is Outcome.FAILED
    assert len(holder.verdicts) == 1
    assert [one["event"] for one in issuer.notified] == ["credential_deleted"]


async def test_one_question_for_all_copies_and_credentials(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    by_domain(issuer)
    issuer.names, issuer.batch_size = ["card", "badge"], 3
    wallet._settings = replace(wallet._settings, batch=3)
    holder.keeps = (Trust.DOMAIN,)
    cards = (await wallet.add(issuer.offer(), holder)).cards
    assert [(card.copies, card.trust) for card in cards] == [(3, Trust.DOMAIN)] * 2
    assert len(holder.verdicts) == 1
    assert asked(issuer, JWT_VC_ISSUER) == 1


async def test_of_several_copies_the_worst_counts(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    other = Authority("Stranger")
    chains = iter([[issuer.authority.leaf], [other.leaf]])
    keys = iter([issuer.authority.leaf_key, other.leaf_key])
    issuer.edits |= {"chain": lambda _: next(chains), "signer": lambda _: next(keys)}
    issuer.batch_size = 2
    wallet._settings = replace(wallet._settings, batch=2)
    holder.keeps = (Trust.UNKNOWN,)
    card = await got(wallet, issuer, holder)
    assert (card.copies, card.trust) == (2, Trust.UNKNOWN)


async def test_nobody_is_there_to_ask(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    by_domain(issuer)
    issuer.deferrals = 1
    await wallet.add(issuer.offer(), holder)
    [news] = await wallet.catch_up()
    [failure] = news.failures
    assert failure.error.code == "decision_needed"
    assert (await wallet.catch_up(), holder.verdicts, issuer.notified) == ((), [], [])
    [pending] = await wallet.pending()
    assert (pending.has_come, pending.ask_again_at) == (True, None)
    holder.keeps = (Trust.DOMAIN,)
    [card] = (await wallet.resume(pending.id, holder)).cards
    assert card.trust is Trust.DOMAIN
    assert asked(issuer, "/deferred") == 1


async def test_a_lock_during_the_question_loses_nothing(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    by_domain(issuer)

    async def locks(verdict: Verdict) -> None:
        await wallet.close()
        raise LocalFailure("store_locked", verdict.look.name)

    holder.judge = locks  # type: ignore[method-assign]
    with pytest.raises(LocalFailure):
        await wallet.add(issuer.offer(), holder)
    await wallet.open(Secret("correct horse"))
    [pending] = await wallet.pending()
    assert pending.has_come
    willing = WillingHolder(keeps=(Trust.DOMAIN,))
    [card] = (await wallet.resume(pending.id, willing)).cards
    assert (card.trust, len(willing.verdicts)) == (Trust.DOMAIN, 1)
    assert asked(issuer, "/credential") == 1


@pytest.mark.parametrize("known", [by_domain, by_own_key, stranger, unverifiable])
async def test_a_stricter_policy(
    known: Known, tmp_path: Path, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = ALL
    known(issuer)
    async with fresh_wallet(tmp_path, issuer.authority.pem, trust_policy="anchored") as wallet:
        assert (await refused(wallet, issuer, holder)).code == "issuer_untrusted"
        assert holder.verdicts == []
        assert [one["event"] for one in issuer.notified] == ["credential_failure"]
        issuer.edits.clear()
        assert (await got(wallet, issuer, holder)).trust is Trust.ANCHORED


# The way to the keys is not the attacker's choice.


@asynccontextmanager
async def unasked(issuer: Simulator) -> AsyncIterator[None]:
    """Keys are published, and nobody comes for them."""
    serve(issuer, JWT_VC_ISSUER, {"issuer": issuer.url, "jwks": key_set(issuer)})
    yield
    assert asked(issuer, JWT_VC_ISSUER) == 0


@pytest.mark.parametrize("x5c", [[], ["AAAA"], ["*"]])
async def test_vc_04_broken_certificates_are_not_passed_over(
    x5c: Any, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = ALL
    issuer.edits["header"] = lambda header: {**header, "x5c": x5c, "kid": KID}
    async with unasked(issuer):
        assert (await refused(wallet, issuer, holder)).code == "issuer_untrusted"


async def test_vc_04_a_stranger_s_certificates_are_not_passed_over(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = ALL
    stranger(issuer)
    issuer.edits["header"] = lambda header: {**header, "kid": KID}
    async with unasked(issuer):
        assert (await got(wallet, issuer, holder)).trust is Trust.UNKNOWN


async def test_a_key_of_another_did_does_not_sign_for_a_domain(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = ALL
    by_domain(issuer)
    did = by_own_key(issuer)
    without_certificates(issuer, issuer.url, f"{did}#0")
    assert (await refused(wallet, issuer, holder)).code == "issuer_keys_invalid"


@pytest.mark.parametrize(
    "iss", [None, 7, "", "issuer", "urn:issuer", "did:example:1", "did:", "did:jwk:e30"]
)
async def test_an_issuer_without_a_place_for_keys(
    iss: Any, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = ALL
    without_certificates(issuer, iss)
    codes = {"did:jwk:e30": "issuer_keys_invalid", 7: "credential_malformed"}
    codes[None] = "credential_malformed"
    assert (await refused(wallet, issuer, holder)).code == codes.get(iss, "issuer_untrusted")


async def test_the_domain_of_another_is_told(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    other = issuer.url.replace("127.0.0.1", "localhost")
    without_certificates(issuer, other)
    serve(issuer, JWT_VC_ISSUER, {"issuer": other, "jwks": key_set(issuer)})
    holder.keeps = (Trust.DOMAIN,)
    card = await got(wallet, issuer, holder)
    assert card.trusted_by == other
    assert outcome(card.report, "Issuer") is Outcome.SKIPPED
    assert "while it came from 127.0.0.1" in holder.verdicts[0].reasons[0]


# What is published.


def _jwt_vc_issuer(**members: Any) -> Known:
    def publish(issuer: Simulator) -> None:
        by_domain(issuer)
        document = {"issuer": issuer.url, "jwks": key_set(issuer), **members}
        there = {name: value for name, value in document.items() if value is not None}
        serve(issuer, JWT_VC_ISSUER, there)

    return publish


def _of_kind(content_type: str) -> Known:
    def publish(issuer: Simulator) -> None:
        by_domain(issuer)
        document = {"issuer": issuer.url, "jwks": key_set(issuer)}
        serve(issuer, JWT_VC_ISSUER, document, media_type=content_type)

    return publish


def _keys(**members: Any) -> Known:
    def publish(issuer: Simulator) -> None:
        by_domain(issuer)
        [key] = key_set(issuer)["keys"]
        changed = {name: value for name, value in {**key, **members}.items() if value is not None}
        serve(issuer, JWT_VC_ISSUER, {"issuer": issuer.url, "jwks": {"keys": [changed]}})

    return publish


def _did(**members: Any) -> Known:
    def publish(issuer: Simulator) -> None:
        by_did_web(issuer)
        serve(issuer, DID_JSON, {**did_document(issuer, did_web(issuer.url)), **members})

    return publish


def _method(**members: Any) -> Known:
    def publish(issuer: Simulator) -> None:
        by_did_web(issuer)
        document = did_document(issuer, did_web(issuer.url))
        document["verificationMethod"][0] |= members
        serve(issuer, DID_JSON, document)

    return publish


def _elsewhere(document: Any) -> Known:
    def publish(issuer: Simulator) -> None:
        by_key_set(issuer)
        serve(issuer, JWKS, document)

    return publish


PUBLISHED_WRONG: dict[str, Known] = {
    "another issuer's": _jwt_vc_issuer(issuer="https://another.example"),
    "no issuer": _jwt_vc_issuer(issuer=None),
    "neither jwks nor jwks_uri": _jwt_vc_issuer(jwks=None),
    "both": _jwt_vc_issuer(jwks_uri="https://issuer.example/keys"),
    "no keys": _jwt_vc_issuer(jwks={"keys": []}),
    "too many keys": _jwt_vc_issuer(jwks={"keys": [{}] * 101}),
    "keys is an object": _jwt_vc_issuer(jwks={"keys": {}}),
    "no JSON type": _of_kind("text/html"),
    "a kid nobody has": _keys(kid="another"),
    "no kid": _keys(kid=None),
    "for encryption": _keys(use="enc"),
    "a private key": _keys(d="AAAA"),
    "off the curve": _keys(x="AAAA"),
    "another kind of key": _keys(kty="RSA", crv=None),
    "no key set": _elsewhere({"issuer": "x"}),
    "a list for a key set": _elsewhere([]),
    "DID of another": _did(id="did:web:another.example"),
    "no DID document": _did(verificationMethod="x"),
    "not for assertions": _did(assertionMethod=[]),
    "another's assertions": _did(assertionMethod=["did:web:another.example#key-1"]),
    "another's key": _method(controller="did:web:another.example"),
    "another name": _method(id="#another"),
    "no key material": _method(publicKeyJwk=None),
    "key material twice": _method(publicKeyMultibase="z6Mk"),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED_WRONG)
async def test_vc_04_what_is_published_is_wrong(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = ALL
    PUBLISHED_WRONG[name](issuer)
    error = await refused(wallet, issuer, holder)
    assert error.code == "issuer_keys_invalid"
    assert isinstance(error, VerificationFailed)
    assert outcome(error.report, "Issuer") is Outcome.FAILED
    assert error.url.startswith(issuer.url)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_an_issuer_that_publishes_nothing(
    status: int, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = ALL
    by_domain(issuer)
    down(issuer, status=status)
    error = await refused(wallet, issuer, holder)
    assert (error.code, error.url) == ("issuer_untrusted", issuer.url + JWT_VC_ISSUER)


PUBLISHED_RIGHT: dict[str, Known] = {
    "more keys": lambda issuer: serve(
        issuer,
        JWT_VC_ISSUER,
        {
            "issuer": issuer.url,
            "jwks": {"keys": [{"kty": "RSA", "kid": KID}, *key_set(issuer)["keys"], {}]},
        },
    ),
    "no kid in the credential": lambda issuer: without_certificates(issuer, issuer.url, None),
}


@pytest.mark.parametrize("name", PUBLISHED_RIGHT)
async def test_what_is_published_is_unusual(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = (Trust.DOMAIN,)
    by_domain(issuer)
    PUBLISHED_RIGHT[name](issuer)
    assert (await got(wallet, issuer, holder)).trust is Trust.DOMAIN


@pytest.mark.parametrize("path", ["/", "/tenant", "/tenant/"])
async def test_vc_04_it_stands_between_host_and_path(
    path: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    iss = issuer.url + path
    without_certificates(issuer, iss)
    where = JWT_VC_ISSUER + path.removesuffix("/")
    serve(issuer, where, {"issuer": iss, "jwks": key_set(issuer)})
    holder.keeps = (Trust.DOMAIN,)
    card = await got(wallet, issuer, holder)
    assert (card.trusted_by, asked(issuer, where)) == (iss, 1)


# Trust anchors that the holder added.


@pytest.mark.parametrize("known", [by_domain, by_did_web, by_own_key])
async def test_an_issuer_that_the_holder_trusts(
    known: Known, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    known(issuer)
    name = issuer.edits["payload"]({})["iss"]
    anchor = await wallet.trust_issuer(name)
    card = await got(wallet, issuer, holder)
    assert (card.trust, card.trusted_by) == (Trust.ANCHORED, name)
    await wallet.distrust(anchor.id)
    assert (await wallet.verify(card.id)).trust in (Trust.DOMAIN, Trust.UNKNOWN)
    with pytest.raises(VerificationFailed):
        await wallet.add(issuer.offer(), holder)


async def test_an_anchored_issuer_that_cannot_be_asked(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    unverifiable(issuer)
    await wallet.trust_issuer(issuer.url)
    holder.keeps = (Trust.UNVERIFIED,)
    card = await got(wallet, issuer, holder)
    assert card.trust is Trust.UNVERIFIED
    by_domain(issuer)
    assert (await wallet.verify(card.id)).trust is Trust.ANCHORED


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
async def test_a_certificate_that_the_holder_trusts(
    encoding: Encoding, tmp_path: Path, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.keeps = (Trust.UNKNOWN,)
    async with fresh_wallet(tmp_path) as wallet:
        before = await got(wallet, issuer, holder)
        assert before.trust is Trust.UNKNOWN
        data = issuer.authority.certificate.public_bytes(encoding)
        [anchor] = await wallet.trust_certificates(data)
        assert (anchor.name, anchor.kind) == ("Simulated Root", "certificate")
        assert await wallet.trusted() == (anchor,)
        assert (await wallet.verify(before.id)).trust is Trust.ANCHORED
        assert (await got(wallet, issuer, holder)).trusted_by == "Simulated Root"
        await wallet.distrust(anchor.id)
        assert await wallet.trusted() == ()
        with pytest.raises(LocalFailure) as caught:
            await wallet.distrust(anchor.id)
        assert caught.value.code == "trust_anchor_not_found"


async def test_trust_anchors_are_in_the_backup(
    tmp_path: Path, wallet: Wallet, issuer: Simulator
) -> None:
    [anchor] = await wallet.trust_certificates(issuer.authority.pem)
    issuer_anchor = await wallet.trust_issuer("did:web:issuer.example")
    await wallet.backup(tmp_path / "backup", Secret("another horse"))
    (tmp_path / "new").mkdir()
    async with fresh_wallet(tmp_path / "new") as other:
        await other.restore(
            tmp_path / "backup",
            Secret("another horse"),
            Secret("correct horse"),
            replace_present=True,
        )
        assert await other.trusted() == (anchor, issuer_anchor)


async def test_those_of_the_settings_are_told_apart(
    wallet: Wallet, tmp_path: Path, issuer: Simulator
) -> None:
    [anchor] = await wallet.trusted()
    assert (anchor.name, anchor.file) == ("Simulated Root", str(tmp_path / "root.pem"))
    with pytest.raises(LocalFailure):
        await wallet.distrust(anchor.id)
    await wallet.trust_certificates(issuer.authority.pem)
    assert [one.file for one in await wallet.trusted()] == [anchor.file, ""]


@pytest.mark.parametrize("trusted", [True, False])
async def test_what_is_offered_is_offered_once(
    trusted: bool, tmp_path: Path, issuer: Simulator, holder: WillingHolder
) -> None:
    (tmp_path / "demo.pem").write_bytes(issuer.authority.pem)
    async with fresh_wallet(tmp_path, offered_anchor=str(tmp_path / "demo.pem")) as wallet:
        assert await wallet.trusted() == ()
        offered = await wallet.offered_anchors()
        assert [one.name for one in offered] == ["Simulated Root"]
        await wallet.answer_offer(offered, trusted=trusted)
        await wallet.close()
        await wallet.open(Secret("correct horse"))
        assert await wallet.offered_anchors() == ()
        assert [one.id for one in await wallet.trusted()] == [o.id for o in offered if trusted]
        holder.keeps = ALL
        assert ((await got(wallet, issuer, holder)).trust is Trust.ANCHORED) is trusted


@pytest.mark.parametrize(
    "data", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"\x30\x00" * 900_000]
)
async def test_what_is_no_trust_anchor(data: bytes, wallet: Wallet) -> None:
    before = await wallet.trusted()
    with pytest.raises(LocalFailure) as caught:
        await wallet.trust_certificates(data)
    assert caught.value.code == "trust_anchor_unreadable"
    assert await wallet.trusted() == before


@pytest.mark.parametrize(
    "name", ["", "issuer", "http://issuer.example", "https://", "did:", "did:x"]
)
async def test_what_is_no_issuer(name: str, wallet: Wallet) -> None:
    with pytest.raises(LocalFailure) as caught:
        await wallet.trust_issuer(name)
    assert caught.value.code == "trust_anchor_unreadable"
