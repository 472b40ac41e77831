"""Whole issuances with issuers of older drafts, which take nothing newer."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.holder import WillingHolder
from tests.support.older_drafts import Draft11, Draft13
from tests.support.simulator import VCT, Simulator, simulated
from tests.support.wallets import fresh_wallet
from wallet.app import Wallet
from wallet.errors import WalletError
from wallet.trace import Trace

Opened = Callable[..., AbstractAsyncContextManager[Wallet]]


@pytest.fixture
def draft_13() -> Iterator[Draft13]:
    with simulated(Draft13) as issuer:
        yield issuer


@pytest.fixture
def draft_11() -> Iterator[Draft11]:
    with simulated(Draft11) as issuer:
        yield issuer


@pytest.fixture
def holder() -> WillingHolder:
    return WillingHolder()


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def open_wallet(issuer: Simulator, **flags: Any) -> AsyncIterator[Wallet]:
        async with fresh_wallet(tmp_path, issuer.authority.pem, **flags) as wallet:
            yield wallet

    return open_wallet


def tolerated(trace: Trace) -> set[str]:
    return set(trace.tolerated)


async def test_draft_13(opened: Opened, draft_13: Draft13, holder: WillingHolder) -> None:
    trace = Trace()
    async with opened(draft_13) as wallet:
        [card] = (await wallet.add(draft_13.offer(), holder, trace)).cards
    assert (card.type, card.look.name) == (VCT, "Simulated Card")
    assert "Surname" in [claim.label for claim in card.claims]
    [review] = holder.reviews
    assert set(review.tolerated) < tolerated(trace)
    assert review.tolerated
    assert tolerated(trace) == {
        "format vc+sd-jwt",
        "claims as a map",
        "display and claims outside credential_metadata",
        "c_nonce without a nonce endpoint",
        "format instead of a configuration id",
        "proof instead of proofs",
        "credential instead of credentials",
        "typ vc+sd-jwt",
    }


async def test_a_fresh_nonce_in_a_refusal(
    opened: Opened, draft_13: Draft13, holder: WillingHolder
) -> None:
    draft_13.stale = 1
    trace = Trace()
    async with opened(draft_13) as wallet:
        assert (await wallet.add(draft_13.offer(), holder, trace)).cards
    assert len(draft_13.asked) == 2
    assert "invalid_proof with a c_nonce" in tolerated(trace)


async def test_a_pin_of_draft_11(opened: Opened, draft_11: Draft11, holder: WillingHolder) -> None:
    holder.codes = ["0042"]
    trace = Trace()
    async with opened(draft_11) as wallet:
        [card] = (await wallet.add(draft_11.old_offer(pin="0042"), holder, trace)).cards
    assert card.type == VCT
    [asked] = holder.asked
    assert asked.numeric
    assert tolerated(trace) >= {
        "credentials in the offer",
        "offered by type",
        "user_pin_required",
        "user_pin instead of tx_code",
        "credentials_supported in the metadata",
        "no proof types",
        "format and types instead of a configuration id",
    }


async def test_a_sign_in_of_draft_11(
    opened: Opened, draft_11: Draft11, holder: WillingHolder
) -> None:
    async with opened(draft_11) as wallet:
        assert (await wallet.add(draft_11.offer(credentials=["card"]), holder)).cards
    pushed = [body for path, body in draft_11.requests if path == "/par"]
    assert pushed


async def test_a_holder_who_insists_on_1_0(
    opened: Opened, draft_13: Draft13, holder: WillingHolder
) -> None:
    trace = Trace()
    async with opened(draft_13, profiles=[f"{draft_13.url}=1.0"]) as wallet:
        with pytest.raises(WalletError) as caught:
            await wallet.add(draft_13.offer(), holder, trace)
    assert caught.value.code == "format_unsupported"
    assert tolerated(trace) == set()


async def test_a_schema_that_does_not_know_proofs(opened: Opened, holder: WillingHolder) -> None:
    """422 without an error code is no refusal of 1.0: once more, as draft 15 had it."""
    with simulated(Simulator) as issuer:
        asked: list[set[str]] = []

        async def answer(request: Request) -> Response:
            document = json.loads(await request.body())
            asked.append(set(document))
            if "proof" not in document:
                return Response("REQUIRED must have required property 'proof'", 422)
            newer = {**document, "proofs": {"jwt": [document["proof"]["jwt"]]}}
            return issuer._protected("/credential", newer)

        issuer.answers["/credential"] = answer
        trace = Trace()
        async with opened(issuer) as wallet:
            assert (await wallet.add(issuer.offer(), holder, trace)).cards
        assert asked == [
            {"credential_configuration_id", "proofs"},
            {"credential_configuration_id", "proof"},
        ]
        assert tolerated(trace) == {"proof instead of proofs, without batch"}


def misplaced(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata with display and claims where draft 15 had them."""
    [(name, card)] = metadata["credential_configurations_supported"].items()
    outside = card.pop("credential_metadata")
    return {**metadata, "credential_configurations_supported": {name: {**card, **outside}}}


async def test_metadata_that_may_be_of_1_0(opened: Opened, holder: WillingHolder) -> None:
    with simulated(Simulator) as issuer:
        issuer.edits["issuer_metadata"] = misplaced
        trace = Trace()
        async with opened(issuer) as wallet:
            [card] = (await wallet.add(issuer.offer(), holder, trace)).cards
        assert card.look.name == "Simulated Card"
        assert tolerated(trace) == {"display and claims outside credential_metadata"}


async def test_metadata_that_is_of_draft_15(opened: Opened, holder: WillingHolder) -> None:
    with simulated(Simulator) as issuer:
        issuer.edits["issuer_metadata"] = misplaced

        async def answer(request: Request) -> Response:
            document = json.loads(await request.body())
            if "proof" not in document:
                return JSONResponse({"error": "invalid_proof"}, 400)
            newer = {**document, "proofs": {"jwt": [document["proof"]["jwt"]]}}
            return issuer._protected("/credential", newer)

        issuer.answers["/credential"] = answer
        trace = Trace()
        async with opened(issuer) as wallet:
            assert (await wallet.add(issuer.offer(), holder, trace)).cards
        paths = [path for path, _ in issuer.requests]
        assert paths.count("/nonce") == paths.count("/credential") == 2  # each proof is fresh
        assert "proof instead of proofs, without batch" in tolerated(trace)


async def test_another_refusal_is_one(opened: Opened, holder: WillingHolder) -> None:
    with simulated(Simulator) as issuer:

        async def answer(request: Request) -> Response:
            return JSONResponse({"error": "invalid_proof"}, 400)

        issuer.answers["/credential"] = answer
        async with opened(issuer) as wallet:
            with pytest.raises(WalletError) as caught:
                await wallet.add(issuer.offer(), holder)
        assert caught.value.peer_error == "invalid_proof"
        assert [path for path, _ in issuer.requests].count("/credential") == 1


@pytest.mark.parametrize("profile", ["1.0", "draft-15"])
async def test_vc_01_the_older_typ_is_taken_from_an_issuer_that_is_said_to_be_older(
    profile: str, opened: Opened, holder: WillingHolder
) -> None:
    with simulated(Simulator) as issuer:
        issuer.batch_size = 2
        issuer.edits["header"] = lambda header: {**header, "typ": "vc+sd-jwt"}
        trace = Trace()
        async with opened(issuer, profiles=[f"{issuer.url}={profile}"]) as wallet:
            if profile == "1.0":
                with pytest.raises(WalletError) as caught:
                    await wallet.add(issuer.offer(), holder)
                assert caught.value.code == "credential_malformed"
                return
            [card] = (await wallet.add(issuer.offer(), holder, trace)).cards
    assert "typ vc+sd-jwt" in tolerated(trace)
    assert [check.outcome for check in card.report.checks][-1] == "skipped"
