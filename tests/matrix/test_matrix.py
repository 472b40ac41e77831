"""The wallet against both reference servers, on every way that `rows` has.

The servers are processes, with a recorder in front of each: what a row says is looked up in what
reached them, not in what the wallet says of itself.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from reference_servers.demo.people import write_seeds
from tests.integration.servers.peers import payload
from tests.matrix.client import Client
from tests.matrix.covering import Row
from tests.matrix.rows import COLUMNS, ROWS
from tests.support.holder import WillingHolder
from tests.support.operator import operator
from tests.support.recorder import Exchange, Recorder, recorder
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    issuer_settings,
    program,
    server_settings,
)
from wallet.app import Wallet
from wallet.policy import PRE_AUTHORIZED_CODE
from wallet.records import Card, Received, Secret
from wallet.settings import load

NONCES: Final = (False, True)
PUSHED: Final = (False, True)
ENCRYPTION: Final = {
    "nothing": {"request_encryption": "off", "response_encryption": "off"},
    "requests": {"request_encryption": "required", "response_encryption": "off"},
    "both": {"request_encryption": "required", "response_encryption": "required"},
}

Check = Callable[["Run"], None]


class Servers:
    """An authorization server and an issuer for each of their settings; all know each other.

    Attributes:
        client: Whom they know.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.client = Client(folder)
        self._folder = folder
        self._people, self._datasets = write_seeds(folder)
        names = [*product(("server",), PUSHED, NONCES), *product(("issuer",), ENCRYPTION, NONCES)]
        self._ports = {name: free_port() for name in names}
        self._recorders = {
            name: stack.enter_context(recorder(port)) for name, port in self._ports.items()
        }
        with ThreadPoolExecutor() as pool:
            list(pool.map(stack.enter_context, [self._program(*name) for name in names]))

    def server(self, *, pushed: bool, nonces: bool) -> Recorder:
        return self._recorders["server", pushed, nonces]

    def issuer(self, *, encrypted: str, nonces: bool) -> tuple[Recorder, ReferenceServers]:
        name = "issuer", encrypted, nonces
        return self._recorders[name], self._both(name)

    def _urls(self, kind: str) -> list[str]:
        return [one.url for name, one in self._recorders.items() if name[0] == kind]

    def _both(self, name: tuple[Any, ...]) -> ReferenceServers:
        url = self._recorders[name].url
        return ReferenceServers(self._folder / " ".join(map(str, name)), url, url)

    @contextmanager
    def _program(self, *name: Any) -> Iterator[None]:
        kind, first, nonces = name
        both = self._both(name)
        if kind == "server":
            program_name, flags = "authorization_server", server_settings(both, self._people)
            settings = {
                "credential_issuers": self._urls("issuer"),
                "test_person": "erika",
                "clients_file": str(self.client.clients_file),
                "client_attestation_anchors_file": str(self.client.provider.file),
                "offer_pushed_authorization_requests": first,
                "require_pushed_authorization_requests": first,
            }
        else:
            program_name, flags = "credential_issuer", issuer_settings(both, self._datasets)
            server, *others = self._urls("server")
            settings = {
                **ENCRYPTION[first],
                "authorization_server": server,
                "further_authorization_servers": others,
                "deferred": ["diploma"],
                "approve_after_s": 0,
                "deferred_interval_s": 1,
            }
        whole = {
            **{name.replace("-", "_"): value for name, value in flags.items()},
            "port": self._ports[name],
            "dpop_nonces": nonces,
            **settings,
        }
        both.folder.mkdir()
        config = both.folder / "settings.toml"
        config.write_text("".join(f"{n} = {json.dumps(v)}\n" for n, v in whole.items()))
        with (
            (both.folder / "errors").open("w") as errors,
            program(program_name, {"config": str(config)}, errors),
        ):
            yield


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("matrix"), stack)


@dataclass
class Run:
    """One issuance and what was seen of it.

    Attributes:
        server: In front of the authorization server.
        issuer: In front of the issuer.
        received: What came, in the order it came.
        stored: What is in the store.
        counter: The operator's page when all was over.
    """

    server: Recorder
    issuer: Recorder
    received: Sequence[Received]
    stored: Sequence[Card]
    waiting: int
    counter: str
    tx_code: str

    def one(self, recorder: Recorder, path: str) -> Exchange:
        """The request at a path that was answered with success; there is just one."""
        [found] = [one for one in recorder.at(path) if one.status < 400]
        return found

    @property
    def token(self) -> Exchange:
        return self.one(self.server, "/token")

    @property
    def asked(self) -> Mapping[str, str]:
        """The parameters of the authorization request."""
        if self.server.at("/par"):
            return self.one(self.server, "/par").form
        return self.server.at("/authorize")[0].query

    @property
    def of_the_client(self) -> Sequence[Exchange]:
        """All requests that authenticate the client."""
        return [*self.server.at("/par"), *self.server.at("/token")]

    @property
    def with_token(self) -> Sequence[Exchange]:
        """All requests that carry the access token."""
        paths = ("/credential", "/deferred-credential", "/notification")
        return [one for path in paths for one in self.issuer.at(path)]


def by_authorization_code(run: Run) -> None:
    assert run.token.form["grant_type"] == "authorization_code"
    assert {"code", "redirect_uri", "code_verifier"} <= set(run.token.form)


def by_pre_authorized_code(run: Run) -> None:
    """TOK-02."""
    assert run.token.form["grant_type"] == PRE_AUTHORIZED_CODE
    assert not {"redirect_uri", "code_verifier", "code"} & set(run.token.form)
    assert not run.server.at("/authorize")
    assert run.token.form.get("tx_code", "") == run.tx_code


def with_transaction_code(run: Run) -> None:
    """OFF-11."""
    assert run.tx_code
    by_pre_authorized_code(run)


def by_scope(run: Run) -> None:
    assert run.asked["scope"] in ("pid", "diploma")
    assert "authorization_details" not in run.asked


def by_details(run: Run) -> None:
    [detail] = json.loads(run.asked["authorization_details"])
    assert detail["locations"] == [run.issuer.url]  # AUTH-04
    assert "scope" not in run.asked


def by_nothing(run: Run) -> None:
    assert not {"scope", "authorization_details"} & set(run.token.form)


def pushed(run: Run) -> None:
    assert all(
        set(one.query) == {"client_id", "request_uri"} for one in run.server.at("/authorize")
    )
    assert run.one(run.server, "/par").form["code_challenge_method"] == "S256"


def in_the_browser(run: Run) -> None:
    assert not run.server.at("/par")
    assert run.asked["code_challenge_method"] == "S256"


def no_request(run: Run) -> None:
    assert not run.server.at("/par") + run.server.at("/authorize")


def as_public_client(run: Run) -> None:
    for one in run.of_the_client:
        assert one.form["client_id"] == "oid4vci-wallet"
        assert "client_assertion" not in one.form
        assert not [name for name in one.headers if name.startswith("oauth-client-attestation")]


def by_private_key(run: Run) -> None:
    assertions = [one.form["client_assertion"] for one in run.of_the_client]
    assert len(set(assertions)) == len(assertions)
    for one in assertions:
        claims = payload(one)
        assert (claims["sub"], claims["aud"]) == ("keyed", run.server.url)


def by_attestation(run: Run) -> None:
    for one in run.of_the_client:
        assert payload(one.headers["oauth-client-attestation"])["sub"] == "oid4vci-wallet"
        assert payload(one.headers["oauth-client-attestation-pop"])["aud"] == run.server.url
        assert "client_assertion" not in one.form
    assert run.server.at("/challenge")


def by_bearer_token(run: Run) -> None:
    assert not [one for one in run.of_the_client if "dpop" in one.headers]
    for one in run.with_token:
        scheme, _, token = one.headers["authorization"].partition(" ")
        assert scheme == "Bearer"
        assert "cnf" not in payload(token)


def by_bound_token(run: Run) -> None:
    keys = {one.headers["dpop"].split(".")[0] for one in (*run.of_the_client, *run.with_token)}
    assert len(keys) == 1  # HAIP-01: one key for all, named in the header
    for one in run.with_token:
        scheme, _, token = one.headers["authorization"].partition(" ")
        assert scheme == "DPoP"
        assert payload(token)["cnf"]["jkt"]
    for peer in (run.server, run.issuer):
        assert not [one for one in peer.seen if one.status in (400, 401)]


def with_nonces(run: Run) -> None:
    """Every proof that was taken has a nonce; each server refused one proof at most."""
    for peer in (run.server, run.issuer):
        proven = [one for one in peer.seen if "dpop" in one.headers]
        refused = [one for one in proven if one.status >= 400]
        assert len(refused) <= 1
        for one in proven:
            assert ("nonce" in payload(one.headers["dpop"])) or one in refused
    assert [one for one in run.server.seen if one.status == 400]


def in_clear(run: Run) -> None:
    for one in run.issuer.at("/credential"):
        assert one.headers["content-type"] == one.media_type == "application/json"


def requests_encrypted(run: Run) -> None:
    for one in (*run.issuer.at("/credential"), *run.issuer.at("/deferred-credential")):
        assert (one.headers["content-type"], one.body[:1]) == ("application/jwt", b"e")
    assert run.one(run.issuer, "/credential").media_type == "application/json"


def all_encrypted(run: Run) -> None:
    for one in (*run.issuer.at("/credential"), *run.issuer.at("/deferred-credential")):
        assert one.headers["content-type"] == "application/jwt"
        assert one.status >= 400 or one.media_type == "application/jwt"


def at_once(run: Run) -> None:
    assert run.one(run.issuer, "/credential").status == 200
    assert not run.issuer.at("/deferred-credential")
    assert len(run.received) == 1


def later(run: Run) -> None:
    assert run.one(run.issuer, "/credential").status == 202
    assert run.one(run.issuer, "/deferred-credential").status == 200
    first, second = run.received
    assert first.pending is not None
    assert (len(first.cards), len(second.cards), second.pending) == (0, 1, None)


def of_one(run: Run) -> None:
    assert "<small>1 copy" in run.counter
    assert run.stored[0].copies == 1


def of_three(run: Run) -> None:
    assert "3 copies" in run.counter
    assert run.stored[0].copies == 3


CHECKS: Final[Mapping[str, Mapping[str, Check]]] = {
    "grant": {
        "authorization code": by_authorization_code,
        "pre-authorized code": by_pre_authorized_code,
        "with transaction code": with_transaction_code,
    },
    "asks by": {
        "scope": by_scope,
        "authorization_details": by_details,
        "nothing": by_nothing,
    },
    "request": {"pushed": pushed, "in the browser": in_the_browser, "none": no_request},
    "client": {
        "none": as_public_client,
        "private_key_jwt": by_private_key,
        "attest_jwt_client_auth": by_attestation,
    },
    "DPoP": {"off": by_bearer_token, "on": by_bound_token, "nonces": with_nonces},
    "encrypted": {"nothing": in_clear, "requests": requests_encrypted, "both": all_encrypted},
    "comes": {"at once": at_once, "later": later},
    "copies": {"1": of_one, "3": of_three},
}


def flags_of(row: Row, servers: Servers) -> Mapping[str, object]:
    """The wallet's settings for a row."""
    preference = {} if row["asks by"] == "nothing" else {"authorization_request": row["asks by"]}
    return {
        **servers.client.flags(row["client"]),
        **preference,
        "dpop": "never" if row["DPoP"] == "off" else "required",
        "batch": row["copies"],
        "key_derivation_ms": "0",
        "http_timeout": "60",
        "loopback_development": True,
        "language": ["en"],
    }


async def received_by(wallet: Wallet, offer: str, holder: WillingHolder) -> list[Received]:
    """What comes of an offer, also what comes later."""
    came: asyncio.Queue[Received] = asyncio.Queue()

    async def tell(news: tuple[Received, ...]) -> None:
        for one in news:
            await came.put(one)

    received = [await wallet.add(offer, holder)]
    if received[0].pending is not None:
        attending = asyncio.create_task(wallet.attend(tell))
        async with asyncio.timeout(60):
            received.append(await came.get())
        attending.cancel()
    return received


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ", ".join(row.values()))
async def test_tok_02_off_11_every_way(row: Row, servers: Servers, tmp_path: Path) -> None:
    nonces = row["DPoP"] == "nonces"
    server = servers.server(pushed=row["request"] != "in the browser", nonces=nonces)
    issuer, both = servers.issuer(encrypted=row["encrypted"], nonces=nonces)
    flags = {"data_folder": tmp_path / "wallet", "trust_anchor": [str(both.ca_pem)]}
    signs_in = row["grant"] == "authorization code"
    holder = WillingHolder(grant_type="authorization_code" if signs_in else PRE_AUTHORIZED_CODE)
    with operator(both) as counter:
        offer, tx_code = await asyncio.to_thread(
            counter.offer,
            "diploma" if row["comes"] == "later" else "pid",
            tx_code="digits" if row["grant"] == "with transaction code" else "none",
            authorization_server=server.url,
            **({"sign_in": "yes"} if signs_in else {}),
        )
        holder.codes = [tx_code] if tx_code else []
        server.seen.clear()
        issuer.seen.clear()
        async with Wallet(load({**flags, **flags_of(row, servers)}, {})) as wallet:
            await wallet.create(Secret("correct horse"))
            received = await received_by(wallet, offer, holder)
            stored, waiting = await wallet.cards(), len(await wallet.pending())
        run = Run(server, issuer, received, stored, waiting, counter.page(), tx_code)
    assert len(run.stored) == 1
    assert run.waiting == 0
    told = run.one(run.issuer, "/notification")
    assert json.loads(told.body)["event"] == "credential_accepted"
    for column, value in row.items():
        CHECKS[column][value](run)


def test_every_value_is_looked_for() -> None:
    assert {name: set(one) for name, one in CHECKS.items()} == {
        name: set(values) - {"responses"} for name, values in COLUMNS.items()
    }
