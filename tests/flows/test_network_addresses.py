"""No spelling of an address, in no URL of the protocol, makes the wallet send to this network.

The wallet is set as a person has it: without the setting for development. Its issuer is on the
"public internet" of the test, with real TLS. A canary listens on this computer; every name that is
not the issuer's leads to it.
"""

import asyncio
import http.client
import importlib
import json
import pkgutil
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

import wallet.credentials.type_metadata
import wallet.oauth
import wallet.openid4vci
import wallet.trust
from tests.support.certificates import TlsAuthority
from tests.support.holder import WillingHolder
from tests.support.internet import PUBLIC, Internet, internet
from tests.support.issuer_keys import JWT_VC_ISSUER, key_set, serve, without_certificates
from tests.support.misbehaving import Front, front
from tests.support.simulator import Simulator, simulated_issuer
from wallet.app import Absent, Wallet
from wallet.engine.status import StatusInquiry
from wallet.errors import HolderDeclined, PeerBrokeProtocol, WalletError
from wallet.oauth.documents import Document
from wallet.ports import Choice, Contact, OfferReview
from wallet.records import JsonObject, Secret, Standing
from wallet.settings import load
from wallet.steps import Step
from wallet.trace import Trace

pytestmark = pytest.mark.asyncio(loop_scope="module")

ISSUER = "https://issuer.test"
NAMES = {
    "inside.test": "127.0.0.1",
    "127.0.0.1.wildcard.test": "127.0.0.1",
    "10.0.0.1.wildcard.test": "10.0.0.1",
    "router.test": "192.168.1.1",
    "metadata.test": "169.254.169.254",
    "any.test": "0.0.0.0",
    "six.test": "::1",
    "mapped.test": "::ffff:127.0.0.1",
    "nat64.test": "64:ff9b::7f00:1",
    "6to4.test": "2002:7f00:1::1",
    "unique.test": "fd00::1",
    "link.test": "fe80::1%1",
    "multicast.test": "224.0.0.1",
}
"""Names that anybody can register, and where they lead."""
SPELLINGS = (
    # loopback, as inet_aton and browsers take it
    *("127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001"),
    *("0x7F.0x0.0x0.0x1", "0x7f.1", "0177.0.0.1", "017700000001", "0177.0.0.01", "127.000.000.001"),
    *("0", "0.0.0.0", "00.0", "127.0.0.1.", "127.0.0.1..", "localhost", "LOCALHOST", "localhost."),
    *("a.localhost", "localhost.localdomain"),
    # IPv6, and IPv4 within it
    *(
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
    ),
    *("[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::1]"),
    *("[2002:c0a8:101::1]", "[2001:0:7f00:1::1]", "[::ffff:10.0.0.1]", "[::ffff:0:127.0.0.1]"),
    *("[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fc00::1]", "[fd00::1]", "[fec0::1]"),
    *("[ff02::1]", "[100::1]", "[2001:db8::1]"),
    # private and special IPv4
    *("10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.257", "0300.0250.0.1"),
    *("3232235777", "169.254.169.254", "2852039166", "100.64.0.1", "198.18.0.1", "192.0.0.1"),
    *("192.0.2.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    # what looks like another host
    *("user@127.0.0.1", "issuer.test@127.0.0.1", "issuer.test:443@127.0.0.1", "127.0.0.1:1@0"),
    *("127。0。0。1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127%2e0%2e0%2e1", "127.0.0.1%00.issuer.test"),
    *("issuer.test\\@127.0.0.1", "127.0.0.1#@issuer.test", "127.0.0.1 issuer.test", "127.0.0.1\t"),
    *("127.0.0.1\r\nHost: issuer.test", "[127.0.0.1]", "127.0.0.1,issuer.test"),
    *NAMES,
    "rebinding.test",  # the first look-up gives a public address, every other one loopback
)


@dataclass
class Visitor(WillingHolder):
    """A holder whose browser goes to the issuer and back, and nowhere else.

    Attributes:
        declines: Whether the offer is declined once it was seen.
        tls: What the browser trusts.
        ports: Where the browser came back to.
        sent_to: Where the wallet sent the browser.
    """

    declines: bool = False
    tls: ssl.SSLContext | None = None
    ports: set[int] = field(default_factory=set)
    sent_to: list[str] = field(default_factory=list)

    async def choose(self, review: OfferReview) -> Choice:
        chosen = await super().choose(review)
        if self.declines:
            raise HolderDeclined("cancelled")
        return chosen

    async def sign_in(self, url: Secret[str]) -> None:
        self.sent_to.append(url.reveal())
        if not url.reveal().startswith(f"{ISSUER}/authorize?"):
            raise HolderDeclined("cancelled")
        await asyncio.to_thread(self._visit, url.reveal())

    def _visit(self, url: str) -> None:
        parts = urlsplit(url)
        issuer = http.client.HTTPSConnection(parts.netloc, context=self.tls, timeout=10)
        issuer.request("GET", f"{parts.path}?{parts.query}")
        back = urlsplit(issuer.getresponse().headers["Location"])
        issuer.close()
        self.ports.add(back.port or 0)
        own = http.client.HTTPConnection(back.netloc, timeout=10)
        own.request("GET", f"{back.path}?{back.query}")
        own.getresponse().read()
        own.close()


@dataclass
class Bed:
    """A wallet, an issuer on the public internet, and a canary on this computer."""

    wallet: Wallet
    issuer: Simulator
    net: Internet
    canary: Front
    tls: ssl.SSLContext
    behind: int

    def right(self) -> None:
        self.issuer.edits.clear()
        self.issuer.answers.clear()
        self.issuer.deferrals = 0
        self.net.look_ups.clear()
        self.net.connections.clear()
        self.net.audited.clear()
        self.net.names.update({name: [[address]] for name, address in NAMES.items()})
        self.net.names["rebinding.test"] = [[PUBLIC], ["127.0.0.1"]]

    async def add(self, offer: str, *, declines: bool = False) -> tuple[str, Visitor]:
        """The code a run ends with, or "" where it ends well; nothing went to this network."""
        holder, code = Visitor(declines=declines, tls=self.tls), ""
        try:
            async with asyncio.timeout(15):
                received = await self.wallet.add(offer, holder)
                if received.pending is not None:
                    received = await self.wallet.resume(received.pending.id, holder)
                for failure in received.failures:
                    raise failure.error
        except WalletError as error:
            code = error.code
        self.stayed_outside(*holder.ports, self.behind)
        return code, holder

    def stayed_outside(self, *ports: int) -> None:
        """Nothing went to this network but to those ports of this computer."""
        mine = {("127.0.0.1", port) for port in ports}
        assert {one for one in self.net.connections if one[0] != PUBLIC} <= mine
        assert self.canary.port not in [port for _, port in self.net.audited]
        assert self.canary.connections == 0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    folder = tmp_path_factory.mktemp("addresses")
    authority = TlsAuthority(folder)
    with ExitStack() as stack:
        net = stack.enter_context(internet())
        issuer = stack.enter_context(simulated_issuer())
        tls = authority.server("issuer.test")
        behind = urlsplit(issuer.url).port
        served = stack.enter_context(front(behind=behind, tls=tls))
        issuer.url = ISSUER
        net.host("issuer.test", 443, served.port)
        net.names["*"] = [["127.0.0.1"]]
        canary = stack.enter_context(front())
        yield folder, authority, net, issuer, canary, behind


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(world: tuple[Any, ...]) -> AsyncIterator[Bed]:
    folder, authority, net, issuer, canary, behind = world
    (folder / "root.pem").write_bytes(issuer.authority.pem)
    key = ECKey.generate_key("P-256").as_dict(private=True)
    (folder / "provider.json").write_text(json.dumps(key))
    flags = {
        "wallet_provider": "development",
        "wallet_provider_key": folder / "provider.json",
        "data_folder": folder / "wallet",
        "trust_anchor": [str(folder / "root.pem")],
        "ca_file": str(authority.file),
        "language": ["en"],
        "http_timeout": "5",
    }
    async with Wallet(load(flags, {})) as one:
        await one.create(Secret("correct horse"))
        context = ssl.create_default_context(cafile=authority.file)
        yield Bed(one, issuer, net, canary, context, behind)


Put = Callable[[Simulator, str], str]


def _reference(_: Simulator, url: str) -> str:
    return "openid-credential-offer://?" + urlencode({"credential_offer_uri": url})


def _issuer(issuer: Simulator, url: str) -> str:
    return issuer.offer(credential_issuer=url)


def _member(document: str, **members: Callable[[str], Any]) -> Put:
    def put(issuer: Simulator, url: str) -> str:
        changes = {name: make(url) for name, make in members.items()}
        issuer.edits[document] = lambda same: {**same, **changes}
        return issuer.offer()

    return put


def _granted(issuer: Simulator, url: str) -> str:
    _member("issuer_metadata", authorization_servers=lambda url: [url])(issuer, url)
    return issuer.offer(grants={"authorization_code": {"authorization_server": url}})


def _pre_authorized(issuer: Simulator, url: str) -> str:
    _member("issuer_metadata", authorization_servers=lambda url: [url])(issuer, url)
    return issuer.pre_authorized_offer(server=url)


def _deferred(issuer: Simulator, url: str) -> str:
    issuer.deferrals = 1
    return _member("issuer_metadata", deferred_credential_endpoint=_same)(issuer, url)


def _same(url: str) -> str:
    return url


def _pictures(issuer: Simulator, url: str) -> str:
    display = [{"name": "A", "logo": {"uri": url}, "background_image": {"uri": url}}]

    def edit(metadata: dict[str, Any]) -> dict[str, Any]:
        card = metadata["credential_configurations_supported"]["card"]
        card["credential_metadata"]["display"] = display
        return {**metadata, "display": display}

    issuer.edits["issuer_metadata"] = edit
    return issuer.offer()


def _signer(issuer: Simulator, url: str) -> str:
    without_certificates(issuer, url)
    return issuer.offer()


def _did_web(issuer: Simulator, url: str) -> str:
    host, _, port = url.partition("//")[2].removesuffix("/x").rpartition(":")
    without_certificates(issuer, f"did:web:{host}%3A{port}:x")
    return issuer.offer()


def _its_own_word(issuer: Simulator, url: str) -> str:
    without_certificates(issuer, issuer.url)
    serve(issuer, JWT_VC_ISSUER, {"issuer": url, "jwks": key_set(issuer)})
    return issuer.offer()


def _key_set(issuer: Simulator, url: str) -> str:
    without_certificates(issuer, issuer.url)
    serve(issuer, JWT_VC_ISSUER, {"issuer": issuer.url, "jwks_uri": url})
    return issuer.offer()


BY_CREDENTIALS: dict[str, Put] = {"iss": _signer, "did:web": _did_web}
"""Those that stand in a credential."""

FIELDS: dict[str, Put] = {
    "credential_offer_uri": _reference,
    "CredentialOffer.credential_issuer": _issuer,
    "AuthorizationCodeGrant.authorization_server": _granted,
    "PreAuthorizedCodeGrant.authorization_server": _pre_authorized,
    "IssuerMetadata.credential_issuer": _member("issuer_metadata", credential_issuer=_same),
    "IssuerMetadata.authorization_servers": _member(
        "issuer_metadata", authorization_servers=lambda url: [url]
    ),
    "IssuerMetadata.credential_endpoint": _member("issuer_metadata", credential_endpoint=_same),
    "IssuerMetadata.nonce_endpoint": _member("issuer_metadata", nonce_endpoint=_same),
    "IssuerMetadata.notification_endpoint": _member("issuer_metadata", notification_endpoint=_same),
    "IssuerMetadata.deferred_credential_endpoint": _deferred,
    "Picture.uri": _pictures,
    "ServerMetadata.issuer": _member("server_metadata", issuer=_same),
    "ServerMetadata.authorization_endpoint": _member(
        "server_metadata", authorization_endpoint=_same
    ),
    "ServerMetadata.token_endpoint": _member("server_metadata", token_endpoint=_same),
    "ServerMetadata.pushed_authorization_request_endpoint": _member(
        "server_metadata", pushed_authorization_request_endpoint=_same
    ),
    "ServerMetadata.challenge_endpoint": _member(
        "server_metadata",
        challenge_endpoint=_same,
        token_endpoint_auth_methods_supported=lambda _: ["attest_jwt_client_auth"],
    ),
    "JwtVcIssuer.issuer": _its_own_word,
    "JwtVcIssuer.jwks_uri": _key_set,
    **BY_CREDENTIALS,
}
"""How to put a URL into each field of the protocol that holds one."""

NEVER_ASKED = {"PushedRequest.request_uri"}
"""Goes to the authorization server's own page as it is."""

AS_THAT_ONE = {"TypePicture.uri"}
"""Read as a credential's own `Picture.uri` is, by the same client."""

_HOLDS_A_URL = re.compile(r"(uri|url|endpoint|issuer|servers?)$")


def fields_that_hold_a_url() -> set[str]:
    """By the names of the members of every document the wallet reads."""
    for package in (wallet.oauth, wallet.openid4vci, wallet.trust):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return {
        f"{model.__name__}.{name}"
        for model in Document.__subclasses__()
        if model.__module__.startswith("wallet.")
        for name in model.model_fields
        if _HOLDS_A_URL.search(name)
    }


async def test_every_field_that_holds_a_url_is_tried() -> None:
    others = {"credential_offer_uri", *BY_CREDENTIALS}
    assert fields_that_hold_a_url() == (set(FIELDS) - others) | NEVER_ASKED | AS_THAT_ONE
    assert len(set(SPELLINGS)) == len(SPELLINGS) >= 40


REFUSALS = {"forbidden_address", "insecure_url", "response_malformed"}


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("name", FIELDS)
async def test_vc_07_no_spelling_leads_inside(name: str, scheme: str, bed: Bed) -> None:
    for spelling in SPELLINGS:
        bed.right()
        url = f"{scheme}://{spelling}:{bed.canary.port}/x"
        seen = name == "Picture.uri"
        code, holder = await bed.add(FIELDS[name](bed.issuer, url), declines=seen)
        if seen:
            assert code == "cancelled"
            assert holder.reviews[0].issuer.logo is None
        elif name == "ServerMetadata.authorization_endpoint" and holder.sent_to:
            assert scheme == "https"  # a name: the browser's to look up
            assert code == "cancelled"
        elif name == "IssuerMetadata.notification_endpoint" and not code:
            assert scheme == "https"  # a name: looked up once all is stored, and refused then
        elif name == "JwtVcIssuer.issuer":
            assert code == "issuer_keys_invalid", spelling
        elif name in (*BY_CREDENTIALS, "JwtVcIssuer.jwks_uri"):
            # No URL or DID, so nobody's keys; or one of a host that cannot be reached now.
            assert code in {*REFUSALS, "issuer_untrusted"}, spelling
            assert bed.net.look_ups.count(spelling) <= 1
        elif name in ("IssuerMetadata.credential_issuer", "ServerMetadata.issuer"):
            assert code in ("issuer_mismatch", "authorization_server_mismatch"), spelling
        elif spelling == "rebinding.test" and scheme == "https":
            assert code == "unreachable"
            assert bed.net.look_ups.count(spelling) == 1
        else:
            assert code in REFUSALS, spelling


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_vc_06_no_type_leads_inside(scheme: str, bed: Bed) -> None:
    for spelling in SPELLINGS:
        bed.right()
        vct = f"{scheme}://{spelling}:{bed.canary.port}/x"

        def edit(metadata: dict[str, Any], vct: str = vct) -> dict[str, Any]:
            metadata["credential_configurations_supported"]["card"]["vct"] = vct
            return metadata

        def typed(payload: dict[str, Any], vct: str = vct) -> dict[str, Any]:
            return {**payload, "vct": vct}

        bed.issuer.edits.update({"issuer_metadata": edit, "payload": typed})
        assert (await bed.add(bed.issuer.offer()))[0] == ""


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_tsl_02_no_status_list_leads_inside(scheme: str, bed: Bed) -> None:
    bed.right()
    await bed.add(bed.issuer.offer())
    record, *_ = await bed.wallet._opened().all()

    for spelling in SPELLINGS:
        bed.right()
        place: JsonObject = {"idx": 1, "uri": f"{scheme}://{spelling}:{bed.canary.port}/x"}
        async with bed.wallet._run(Absent(), Trace()) as run:
            answer = await StatusInquiry(run).ask(replace(record, status={"status_list": place}))
        assert answer.standing is Standing.UNKNOWN, spelling
        bed.stayed_outside()


async def test_nobody_is_asked_about_a_literal_address(bed: Bed) -> None:
    """It is refused before the holder is asked, and before a resolver hears of the offer."""
    for spelling in ("127.1", "0x7f000001", "[::ffff:10.0.0.1]", "169.254.169.254"):
        bed.right()
        code, holder = await bed.add(_reference(bed.issuer, f"https://{spelling}/"))
        assert code == "forbidden_address"
        assert holder.contacts == []
        assert (bed.net.look_ups, bed.net.connections) == ([], [])


ENDPOINTS = [name for name in FIELDS if name.endswith("_endpoint")]


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_a_literal_endpoint_is_refused_before_the_holder_reviews(name: str, bed: Bed) -> None:
    bed.right()
    code, holder = await bed.add(FIELDS[name](bed.issuer, "https://127.1/"))
    assert code == "forbidden_address"
    assert holder.reviews == []
    assert holder.steps[-1] is Step.ISSUER


async def test_the_refusal_names_the_setting(bed: Bed) -> None:
    for url in ("http://127.0.0.1:8701", "http://localhost:8701", "https://[::1]"):
        bed.right()
        with pytest.raises(PeerBrokeProtocol, match=r"this computer|is ::1") as caught:
            await bed.wallet.add(bed.issuer.offer(credential_issuer=url), Visitor())
        assert caught.value.code == "forbidden_address"
        assert "loopback_development" in caught.value.advice
        assert "loopback_development" in caught.value.rule


async def test_nothing_is_looked_up_before_the_holder_agrees(bed: Bed) -> None:
    class Wary(Visitor):
        async def may_contact(self, contact: Contact) -> None:
            raise HolderDeclined("cancelled")

    bed.right()
    with pytest.raises(HolderDeclined):
        await bed.wallet.add(_reference(bed.issuer, f"{ISSUER}/offer"), Wary())
    assert (bed.net.look_ups, bed.net.connections, bed.net.audited) == ([], [], [])


async def test_the_right_way_is_open(bed: Bed) -> None:
    """And what only looks like an address to go to, is not gone to."""
    bed.right()
    url = f"https://inside.test:{bed.canary.port}/"

    also = {"picture": url, "iss": url}
    bed.issuer.edits["payload"] = lambda payload: {**payload, **also}
    code, _ = await bed.add(bed.issuer.offer())
    assert code == ""
    assert {name for name in bed.net.look_ups if name != "127.0.0.1"} == {"issuer.test"}
    assert {host for host, _ in bed.net.connections} == {PUBLIC, "127.0.0.1"}
