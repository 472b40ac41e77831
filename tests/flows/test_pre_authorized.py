"""The pre-authorized code grant, with and without a transaction code (section 4.1.1)."""

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.support.holder import WillingHolder
from tests.support.simulator import PRE_AUTHORIZED_CODE, Simulator, simulated_issuer
from wallet.app import Wallet
from wallet.errors import HolderDeclined, LocalFailure, PeerRefused, WalletError
from wallet.steps import Step

DIGITS = {"input_mode": "numeric", "length": 4, "description": "Sent by post"}


def token_requests(issuer: Simulator) -> list[dict[str, str]]:
    return [
        {name: values[0] for name, values in parse_qs(body.decode()).items()}
        for path, body in issuer.requests
        if path == "/token"
    ]


async def test_tok_02_without_a_transaction_code(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    received = await wallet.add(issuer.pre_authorized_offer(), holder)
    assert len(received.cards) == 1
    [request] = token_requests(issuer)
    assert request.pop("pre-authorized_code").startswith("pre-authorized-sentinel")
    assert request == {"grant_type": PRE_AUTHORIZED_CODE, "client_id": "oid4vci-wallet"}
    assert holder.asked == []  # OFF-11
    assert Step.AUTHORIZATION not in holder.steps
    assert {path for path, _ in issuer.requests} & {"/par", "/authorize"} == set()
    [way] = holder.reviews[0].ways
    assert (way.signs_in, way.transaction_code) == (False, False)
    assert way.host == issuer.url.removeprefix("http://")


async def test_off_12_leading_zeros_are_kept(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.codes = ["0012"]
    await wallet.add(issuer.pre_authorized_offer(DIGITS, "0012"), holder)
    [asked] = holder.asked
    assert (asked.numeric, asked.length, asked.description) == (True, 4, "Sent by post")
    assert asked.host == issuer.url.removeprefix("http://")
    assert [request["tx_code"] for request in token_requests(issuer)] == ["0012"]


async def test_off_11_an_empty_object_asks_for_one(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.codes = ["7"]
    received = await wallet.add(issuer.pre_authorized_offer({}, "7"), holder)
    assert len(received.cards) == 1
    assert (holder.asked[0].numeric, holder.asked[0].length) == (True, None)


@pytest.mark.parametrize(
    ("tx_code", "good", "bad"),
    [
        (DIGITS, ["0000"], ["", "123", "12345", "abcd", "١٢٣٤", "12 4"]),
        ({}, ["1", "123456789"], ["", "a"]),
        ({"input_mode": "text", "length": 3}, ["a-1", "äöü"], ["ab", "abcd"]),
    ],
)
async def test_off_12_what_fits(
    tx_code: dict[str, Any], good: list[str], bad: list[str], wallet: Wallet, issuer: Simulator
) -> None:
    holder = WillingHolder(codes=["1"])
    with pytest.raises(WalletError):
        await wallet.add(issuer.pre_authorized_offer(tx_code, "-"), holder)
    assert all(holder.asked[0].is_fit(code) for code in good)
    assert not any(holder.asked[0].is_fit(code) for code in bad)


async def test_tok_08_a_wrong_code_is_typed_again(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.codes = ["1111", "2222", "3333"]
    received = await wallet.add(issuer.pre_authorized_offer(DIGITS, "3333"), holder)
    assert len(received.cards) == 1
    assert [asked.refused for asked in holder.asked] == [False, True, True]
    assert [request["tx_code"] for request in token_requests(issuer)] == ["1111", "2222", "3333"]


async def test_tok_08_not_for_ever(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.codes = ["1111"] * 9
    with pytest.raises(PeerRefused) as caught:
        await wallet.add(issuer.pre_authorized_offer(DIGITS, "3333"), holder)
    assert (caught.value.code, caught.value.step) == ("transaction_code_refused", Step.TOKEN)
    assert caught.value.peer_error == "invalid_grant"
    assert len(token_requests(issuer)) == 5
    assert await wallet.pending() == ()


async def test_nothing_is_sent_again_without_the_holder(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.codes = ["1111"]
    with pytest.raises(HolderDeclined):
        await wallet.add(issuer.pre_authorized_offer(DIGITS, "3333"), holder)
    assert len(token_requests(issuer)) == 1
    assert await wallet.pending() == ()


async def test_a_code_that_is_no_longer_good(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    offer = issuer.pre_authorized_offer()
    await wallet.add(offer, holder)
    with pytest.raises(PeerRefused) as caught:
        await wallet.add(offer, holder)
    assert (caught.value.code, caught.value.peer_error) == ("token_refused", "invalid_grant")
    assert len(token_requests(issuer)) == 2


async def test_off_07_the_holder_chooses_the_grant(wallet: Wallet, issuer: Simulator) -> None:
    both = {"authorization_code": {"issuer_state": "s"}}
    holder = WillingHolder()
    await wallet.add(issuer.pre_authorized_offer(grants=both), holder)
    assert [way.signs_in for way in holder.reviews[0].ways] == [False, True]
    assert "/par" not in [path for path, _ in issuer.requests]
    holder = WillingHolder(grant_type="authorization_code")
    await wallet.add(issuer.pre_authorized_offer(grants=both), holder)
    assert "/par" in [path for path, _ in issuer.requests]


async def test_meta_15_nobody_asks_who_one_is(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    name = "pre-authorized_grant_anonymous_access_supported"
    issuer.edits["server_metadata"] = lambda m: {**m, name: True}
    await wallet.add(issuer.pre_authorized_offer(), holder)
    assert "client_id" not in token_requests(issuer)[0]
    [proof] = issuer.proofs  # PRF-03
    assert "iss" not in proof


async def test_prf_03_the_proof_names_the_client(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    await wallet.add(issuer.pre_authorized_offer(), holder)
    assert [proof["iss"] for proof in issuer.proofs] == ["oid4vci-wallet"]


async def test_meta_13_the_server_that_takes_the_code(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    with simulated_issuer() as other:
        other.edits["server_metadata"] = lambda m: {
            **m,
            "grant_types_supported": ["authorization_code"],
        }
        servers = [other.url, issuer.url]
        issuer.edits["issuer_metadata"] = lambda m: {**m, "authorization_servers": servers}
        grants = {"authorization_code": {"authorization_server": other.url}}
        await wallet.add(issuer.pre_authorized_offer(grants=grants), holder)
        assert [path for path, _ in other.requests] == ["/.well-known/oauth-authorization-server"]
    assert len(token_requests(issuer)) == 1


async def test_a_server_that_names_no_grants(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    """A server for pre-authorized codes only may leave out what else is required."""

    def edit(metadata: dict[str, Any]) -> dict[str, Any]:
        kept = ("issuer", "token_endpoint")
        return {name: value for name, value in metadata.items() if name in kept}

    issuer.edits["server_metadata"] = edit
    assert len((await wallet.add(issuer.pre_authorized_offer(), holder)).cards) == 1


async def test_an_interruption_may_cost_the_offer(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def lost(request: Request) -> Response:
        await issuer._right_answer("/token", request)  # the code is used up, the answer gets lost
        return Response(status_code=502)

    issuer.answers["/token"] = lost
    with pytest.raises(PeerRefused, match="server_error"):
        await wallet.add(issuer.pre_authorized_offer(), holder)
    issuer.answers.clear()
    [pending] = await wallet.pending()
    assert not pending.signs_in
    with pytest.raises(PeerRefused, match="offer_used_up"):
        await wallet.resume(pending.id, holder)
    assert await wallet.pending() == ()


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("known", [False, True])
async def test_tok_04_a_token_for_no_more_than_was_chosen(
    known: bool, elsewhere: bool, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.names = ["card", "badge"]
    holder.chosen = ("badge",)
    types = {"authorization_details_types_supported": ["openid_credential"]} if known else {}
    issuer.edits["server_metadata"] = lambda m: {**m, **types}
    if elsewhere:
        issuer.edits["issuer_metadata"] = lambda m: {**m, "authorization_servers": [issuer.url]}
    await wallet.add(issuer.pre_authorized_offer(), holder)
    [request] = token_requests(issuer)
    detail = {"type": "openid_credential", "credential_configuration_id": "badge"}
    located = {"locations": [issuer.url]} if elsewhere else {}  # AUTH-02
    asked = json.loads(request["authorization_details"]) if known else None
    assert asked == ([{**detail, **located}] if known else None)
    assert ("authorization_details" in request) is known


async def test_tok_04_nothing_to_narrow(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.names = ["card", "badge"]
    types = {"authorization_details_types_supported": ["openid_credential"]}
    issuer.edits["server_metadata"] = lambda m: {**m, **types}
    await wallet.add(issuer.pre_authorized_offer(), holder)
    [request] = token_requests(issuer)
    assert "authorization_details" not in request


async def test_a_grant_that_was_not_offered(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    holder.grant_type = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
    with pytest.raises(LocalFailure, match="grant_not_offered") as caught:
        await wallet.add(issuer.offer(), holder)
    assert caught.value.step is Step.REVIEW
    assert await wallet.pending() == ()
