"""A whole issuance with the fake of DIDroom's servers, which want what the real ones want."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.responses import Response

from tests.support.didroom import CLIENT_ID, PASSWORD, Didroom, didroom
from tests.support.holder import WillingHolder
from tests.support.wallets import fresh_wallet
from wallet.app import Wallet
from wallet.errors import WalletError
from wallet.report import Outcome, Trust
from wallet.trace import Trace

Opened = Callable[..., AbstractAsyncContextManager[Wallet]]


@pytest.fixture
def servers() -> Iterator[Didroom]:
    with didroom() as servers:
        yield servers


@pytest.fixture
def holder(servers: Didroom) -> WillingHolder:
    return WillingHolder(browser=servers.sign_in, keeps=(Trust.DOMAIN,))


@pytest.fixture
def opened(tmp_path: Path, servers: Didroom) -> Opened:
    """A fresh wallet that a DIDroom knows; by default its holder named DIDroom for the issuer."""

    @asynccontextmanager
    async def open_wallet(profile: str = "didroom", **flags: Any) -> AsyncIterator[Wallet]:
        named: dict[str, Any] = {"profiles": [f"{servers.issuer_url}={profile}"]} if profile else {}
        known = [f'["{servers.server_url}"]\nclient_id = "{CLIENT_ID}"']
        async with fresh_wallet(tmp_path, servers=known, **named, **flags) as wallet:
            yield wallet

    return open_wallet


def tolerated(trace: Trace) -> list[str]:
    return list(trace.tolerated)


async def refused(wallet: Wallet, offer: str, holder: WillingHolder) -> tuple[WalletError, Trace]:
    trace = Trace()
    with pytest.raises(WalletError) as caught:
        await wallet.add(offer, holder, trace)
    assert await wallet.cards() == ()
    return caught.value, trace


async def test_an_sd_jwt(opened: Opened, servers: Didroom, holder: WillingHolder) -> None:
    trace = Trace()
    async with opened() as wallet:
        outcome = await wallet.add(servers.offer("test_credential"), holder, trace)
        [card] = outcome.cards
    assert ("Is tested", "true") in [(claim.label, claim.value) for claim in card.claims]
    assert card.look.name == "Tested Credential"
    assert card.trusted_by == servers.issuer_url
    skipped = {one.name for one in card.report.checks if one.outcome is Outcome.SKIPPED}
    assert {"Issuer", "Type"} <= skipped  # the holder sees what was not as it should be
    assert tolerated(trace) == [
        "appended well-known path",
        "no proof types",
        "display and claims outside credential_metadata",
        "raw colons",
        "no state",
        "expires_in as a time",
        "authorization_details without credential_identifiers",
        "proof instead of proofs",
        "format besides",
        "bearer after DPoP",
        "bearer in lower case",
        "type for vct",
        "keys in the metadata",
        "mandatory claims left out",
    ]
    asked = {path.rpartition("/")[2]: (headers, body) for path, headers, body in servers.requests}
    assert json.loads(asked["credential"][1]).keys() == {
        "format",
        "credential_configuration_id",
        "proof",
    }
    assert asked["credential"][0]["authorization"].startswith("bearer ey")
    assert "dpop" not in asked["credential"][0]
    assert "dpop" in asked["token"][0]


async def test_no_place_is_tried_that_is_not_its_turn(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    async with opened() as wallet:
        await wallet.add(servers.offer("test_credential"), holder)
    fetched = [path for path, _, _ in servers.requests if ".well-known" in path]
    issuer, server = "openid-credential-issuer", "oauth-authorization-server"
    assert fetched == [
        f"/.well-known/{issuer}/credential_issuer",
        f"/.well-known/{issuer}/credential_issuer/",
        f"/credential_issuer/.well-known/{issuer}",
        f"/.well-known/{server}/authz_server",
        f"/authz_server/.well-known/{server}",
    ]


async def test_vc_04_what_it_shows_is_no_reason_to_believe_it(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    """The profile is entered on evidence; the key in the metadata takes the holder's word."""
    async with opened(profile="") as wallet:
        error, trace = await refused(wallet, servers.offer("test_credential"), holder)
    assert error.code == "issuer_untrusted"
    assert {"no state", "proof instead of proofs"} <= set(tolerated(trace))
    assert "keys in the metadata" not in tolerated(trace)


async def test_a_holder_who_insists_on_1_0(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    async with opened(profile="1.0") as wallet:
        error, trace = await refused(wallet, servers.offer("test_credential"), holder)
    assert error.code == "not_found"
    assert tolerated(trace) == []
    assert [path for path, _, _ in servers.requests if not path.startswith("/.well-known")] == []


async def test_the_credential_with_a_proof_in_it(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    trace = Trace()
    async with opened() as wallet:
        [card] = (await wallet.add(servers.offer("UniversityDegree_LDP_VC"), holder, trace)).cards
        credential = json.loads((await wallet.credential(card.id)).reveal())
    assert (card.format, card.type) == ("ldp_vc", "UniversityDegreeCredential")
    assert {claim.path[0] for claim in card.claims} == {"credentialSubject"}
    assert card.trusted_by == servers.issuer_url
    assert credential["proof"]["cryptosuite"] == "ecdsa-rdfc-2019"
    outcomes = {check.name: check.outcome for check in card.report.checks}
    assert (outcomes["Signature"], outcomes["Holder binding"]) == ("passed", "skipped")
    assert "not bound" in tolerated(trace)


async def test_an_altered_credential_with_a_proof_in_it(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    servers.key = ec.generate_private_key(ec.SECP256R1())  # not the one in the metadata
    async with opened() as wallet:
        error, _ = await refused(wallet, servers.offer("UniversityDegree_LDP_VC"), holder)
    assert error.code == "signature_invalid"


async def test_what_the_holder_typed_stays_with_the_server(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    holder.browser = lambda url: servers.sign_in(url, email="nobody@email.com")
    async with opened() as wallet:
        error, trace = await refused(wallet, servers.offer("test_credential"), holder)
    assert (error.code, error.peer_error) == ("authorization_refused", "server_error")
    assert "log in error_description" in tolerated(trace)
    assert PASSWORD not in str(error.as_dict())
    assert "ZENROOM" not in str(error.as_dict())


async def test_what_was_shown_survives_an_interruption(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    right = servers._nonce
    servers._nonce = lambda *_: Response("out of order", 500)  # type: ignore[method-assign]
    async with opened() as wallet:
        error, _ = await refused(wallet, servers.offer("test_credential"), holder)
        assert error.code == "server_error"
        servers._nonce = right  # type: ignore[method-assign]
        [pending] = await wallet.pending()
        trace = Trace()
        [card] = (await wallet.resume(pending.id, holder, trace)).cards
    assert card.credential_issuer == servers.issuer_url
    assert {"proof instead of proofs", "bearer in lower case"} <= set(tolerated(trace))


def bent(servers: Didroom, added: str) -> Callable[[str], None]:
    """A browser that comes back with something added to the query."""

    def browse(url: str) -> None:
        back = httpx.URL(url)
        assert back.query
        flow = next(reversed(servers._flows.values()))
        with httpx.Client(trust_env=False) as browser:
            browser.get(f"{flow.asked['redirect_uri']}?code=stolen-code{added}")

    return browse


async def test_auth_10_a_wrong_state_is_no_missing_one(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    holder.browser = bent(servers, "&state=another")
    async with opened() as wallet:
        error, _ = await refused(wallet, servers.offer("test_credential"), holder)
    assert error.code == "state_mismatch"
    assert "/authz_server/token" not in [path for path, _, _ in servers.requests]


async def test_auth_10_a_redirect_that_others_know_needs_its_state(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    async with opened(redirect_path="callback") as wallet:
        error, trace = await refused(wallet, servers.offer("test_credential"), holder)
    assert error.code == "state_mismatch"
    assert "no state" not in tolerated(trace)


async def test_a_code_of_somebody_else_is_of_no_use(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    """Where the state is missing, PKCE and the address of the redirect bind the code."""
    holder.browser = bent(servers, "")
    async with opened() as wallet:
        error, _ = await refused(wallet, servers.offer("test_credential"), holder)
    assert error.code == "server_error"
    assert "ZENROOM" not in str(error.as_dict())


async def test_two_credentials_are_too_many(
    opened: Opened, servers: Didroom, holder: WillingHolder
) -> None:
    document = servers.issuer_metadata()
    configurations = document["credential_configurations_supported"]
    configurations["another"] = configurations["test_credential"]
    servers.issuer_metadata = lambda: document  # type: ignore[method-assign]
    offer = servers.offer("test_credential").replace(
        "%22test_credential%22", "%22test_credential%22%2C%22another%22"
    )
    async with opened() as wallet:
        error, _ = await refused(wallet, offer, holder)
    assert error.code == "authorization_server_unsupported"
