"""A stored credential is issued anew by the refresh token; the old one stays until then."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.holder import WillingHolder, batch
from tests.support.simulator import VCT, Simulator
from wallet.app import Wallet
from wallet.errors import (
    LocalFailure,
    PeerBrokeProtocol,
    PeerRefused,
    Unreachable,
    VerificationFailed,
)
from wallet.records import Card


@pytest.fixture
def issuer(issuer: Simulator) -> Simulator:
    issuer.refreshes = True
    return issuer


async def stored(wallet: Wallet, issuer: Simulator) -> Card:
    [card] = (await wallet.add(issuer.offer(), WillingHolder())).cards
    assert await wallet.pending() == ()
    assert await wallet.refreshable() == {card.id}
    return card


async def keys_of(wallet: Wallet) -> set[str]:
    return {key for record in await wallet._opened().all() for key in record.key_ids}


async def test_a_new_one_takes_the_place_of_the_old(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    card = await stored(wallet, issuer)
    old, old_keys = await wallet.credential(card.id), await keys_of(wallet)
    [renewed] = (await wallet.refresh(card.id, holder)).cards
    assert (renewed.id, len(await wallet.cards())) == (card.id, 1)
    assert (await wallet.credential(card.id)).reveal() != old.reveal()
    assert renewed.received_at > card.received_at
    new_keys = await keys_of(wallet)
    assert len(new_keys) == 1
    assert not new_keys & old_keys
    for key_id in old_keys:  # it went with the credential
        with pytest.raises(LocalFailure):
            await wallet._opened().sign(key_id, b"m")
    assert [one["event"] for one in issuer.notified] == ["credential_accepted"] * 2
    assert (holder.contacts, holder.reviews) == ([], [])
    # The refresh token was exchanged, and the new one is good.
    assert len((await wallet.refresh(card.id, holder)).cards) == 1


async def test_what_was_removed_cannot_be_refreshed(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def boom(_request: Request) -> Response:
        return Response(status_code=500)

    issuer.answers["/notification"] = boom  # so that its issuance is not over
    card = await stored(wallet, issuer)
    await wallet.remove(card.id)
    assert await wallet.refreshable() == frozenset()
    with pytest.raises(LocalFailure, match="credential_not_found"):
        await wallet.refresh(card.id, holder)


async def test_all_its_copies_are_replaced(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.batch_size = 3
    batch(wallet, 3)
    card = await stored(wallet, issuer)
    [renewed] = (await wallet.refresh(card.id, holder)).cards
    assert (card.copies, renewed.copies) == (3, 3)
    assert len(await keys_of(wallet)) == 3


async def test_one_of_several(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> None:
    issuer.names = ["card", "badge"]
    card, badge = (await wallet.add(issuer.offer(), holder)).cards
    [renewed] = (await wallet.refresh(badge.id, holder)).cards
    assert renewed.id == badge.id
    assert {one.id for one in await wallet.cards()} == {card.id, badge.id}
    assert await wallet.refreshable() == {card.id, badge.id}
    assert len((await wallet.refresh(card.id, holder)).cards) == 1


async def test_a_bad_one_changes_nothing(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    card = await stored(wallet, issuer)
    issuer.edits["payload"] = lambda p: {**p, "exp": 1}
    with pytest.raises(VerificationFailed, match="credential_expired"):
        await wallet.refresh(card.id, holder)
    assert await wallet.cards() == (card,)
    assert [one["event"] for one in issuer.notified] == [
        "credential_accepted",
        "credential_failure",
    ]
    assert await wallet.pending() == ()
    issuer.edits.clear()
    assert len((await wallet.refresh(card.id, holder)).cards) == 1


async def test_a_refresh_that_is_refused(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def refuse(_request: Request) -> Response:
        return JSONResponse({"error": "invalid_grant"}, 400)

    card = await stored(wallet, issuer)
    issuer.answers["/token"] = refuse
    with pytest.raises(PeerRefused) as caught:
        await wallet.refresh(card.id, holder)
    assert (caught.value.code, caught.value.peer_error) == ("token_refused", "invalid_grant")
    assert await wallet.cards() == (card,)
    assert (await wallet.pending(), await wallet.refreshable()) == ((), frozenset())
    with pytest.raises(LocalFailure, match="refresh_impossible"):
        await wallet.refresh(card.id, holder)


async def test_the_network_fails_for_a_while(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def boom(_request: Request) -> Response:
        return Response(status_code=502)

    card = await stored(wallet, issuer)
    issuer.answers["/token"] = boom
    with pytest.raises((PeerRefused, Unreachable), match="server_error"):
        await wallet.refresh(card.id, holder)
    assert await wallet.cards() == (card,)
    issuer.answers.clear()
    assert len((await wallet.refresh(card.id, holder)).cards) == 1
    assert (await wallet.pending(), len(await wallet.cards())) == ((), 1)


async def test_it_may_be_put_off(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> None:
    card = await stored(wallet, issuer)
    issuer.deferrals = 1
    received = await wallet.refresh(card.id, holder)
    assert received.pending is not None
    assert await wallet.cards() == (card,)
    [news] = await wallet.catch_up()
    assert [one.id for one in news.cards] == [card.id]
    assert len(await wallet.cards()) == 1


async def test_without_a_refresh_token(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.refreshes = False
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    assert await wallet.refreshable() == frozenset()
    with pytest.raises(LocalFailure, match="refresh_impossible"):
        await wallet.refresh(card.id, holder)
    with pytest.raises(LocalFailure, match="credential_not_found"):
        await wallet.refresh("nothing", holder)


async def test_what_refreshes_goes_with_the_credential(wallet: Wallet, issuer: Simulator) -> None:
    card = await stored(wallet, issuer)
    await wallet.remove(card.id)
    assert await wallet._opened().flows() == ()


async def test_tok_06_by_the_identifiers_of_the_new_token(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    names = iter(["first", "second", "second"])

    def token(document: dict[str, Any]) -> dict[str, Any]:
        details = {
            "type": "openid_credential",
            "credential_configuration_id": "card",
            "credential_identifiers": [next(names)],
        }
        return {**document, "authorization_details": [details]}

    issuer.edits["token"] = token
    issuer.edits["payload"] = lambda payload: {**payload, "vct": VCT}
    card = await stored(wallet, issuer)
    await wallet.refresh(card.id, holder)
    await wallet.refresh(card.id, holder)
    asked = [json.loads(body) for path, body in issuer.requests if path == "/credential"]
    assert [one["credential_identifier"] for one in asked] == ["first", "second", "second"]


async def test_a_new_token_for_another_credential(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    card = await stored(wallet, issuer)
    other = {
        "type": "openid_credential",
        "credential_configuration_id": "another",
        "credential_identifiers": ["x"],
    }
    issuer.edits["token"] = lambda document: {**document, "authorization_details": [other]}
    with pytest.raises(PeerBrokeProtocol, match="token_response_invalid"):
        await wallet.refresh(card.id, holder)
    assert await wallet.cards() == (card,)
