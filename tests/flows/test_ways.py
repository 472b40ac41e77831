"""The choices of a run that ends well, what is sent on the way, and where it can be stopped."""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode
from urllib.request import ProxyHandler, build_opener

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.holder import WillingHolder
from tests.support.simulator import CLAIMS, Simulator, simulated_issuer
from wallet.app import Wallet
from wallet.errors import LocalFailure, WalletError
from wallet.policy import PRE_AUTHORIZED_CODE
from wallet.ports import Choice, Contact, OfferReview
from wallet.records import Received, Secret
from wallet.steps import Step
from wallet.trace import Trace

Seen = dict[str, list[Request]]


def watched(issuer: Simulator) -> Seen:
    """Every request from now on, by path."""
    seen: Seen = {}
    right_answer = issuer._right_answer

    async def answer(path: str, request: Request) -> Response:
        seen.setdefault(path, []).append(request)
        return await right_answer(path, request)

    issuer._right_answer = answer  # type: ignore[method-assign]
    return seen


async def form(request: Request) -> dict[str, str]:
    pairs = parse_qs((await request.body()).decode(), strict_parsing=True)
    assert all(len(values) == 1 for values in pairs.values())
    return {name: values[0] for name, values in pairs.items()}


async def test_what_is_sent(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> None:
    seen = watched(issuer)
    await wallet.add(issuer.offer(), holder)
    assert all(len(requests) == 1 for requests in seen.values())
    last = {path: requests[0] for path, requests in seen.items()}

    for path in ("openid-credential-issuer", "oauth-authorization-server"):
        assert "application/json" in last[f"/.well-known/{path}"].headers["accept"]
        assert last[f"/.well-known/{path}"].headers["accept-language"] == "en"
    pushed = await form(last["/par"])
    assert set(pushed) == {
        "response_type", "client_id", "redirect_uri", "state", "code_challenge",
        "code_challenge_method", "scope", "issuer_state",
    }  # fmt: skip
    assert pushed["issuer_state"] == "from-the-offer"  # OFF-08
    assert pushed["redirect_uri"].startswith("http://127.0.0.1:")
    assert set(last["/authorize"].query_params) == {"client_id", "request_uri"}  # RFC 9126

    token = await form(last["/token"])  # TOK-01
    verifier = token.pop("code_verifier")
    assert 43 <= len(verifier) <= 128
    assert token.pop("code").startswith("code-sentinel-")
    assert token == {
        "grant_type": "authorization_code",
        "redirect_uri": pushed["redirect_uri"],
        "client_id": "oid4vci-wallet",
    }
    for path in ("/par", "/token"):
        assert last[path].headers["content-type"] == "application/x-www-form-urlencoded"

    nonce = last["/nonce"]  # NON-01
    assert (nonce.method, await nonce.body(), nonce.headers["content-length"]) == ("POST", b"", "0")
    for path, requests in seen.items():  # CRED-01, NOT-01: nobody else hears of the token
        told = [request.headers.get("authorization") for request in requests]
        hears = path in ("/credential", "/notification")
        assert told == (["Bearer token-sentinel"] if hears else [None])
    notified = {"notification_id": "notification-1", "event": "credential_accepted"}
    assert json.loads(await last["/notification"].body()) == notified
    body = json.loads(await last["/credential"].body())
    assert last["/credential"].headers["content-type"] == "application/json"
    assert set(body) == {"credential_configuration_id", "proofs"}  # CRED-02
    assert {name: len(proofs) for name, proofs in body["proofs"].items()} == {"jwt": 1}  # CRED-03
    for requests in seen.values():
        for request in requests:
            assert request.headers.get("cookie") is None
            if request.url.path != "/authorize":
                assert request.headers["user-agent"] == "oid4vci-wallet"


async def test_off_04_an_offer_by_reference_names_another_host(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    with simulated_issuer() as publisher:
        offer = parse_qs(issuer.offer().partition("?")[2])["credential_offer"][0]

        async def publish(request: Request) -> Response:
            assert [contact.url for contact in holder.contacts] == [f"{publisher.url}/o"]
            return Response(offer, media_type="application/json")

        publisher.answers["/o"] = publish
        link = urlencode({"credential_offer_uri": f"{publisher.url}/o"})
        await wallet.add(f"openid-credential-offer:?{link}", holder)
    assert [contact.url for contact in holder.contacts] == [f"{publisher.url}/o", issuer.url]


async def test_off_04_the_same_host_is_asked_for_once(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def publish(request: Request) -> Response:
        offer = parse_qs(issuer.offer().partition("?")[2])["credential_offer"][0]
        return Response(offer, media_type="application/json")

    issuer.answers["/o"] = publish
    link = urlencode({"credential_offer_uri": f"{issuer.url}/o"})
    await wallet.add(f"openid-credential-offer://?{link}", holder)
    assert len(holder.contacts) == 1


async def test_off_04_only_the_pictures_of_the_review_are_fetched(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    def with_logos(metadata: dict[str, Any]) -> dict[str, Any]:
        metadata["display"] = [
            {"name": language, "locale": language, "logo": {"uri": f"{issuer.url}/{language}.png"}}
            for language in ("de", "en", "fr")
        ]
        return metadata

    issuer.edits["issuer_metadata"] = with_logos
    await wallet.add(issuer.offer(), holder)  # a picture that can't be had does not matter
    paths = [path for path, _ in issuer.requests]
    assert [path for path in paths if path.endswith(".png")] == ["/en.png"]
    assert holder.reviews[0].issuer.name == "en"


async def test_the_review_names_the_host_of_the_sign_in(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    elsewhere = issuer.url.replace("127.0.0.1", "localhost")
    issuer.edits["server_metadata"] = lambda m: {
        **m,
        "authorization_endpoint": f"{elsewhere}/authorize",
    }
    await wallet.add(issuer.offer(), holder)
    review = holder.reviews[0]
    assert review.issuer_host == issuer.url.removeprefix("http://")
    assert review.ways[0].host == elsewhere.removeprefix("http://")


@pytest.mark.parametrize("first", ["unreachable", "another issuer", "no such grant", "not there"])
async def test_meta_13_the_first_authorization_server_that_can(
    first: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    with simulated_issuer() as other:
        other.edits["server_metadata"] = lambda m: {
            "another issuer": {**m, "issuer": issuer.url},
            "no such grant": {**m, "grant_types_supported": ["client_credentials"]},
        }.get(first, m)
        if first == "not there":
            other.answers["/.well-known/oauth-authorization-server"] = _nothing
        servers = ["http://127.0.0.1:1" if first == "unreachable" else other.url, issuer.url]
        issuer.edits["issuer_metadata"] = lambda m: {**m, "authorization_servers": servers}
        seen = watched(issuer)
        await wallet.add(issuer.offer(), holder)
        assert "/token" not in [path for path, _ in other.requests]
    assert (await form(seen["/par"][0]))["resource"] == issuer.url  # AUTH-04


async def _nothing(_request: Request) -> Response:
    return Response(status_code=404)


async def test_off_09_the_offer_chooses_the_authorization_server(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    with simulated_issuer() as other:
        servers = [issuer.url, other.url]
        issuer.edits["issuer_metadata"] = lambda m: {**m, "authorization_servers": servers}
        grant = {"authorization_code": {"authorization_server": other.url}}
        await wallet.add(issuer.offer(grants=grant), holder)
        asked = [path for path, _ in other.requests]
    assert asked == ["/.well-known/oauth-authorization-server", "/par", "/authorize", "/token"]


async def test_off_07_an_offer_without_grants(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    seen = watched(issuer)
    await wallet.add(issuer.offer(grants={}), holder)
    assert "issuer_state" not in await form(seen["/par"][0])


async def test_without_par_everything_goes_through_the_browser(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    issuer.edits["server_metadata"] = lambda m: {
        **m,
        "pushed_authorization_request_endpoint": None,
        "authorization_response_iss_parameter_supported": False,
    }
    seen = watched(issuer)
    await wallet.add(issuer.offer(), holder)
    assert "/par" not in seen
    sent = seen["/authorize"][0].query_params
    assert sent["code_challenge_method"] == "S256"
    assert sent["issuer_state"] == "from-the-offer"


async def test_tok_06_what_the_token_names_is_asked_for(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    details = [
        {
            "type": "openid_credential",
            "credential_configuration_id": "card",
            "credential_identifiers": ["card-2023", "card-2024"],
        }
    ]
    issuer.edits["token"] = lambda t: {**t, "authorization_details": details}
    issuer.edits["server_metadata"] = lambda m: {
        **m,
        "authorization_details_types_supported": ["openid_credential"],
    }
    seen = watched(issuer)
    await wallet.add(issuer.offer(), holder)
    assert json.loads((await form(seen["/par"][0]))["authorization_details"]) == [
        {"type": "openid_credential", "credential_configuration_id": "card"}
    ]
    body = json.loads(await seen["/credential"][0].body())
    assert body["credential_identifier"] == "card-2023"
    assert "credential_configuration_id" not in body


async def test_meta_03_an_identifier_that_ends_in_a_slash(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    identifier = f"{issuer.url}/"
    issuer.edits["issuer_metadata"] = lambda m: {**m, "credential_issuer": identifier}
    issuer.edits["server_metadata"] = lambda m: {**m, "issuer": identifier}
    issuer.edits["redirect"] = lambda answer: {**answer, "iss": identifier}
    plain = "/.well-known/openid-credential-issuer"
    (card,) = (await wallet.add(issuer.offer(credential_issuer=identifier), holder)).cards
    assert card.credential_issuer == identifier
    assert issuer.requests[0][0] == plain

    async def document(_request: Request) -> Response:
        return JSONResponse(issuer.edited("issuer_metadata", issuer.issuer_metadata()))

    issuer.answers = {plain: _nothing, f"{plain}/": document}
    issuer.requests.clear()
    await wallet.add(issuer.offer(credential_issuer=identifier), holder)
    assert [path for path, _ in issuer.requests][:2] == [plain, f"{plain}/"]


async def test_meta_10_a_credential_without_key_binding(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    def unbound(metadata: dict[str, Any]) -> dict[str, Any]:
        card = metadata["credential_configurations_supported"]["card"]
        del card["proof_types_supported"], card["cryptographic_binding_methods_supported"]
        return metadata

    async def credential(request: Request) -> Response:
        assert json.loads(await request.body()) == {"credential_configuration_id": "card"}
        return JSONResponse({"credentials": [{"credential": issuer.credential({})}]})

    issuer.edits["issuer_metadata"] = unbound
    issuer.edits["payload"] = lambda p: {name: value for name, value in p.items() if name != "cnf"}
    issuer.answers["/credential"] = credential
    (card,) = (await wallet.add(issuer.offer(), holder)).cards
    assert "/nonce" not in [path for path, _ in issuer.requests]
    assert len(card.claims) == len(CLAIMS)


@pytest.mark.parametrize("refusals", [1, 2])
async def test_non_05_a_fresh_nonce_once(
    refusals: int, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    proofs: list[str] = []
    nonces = iter(f"nonce-{number}" for number in range(9))
    issuer.edits["nonce"] = lambda _: {"c_nonce": next(nonces)}

    async def refuse(request: Request) -> Response:
        proofs.append(json.loads(await request.body())["proofs"]["jwt"][0])
        if len(proofs) <= refusals:
            return JSONResponse({"error": "invalid_nonce"}, 400)
        return await issuer._right_answer("/credential", request)

    issuer.answers["/credential"] = refuse
    run = asyncio.create_task(wallet.add(issuer.offer(), holder))
    await asyncio.wait([run])
    asked = [path for path, _ in issuer.requests if path != "/notification"]
    assert asked[-4:] == ["/nonce", "/credential"] * 2
    assert len(set(proofs)) == 2
    assert len({proof.split(".")[0] for proof in proofs}) == 1  # the same key
    if refusals == 1:
        assert run.result().cards[0].claims
    else:
        error = run.exception()
        assert (getattr(error, "code", ""), getattr(error, "peer_error", "")) == (
            "credential_refused",
            "invalid_nonce",
        )
        assert await wallet.cards() == ()


class Stopper(WillingHolder):
    """A holder who stops the run as soon as it comes to a step."""

    at: Step
    run: "asyncio.Task[Received]"

    def entered(self, step: Step) -> None:
        super().entered(step)
        if step is self.at:
            self.run.cancel()

    async def may_contact(self, contact: Contact) -> None:
        await asyncio.sleep(0)  # here a person would be waited for
        await super().may_contact(contact)

    async def choose(self, review: OfferReview) -> Choice:
        await asyncio.sleep(0)
        return await super().choose(review)


@pytest.mark.parametrize("step", Step)
async def test_a_run_can_be_stopped_at_every_step(
    step: Step, wallet: Wallet, issuer: Simulator
) -> None:
    holder = Stopper()
    holder.at = step
    holder.run = asyncio.create_task(wallet.add(issuer.offer(), holder))
    await asyncio.wait([holder.run])
    if step is Step.STORAGE:  # too late: what is told must be true
        assert [holder.run.result().cards[0].id] == [card.id for card in await wallet.cards()]
    else:
        assert holder.run.cancelled()
        assert await wallet.cards() == ()
    assert holder.steps[-1] is step
    await wallet.add(issuer.offer(), WillingHolder())


async def test_claims_are_shown_as_the_issuer_signed_them(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    area = {"area": "10 m²", "ligature": "ﬁne", "trap": "a\u202eb\x1b[2J\nc"}
    issuer.edits["payload"] = lambda p: {**p, "home": area}
    (card,) = (await wallet.add(issuer.offer(), holder)).cards
    (home,) = [claim.value for claim in card.claims if claim.label == "Home"]
    assert isinstance(home, tuple)
    assert [claim.value for claim in home] == ["10 m²", "ﬁne", "ab[2J c"]


async def test_a_browser_that_is_back_before_the_wallet_has_sent_it(
    wallet: Wallet, issuer: Simulator
) -> None:
    """Signed in already, or a browser in the terminal: the redirect comes while it is opened."""

    class InTheTerminal(WillingHolder):
        async def sign_in(self, url: Secret[str]) -> None:
            await asyncio.to_thread(self.browser, url.reveal())

    wallet._settings = replace(wallet._settings, authorization_timeout=5)
    (card,) = (await wallet.add(issuer.offer(), InTheTerminal())).cards
    assert [one.id for one in await wallet.cards()] == [card.id]


async def test_a_browser_that_cannot_be_opened(wallet: Wallet, issuer: Simulator) -> None:
    class Without(WillingHolder):
        async def sign_in(self, url: Secret[str]) -> None:
            raise LocalFailure("browser_failed")

    with pytest.raises(LocalFailure) as caught:
        await wallet.add(issuer.offer(), Without())
    assert (caught.value.code, caught.value.step) == ("browser_failed", Step.AUTHORIZATION)


async def test_no_secret_is_logged_traced_or_printed(
    wallet: Wallet,
    issuer: Simulator,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    browser = build_opener(ProxyHandler({}))  # one that logs nothing itself
    holder = WillingHolder(browser=lambda url: browser.open(url).close())
    caplog.set_level(logging.DEBUG)
    seen = watched(issuer)
    trace = Trace()
    (card,) = (await wallet.add(issuer.offer(), holder, trace)).cards
    credential = await wallet.credential(card.id)
    pushed, token = await form(seen["/par"][0]), await form(seen["/token"][0])
    proof = json.loads(await seen["/credential"][0].body())["proofs"]["jwt"][0]
    secrets = [
        "token-sentinel", "code-sentinel", "nonce-sentinel", *map(str, CLAIMS.values()),
        pushed["state"], token["code_verifier"], proof, credential.reveal(), "correct horse",
    ]  # fmt: skip
    printed = capfd.readouterr()
    told = "\n".join([caplog.text, printed.out, printed.err, repr(trace), repr(card), repr(holder)])
    assert [secret for secret in secrets if secret != "42" and secret in told] == []
    assert len(trace.events) > 15


RIGHT, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


async def test_meta_14_a_server_that_speaks_openid_connect_only(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def nothing(_: Request) -> Response:
        return Response(status_code=404)

    async def metadata(_: Request) -> Response:
        return JSONResponse(issuer.server_metadata())

    issuer.answers.update({RIGHT: nothing, OPENID: metadata})
    trace = Trace()
    assert (await wallet.add(issuer.offer(), holder, trace)).cards
    paths = [path for path, _ in issuer.requests if path.startswith("/.well-known/o")]
    assert paths == ["/.well-known/openid-credential-issuer", RIGHT, OPENID]
    assert trace.tolerated == holder.reviews[0].tolerated == ("openid-configuration",)


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (400, 0), (500, 0)])
async def test_meta_14_it_is_looked_for_elsewhere_after_a_404_only(
    status: int, asked: int, wallet: Wallet, issuer: Simulator, holder: WillingHolder
) -> None:
    async def answer(_: Request) -> Response:
        return Response(status_code=status)

    issuer.answers[RIGHT] = answer
    with pytest.raises(WalletError):
        await wallet.add(issuer.offer(), holder)
    assert [path for path, _ in issuer.requests].count(OPENID) == asked


async def test_a_way_that_the_offer_does_not_have(wallet: Wallet, issuer: Simulator) -> None:
    class Contrary(WillingHolder):
        async def choose(self, review: OfferReview) -> Choice:
            return replace(await super().choose(review), grant_type=PRE_AUTHORIZED_CODE)

    with pytest.raises(LocalFailure, match="grant_not_offered"):
        await wallet.add(issuer.offer(), Contrary())
