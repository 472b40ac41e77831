"""The fault matrix: whatever an endpoint does, the run ends in time, in a word, and with no harm.

44 faults × 15 endpoints, on sockets, with real TLS. The faults of an answer stand in
`tests/support/misbehaving.py`; those of a whole origin are here: nobody there, a name that leads
nowhere or inside, a certificate that is not the host's.
"""

import asyncio
import http.client
import itertools
import json
import ssl
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio
from joserfc import jws
from joserfc.jwk import ECKey
from PIL import Image as Pillow
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.certificates import TlsAuthority
from tests.support.holder import WillingHolder
from tests.support.internet import Internet, internet
from tests.support.issuer_keys import (
    DID_JSON,
    JWKS,
    JWT_VC_ISSUER,
    KID,
    did_document,
    did_web,
    key_set,
    serve,
    without_certificates,
)
from tests.support.misbehaving import FAULTS, Front, front
from tests.support.simulator import Simulator, simulated
from wallet.app import Wallet
from wallet.errors import MEANINGS, WalletError
from wallet.records import Secret
from wallet.report import Trust
from wallet.settings import load
from wallet.steps import Step

TIMEOUT_S = 5.0
SHORT_TIMEOUT_S = 0.3
MEMORY_BYTES = 50_000_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


def browser(url: str) -> None:
    """Sign in: go where the authorization server sends one, and on to the wallet."""
    for _ in range(2):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", f"{parts.path}?{parts.query}")
        url = connection.getresponse().headers.get("Location", "")
        connection.close()


@dataclass
class Endpoint:
    """One place the wallet asks.

    Attributes:
        path: Where it is.
        step: The step that asks there; None where a failure stops no run.
        refused: The code for an answer that refuses.
        malformed: The code for an answer that cannot be read.
        move: Puts it to another origin, and returns the offer that leads there.
    """

    path: str
    step: Step | None
    refused: str
    malformed: str
    move: Callable[[Simulator, str], str]


def _by_reference(_: Simulator, origin: str) -> str:
    uri = urlencode({"credential_offer_uri": f"{origin}/offer"})
    return f"openid-credential-offer://?{uri}"


def _other_issuer(issuer: Simulator, origin: str) -> str:
    return issuer.offer(credential_issuer=origin)


def _members(document: str, **members: Callable[[str], Any]) -> Callable[[Simulator, str], str]:
    def move(issuer: Simulator, origin: str) -> str:
        moved = {name: make(origin) for name, make in members.items()}
        before = issuer.edits.get(document, lambda same: same)
        issuer.edits[document] = lambda same: {**before(same), **moved}
        return issuer.offer()

    return move


class Attested(Simulator):
    """With a wallet provider at its side.

    Attributes:
        provider: Where the wallet looks for it; empty for nowhere.
    """

    provider = ""

    async def _right_answer(self, path: str, request: Request) -> Response:
        if path == "/notification":  # with a body, which can be cut short
            await super()._right_answer(path, request)
            return JSONResponse({"taken": True})
        if path == "/challenge":
            return JSONResponse({"attestation_challenge": "challenge"})
        if path != "/wallet-instance-attestation/jwk":
            return await super()._right_answer(path, request)
        jwk = json.loads(await request.body())["jwk"]
        claims = {"sub": "oid4vci-wallet", "cnf": {"jwk": jwk}, "exp": time.time() + 600}
        header = {"alg": "ES256", "typ": "oauth-client-attestation+jwt"}
        token = jws.serialize_compact(
            header, json.dumps(claims), ECKey.import_key(self.authority.leaf_key)
        )
        return JSONResponse({"walletInstanceAttestation": token})


def _attested(issuer: Simulator, provider: str, challenge_endpoint: str | None = None) -> str:
    """The offer of an issuer whose server wants client attestations."""
    assert isinstance(issuer, Attested)
    issuer.provider = provider
    own = {"challenge_endpoint": challenge_endpoint} if challenge_endpoint else {}
    methods = {"token_endpoint_auth_methods_supported": ["attest_jwt_client_auth"]}
    issuer.edits["server_metadata"] = lambda same: {**same, **methods, **own}
    return issuer.offer()


def _deferred(issuer: Simulator, origin: str) -> str:
    issuer.deferrals = 1
    member = {"deferred_credential_endpoint": lambda origin: f"{origin}/deferred"}
    return _members("issuer_metadata", **member)(issuer, origin)


ENDPOINTS = {
    "offer": Endpoint("/offer", Step.OFFER, "not_found", "offer_invalid", _by_reference),
    "issuer metadata": Endpoint(
        "/.well-known/openid-credential-issuer", Step.ISSUER, "not_found", "metadata_invalid",
        _other_issuer),
    "server metadata": Endpoint(
        "/.well-known/oauth-authorization-server", Step.ISSUER, "not_found", "metadata_invalid",
        _members("issuer_metadata", authorization_servers=lambda origin: [origin])),
    "logo": Endpoint(
        "/logo.png", None, "", "",
        _members("issuer_metadata", display=lambda origin: _display(f"{origin}/logo.png"))),
    "PAR": Endpoint(
        "/par", Step.AUTHORIZATION, "authorization_refused", "authorization_response_invalid",
        _members("server_metadata", pushed_authorization_request_endpoint=lambda o: f"{o}/par")),
    "token": Endpoint(
        "/token", Step.TOKEN, "token_refused", "token_response_invalid",
        _members("server_metadata", token_endpoint=lambda o: f"{o}/token")),
    "nonce": Endpoint(
        "/nonce", Step.CREDENTIAL, "credential_refused", "nonce_response_invalid",
        _members("issuer_metadata", nonce_endpoint=lambda o: f"{o}/nonce")),
    "credential": Endpoint(
        "/credential", Step.CREDENTIAL, "credential_refused", "credential_response_invalid",
        _members("issuer_metadata", credential_endpoint=lambda o: f"{o}/credential")),
    "deferred": Endpoint(
        "/deferred", Step.CREDENTIAL, "credential_refused", "credential_response_invalid",
        _deferred),
    "notification": Endpoint(
        "/notification", None, "", "",
        _members("issuer_metadata", notification_endpoint=lambda o: f"{o}/notification")),
    "challenge": Endpoint(
        "/challenge", Step.AUTHORIZATION, "token_refused", "challenge_response_invalid",
        lambda issuer, origin: _attested(issuer, issuer.url, f"{origin}/challenge")),
    "wallet provider": Endpoint(
        "/wallet-instance-attestation/jwk", Step.AUTHORIZATION, "provider_refused",
        "wallet_attestation_invalid", _attested),
}  # fmt: skip


def _display(logo: str) -> list[dict[str, Any]]:
    return [{"name": "Simulated Issuer", "locale": "en", "logo": {"uri": logo}}]


UNREACHABLE = {
    "reset before headers", "reset after headers", "reset in the body", "truncated", "refused",
    "no such name",
}  # fmt: skip
EXPECTED: dict[str, str] = {
    **dict.fromkeys(UNREACHABLE, "unreachable"),
    **dict.fromkeys(("slow headers", "slow body"), "timed_out"),
    **dict.fromkeys(("endless body", "5000 headers"), "response_too_large"),
    **dict.fromkeys(("200 MB by gzip", "wrong charset"), "response_malformed"),
    **{name: "redirected" for name in FAULTS if name[:3] in ("301", "302")},
    **{name: "busy" for name in FAULTS if name[:3] in ("429", "503")},
    **dict.fromkeys(("500", "502", "504"), "server_error"),
    "404": "not_found",
    **dict.fromkeys(
        ("certificate expired", "certificate of another host", "certificate signed by itself",
         "TLS 1.1"), "tls_failed"),
    "a name that leads inside": "forbidden_address",
}  # fmt: skip
"""The code of each fault where it is the same at every endpoint."""
REFUSED = ("400", "401", "403", "409", "410", "413")
TOLD_LATER = ("unreachable", "timed_out", "tls_failed", "server_error", "busy")
"""The codes after which a notification is sent again."""
ORIGINS = (
    "refused", "no such name", "a name that leads inside", "certificate expired",
    "certificate of another host", "certificate signed by itself", "TLS 1.1",
)  # fmt: skip
"""Faults of a whole origin."""
FAULTS_AND_ORIGINS = (*FAULTS, *ORIGINS)

BOMBS = ("endless body", "200 MB by gzip", "5000 headers", "deep JSON", "huge integer")


@dataclass
class Bed:
    """A wallet, and an issuer behind a front that can misbehave."""

    wallet: Wallet
    issuer: Attested
    front: Front
    net: Internet
    origins: dict[str, str]

    def right(self) -> None:
        """Let everything be as it should be."""
        self.front.faults.clear()
        self.issuer.edits.clear()
        self.issuer.deferrals = 0
        self.issuer.provider = ""

    async def add(
        self, offer: str, timeout_s: float = TIMEOUT_S, keeps: tuple[Trust, ...] = ()
    ) -> WillingHolder:
        self.wallet._settings = replace(
            self.wallet._settings, http_timeout=timeout_s, wallet_provider=self.issuer.provider
        )
        holder = WillingHolder(browser=browser, keeps=keeps)
        async with asyncio.timeout(15):
            received = await self.wallet.add(offer, holder)
            if received.pending is not None:
                received = await self.wallet.resume(received.pending.id, holder)
            for failure in received.failures:
                raise failure.error
        return holder


def _logo() -> bytes:
    out = BytesIO()
    Pillow.new("RGB", (64, 64), (200, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Attested, Front, Any]]:
    folder = tmp_path_factory.mktemp("network")
    authority = TlsAuthority(folder)
    with ExitStack() as stack:
        net = stack.enter_context(internet())
        issuer = stack.enter_context(simulated(Attested))
        before = stack.enter_context(front(behind=urlsplit(issuer.url).port))
        issuer.url = f"http://127.0.0.1:{before.port}"

        async def offer(_: Request) -> Response:
            ids = ["card"]
            return JSONResponse(
                {"credential_issuer": issuer.url, "credential_configuration_ids": ids}
            )

        async def logo(_: Request) -> Response:
            return Response(_logo(), media_type="image/png")

        issuer.answers.update({"/offer": offer, "/logo.png": logo})
        contexts = {
            "certificate expired": authority.server("tls.test", expired=True),
            "certificate of another host": authority.server("other.test"),
            "certificate signed by itself": authority.server("tls.test", self_signed=True),
            "TLS 1.1": authority.server("tls.test", version=ssl.TLSVersion.TLSv1_1),
        }
        net.names["tls.test"] = [["127.0.0.1"]]
        net.names["inside.test"] = [["93.184.216.34", "192.168.0.1"]]
        origins = {
            "refused": "http://127.0.0.1:1",
            "no such name": "https://nobody.test",
            "a name that leads inside": "https://inside.test",
        }
        for name, context in contexts.items():
            port = stack.enter_context(front(tls=context)).port
            origins[name] = f"https://tls.test:{port}"
        yield issuer, before, (net, origins, folder, authority)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(servers: tuple[Attested, Front, Any]) -> AsyncIterator[Bed]:
    issuer, before, (net, origins, folder, authority) = servers
    anchor: Path = folder / "root.pem"
    anchor.write_bytes(issuer.authority.pem)
    flags = {
        "data_folder": folder / "wallet",
        "trust_anchor": [str(anchor)],
        "ca_file": str(authority.file),
        "language": ["en"],
        "loopback_development": True,
    }
    async with Wallet(load(flags, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        yield Bed(wallet, issuer, before, net, origins)


def expected(fault: str, endpoint: Endpoint) -> str:
    if fault in REFUSED:
        return endpoint.refused
    return EXPECTED.get(fault, endpoint.malformed)


STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def peak_bytes() -> int:
    """The most memory this process had since `CLEAR` was written to (Linux)."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else ()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


async def refused(fault: str, name: str, bed: Bed) -> None:
    """Run into `fault` at the endpoint `name`; all that is expected of such a run is checked."""
    endpoint = ENDPOINTS[name]
    bed.right()
    offer = endpoint.move(bed.issuer, bed.origins.get(fault, bed.issuer.url))
    if fault in FAULTS:
        bed.front.faults[endpoint.path] = FAULTS[fault]
    vault = bed.wallet._opened()
    for flow in await vault.flows():  # what earlier faults left to go on with
        await vault.end(flow.id)
    before = await bed.wallet.cards()
    timeout_s = SHORT_TIMEOUT_S if fault.startswith("slow") else TIMEOUT_S
    if endpoint.step is None:
        holder = await bed.add(offer, timeout_s)
        assert holder.reviews[0].issuer.logo is None
        assert len(await bed.wallet.cards()) == len(before) + 1
        if name == "notification":
            await told_later_or_dropped(fault, bed)
    else:
        with pytest.raises(WalletError) as caught:
            await bed.add(offer, timeout_s)
        error = caught.value
        assert (error.code, error.step) == (expected(fault, endpoint), endpoint.step), error
        assert isinstance(error, MEANINGS[error.code].fault)
        assert urlsplit(error.url).path == endpoint.path
        assert await bed.wallet.cards() == before
    assert "elsewhere.test" not in bed.net.look_ups


async def told_later_or_dropped(fault: str, bed: Bed) -> None:
    """The issuer hears of the credential once it can be told, or never; the credential stays."""
    vault, cards = bed.wallet._opened(), await bed.wallet.cards()
    assert await bed.wallet.pending() == ()  # nothing for the holder to do
    kept = await vault.flows()
    assert len(kept) == (EXPECTED.get(fault) in TOLD_LATER)
    bed.right()
    bed.issuer.notified.clear()
    assert await bed.wallet.catch_up() == ()
    if fault in ORIGINS:
        for flow in await vault.flows():
            await vault.end(flow.id)
    else:
        assert len(bed.issuer.notified) == len(kept)
    assert await vault.flows() == ()
    assert await bed.wallet.cards() == cards


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("fault", FAULTS_AND_ORIGINS)
async def test_fault(fault: str, name: str, bed: Bed) -> None:
    if CLEAR.exists():
        CLEAR.write_text("5")
    before, began = peak_bytes(), time.monotonic()
    await refused(fault, name, bed)
    assert time.monotonic() - began < 15
    assert peak_bytes() - before < MEMORY_BYTES


def _issuer_keys(issuer: Simulator, origin: str) -> str:
    without_certificates(issuer, origin)
    serve(issuer, JWT_VC_ISSUER, {"issuer": origin, "jwks": key_set(issuer)})
    return issuer.offer()


def _issuer_key_set(issuer: Simulator, origin: str) -> str:
    without_certificates(issuer, issuer.url)
    serve(issuer, JWT_VC_ISSUER, {"issuer": issuer.url, "jwks_uri": f"{origin}{JWKS}"})
    serve(issuer, JWKS, key_set(issuer))
    return issuer.offer()


def _issuer_did(issuer: Simulator, origin: str) -> str:
    did = did_web(origin)
    without_certificates(issuer, did, f"{did}#{KID}")
    serve(issuer, DID_JSON, did_document(issuer, did))
    return issuer.offer()


KEYS = {JWT_VC_ISSUER: _issuer_keys, JWKS: _issuer_key_set, DID_JSON: _issuer_did}
"""The places where an issuer publishes its keys: without them a credential may be kept as not
verified, with wrong ones it may not."""
FOR_A_WHILE = {"unreachable", "timed_out", "tls_failed", "busy", "server_error"}


@pytest.mark.parametrize("path", KEYS)
@pytest.mark.parametrize("fault", FAULTS_AND_ORIGINS)
async def test_fault_of_an_issuer_s_keys(fault: str, path: str, bed: Bed) -> None:
    bed.right()
    offer = KEYS[path](bed.issuer, bed.origins.get(fault, bed.issuer.url))
    if fault in FAULTS:
        bed.front.faults[path] = FAULTS[fault]
    before = await bed.wallet.cards()
    timeout_s = SHORT_TIMEOUT_S if fault.startswith("slow") else TIMEOUT_S
    code = "not_found" if fault in REFUSED else EXPECTED.get(fault, "issuer_keys_invalid")
    if code in FOR_A_WHILE:
        holder = await bed.add(offer, timeout_s, keeps=(Trust.UNVERIFIED,))
        assert [verdict.trust for verdict in holder.verdicts] == [Trust.UNVERIFIED]
        assert code in holder.verdicts[0].reasons[0]
        [card] = [one for one in await bed.wallet.cards() if one not in before]
        assert card.trust is Trust.UNVERIFIED
        return
    with pytest.raises(WalletError) as caught:
        await bed.add(offer, timeout_s, keeps=tuple(Trust))
    error, step = caught.value, Step.VERIFICATION
    assert (error.code, error.step) == ("issuer_untrusted" if code == "not_found" else code, step)
    assert urlsplit(error.url).path == path
    assert await bed.wallet.cards() == before


@pytest.mark.parametrize("path", KEYS)
async def test_an_issuer_s_keys_are_there(path: str, bed: Bed) -> None:
    bed.right()
    holder = await bed.add(KEYS[path](bed.issuer, bed.issuer.url), keeps=(Trust.DOMAIN,))
    assert len(holder.verdicts) == 1


@pytest.mark.parametrize("bomb", BOMBS)
async def test_what_a_bomb_costs(bomb: str, bed: Bed) -> None:
    tracemalloc.start()
    try:
        for name in ("issuer metadata", "credential", "logo"):
            tracemalloc.clear_traces()
            await refused(bomb, name, bed)
            assert tracemalloc.get_traced_memory()[1] < MEMORY_BYTES, name
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("fault", "name"), list(zip(FAULTS_AND_ORIGINS, itertools.cycle(ENDPOINTS), strict=False))
)
async def test_the_next_try_goes_well(fault: str, name: str, bed: Bed) -> None:
    await refused(fault, name, bed)
    before = await bed.wallet.cards()
    bed.right()
    ENDPOINTS["logo"].move(bed.issuer, bed.issuer.url)
    holder = await bed.add(ENDPOINTS["offer"].move(bed.issuer, bed.issuer.url))
    assert holder.reviews[0].issuer.logo is not None
    assert len(await bed.wallet.cards()) == len(before) + 1


async def test_the_matrix_is_complete() -> None:
    assert len(FAULTS_AND_ORIGINS) == len(set(FAULTS_AND_ORIGINS)) == 44
    assert len(ENDPOINTS) + len(KEYS) == 15
