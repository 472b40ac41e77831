"""Every fault of the reference servers on every way that it is met: what the wallet says to it.

Nothing else may happen to the store, and nothing hangs. The servers are processes that change their
faults (`tests.support.faulty`); everything is on that there is to be met: pushed requests, client
attestations with challenges, DPoP with the issuer's nonces, encryption both ways.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from reference_servers.demo.people import write_seeds
from reference_servers.faults import FAULTS
from tests.matrix.client import Client
from tests.support.faulty import put_into_force
from tests.support.holder import WillingHolder, follow
from tests.support.operator import Operator, operator
from tests.support.reference_servers import (
    ReferenceServers,
    free_port,
    issuer_settings,
    program,
    server_settings,
)
from wallet.app import SystemClock, Wallet
from wallet.errors import LocalFailure, WalletError
from wallet.records import HolderKey, Received, Secret
from wallet.settings import load

COPIES: Final = 3
PATIENCE_S: Final = {"token-slow": 1.0, "credential-slow": 1.0, "notification-slow": 3.0}
"""How long the wallet waits for an answer that is slow to come."""
STORED: Final = "stored"
"""In place of a code: it does not matter, and the credential comes."""

WAYS: Final[Mapping[str, Sequence[str]]] = {
    "offer document": ("sign-in", "pre-authorized"),
    "document": ("sign-in",),
    "metadata document": ("sign-in", "visit"),
    "metadata": ("sign-in", "visit"),
    "signed metadata": ("visit",),
    "key set document": ("sign-in",),
    "jwt_vc_issuer": ("sign-in",),
    "nonce document": ("pre-authorized", "renewal"),
    "nonce": ("pre-authorized", "renewal"),
    "credential": ("pre-authorized", "deferred", "renewal"),
    "credential document": ("pre-authorized", "renewal"),
    "encrypted credential": ("pre-authorized", "deferred", "renewal"),
    "encryption key": ("pre-authorized", "deferred", "renewal"),
    "sd-jwt": ("pre-authorized", "deferred", "renewal"),
    "credential payload": ("pre-authorized", "deferred", "renewal"),
    "credential header": ("pre-authorized", "deferred", "renewal"),
    "holder jwk": ("pre-authorized", "deferred", "renewal"),
    "transaction document": ("deferred",),
    "deferred document": ("deferred",),
    "deferred_credential": ("deferred",),
    "notification": ("pre-authorized", "renewal"),
    "status_list": ("sign-in",),
    "status list": ("sign-in",),
    "server metadata document": ("sign-in", "pre-authorized"),
    "server_metadata": ("sign-in", "pre-authorized"),
    "par document": ("sign-in",),
    "par": ("sign-in",),
    "challenge": ("sign-in", "pre-authorized"),
    "authorization response": ("sign-in",),
    "token document": ("sign-in", "pre-authorized", "renewal"),
    "token": ("sign-in", "pre-authorized", "renewal"),
}
"""On which ways of an issuance each place is passed, and differs.

"sign-in" is by an offer by reference and by plain metadata; "visit" without an offer and by signed
metadata; "pre-authorized" by an offer by value, with a transaction code and several copies;
"deferred" comes later; "renewal" is that of a credential that is stored already.
"""

CODES: Final[Mapping[str, str | Mapping[str, str]]] = {
    # Offers.
    "offer-unknown-configuration": "configuration_unknown",
    "offer-repeated-configuration": "offer_invalid",
    "offer-unknown-server": "authorization_server_mismatch",
    "offer-wrong-type": "offer_invalid",
    "offer-unknown-members": STORED,
    # Metadata of the issuer.
    "metadata-issuer-mismatch": "issuer_mismatch",
    "metadata-no-endpoint": "metadata_invalid",
    "metadata-endpoint-elsewhere": "unreachable",
    "metadata-oversized": "response_too_large",
    "metadata-nested": "metadata_invalid",
    "metadata-truncated": {"sign-in": "metadata_invalid", "visit": "metadata_signature_invalid"},
    "metadata-repeated-member": "metadata_invalid",
    "metadata-wrong-type": "metadata_invalid",
    "metadata-redirect": "redirected",
    "metadata-unavailable": "server_error",
    "metadata-signed-by-another-key": "metadata_signature_invalid",
    "metadata-unknown-members": STORED,
    "metadata-another-format": "format_unsupported",
    "key-set-issuer-mismatch": STORED,
    "key-set-unavailable": STORED,
    # Nonces.
    "nonce-missing": "nonce_response_invalid",
    "nonce-unknown-members": STORED,
    "nonce-reused": "credential_refused",
    "nonce-wrong-type": "nonce_response_invalid",
    "nonce-unavailable": "server_error",
    # Credential responses; they are encrypted.
    "credential-too-many-requests": "busy",
    "credential-unavailable": "server_error",
    "credential-slow": "timed_out",
    "credential-truncated": "decryption_failed",
    "credential-oversized": "response_too_large",
    "credential-wrong-type": {
        "pre-authorized": "response_not_encrypted",
        "deferred": "credential_response_invalid",
        "renewal": "response_not_encrypted",
    },
    "credential-denied": "credential_refused",
    "credential-unknown-error": "credential_refused",
    "credential-redirect": "redirected",
    "credential-nonce-forever": "credential_refused",
    "credential-dpop-nonce-forever": "credential_refused",
    "credential-inflated": "decryption_failed",
    "credential-strings": "credential_response_invalid",
    "credential-repeated": {"pre-authorized": "key_binding_mismatch", "renewal": STORED},
    "credential-unknown-members": STORED,
    "batch-short": STORED,
    "credential-none": "credential_response_invalid",
    "credential-no-array": "credential_response_invalid",
    "credential-too-many": "credential_response_invalid",
    "credential-and-transaction": "credential_response_invalid",
    "credential-plaintext": "response_not_encrypted",
    "credential-encrypted-for-another": "decryption_failed",
    # Credentials.
    "credential-another-signature": "signature_invalid",
    "credential-stranger": "issuer_untrusted",
    "credential-self-signed": "issuer_untrusted",
    "credential-unsigned": "credential_malformed",
    "credential-digest-mismatch": "disclosure_invalid",
    "credential-further-disclosure": "disclosure_invalid",
    "credential-repeated-disclosure": "disclosure_invalid",
    "credential-key-binding": "credential_malformed",
    "credential-disclosable-vct": "disclosure_invalid",
    "credential-bound-to-another-key": "key_binding_mismatch",
    "credential-unbound": "key_binding_mismatch",
    "credential-expired": "credential_expired",
    "credential-not-yet-valid": "credential_not_yet_valid",
    "credential-another-type": "vct_mismatch",
    "credential-another-issuer": STORED,  # trusted is who has the certificate (VC-04)
    "credential-another-audience": "audience_mismatch",  # of holders, too (RFC 9901, 7.1)
    "credential-drafts-typ": "credential_malformed",
    "credential-wrong-typ": "credential_malformed",
    "credential-no-certificate": "issuer_untrusted",
    # Deferred credentials, and notifications.
    "deferred-no-interval": "credential_response_invalid",
    "deferred-no-wait": "credential_response_invalid",
    "deferred-no-transaction": "credential_response_invalid",
    "deferred-too-many-requests": "busy",
    "deferred-another-transaction": "credential_response_invalid",
    "deferred-forgotten": "credential_refused",
    "deferred-unavailable": "server_error",
    "notification-unavailable": STORED,
    "notification-slow": STORED,
    "notification-refused": STORED,
    "status-list-unavailable": STORED,
    "status-list-another-signature": STORED,
    # Metadata of the authorization server.
    "server-metadata-issuer-mismatch": "authorization_server_mismatch",
    "server-metadata-no-endpoint": "authorization_server_unsupported",
    "server-metadata-endpoint-elsewhere": "unreachable",
    "server-metadata-plain-pkce": {
        "sign-in": "authorization_server_unsupported",
        "pre-authorized": STORED,
    },
    "server-metadata-no-grant": "authorization_server_unsupported",
    "server-metadata-oversized": "response_too_large",
    "server-metadata-nested": "metadata_invalid",
    "server-metadata-truncated": "metadata_invalid",
    "server-metadata-repeated-member": "metadata_invalid",
    "server-metadata-wrong-type": "metadata_invalid",
    "server-metadata-redirect": "redirected",
    "server-metadata-unavailable": "server_error",
    "server-metadata-unknown-members": STORED,
    "server-metadata-no-response-types": STORED,
    # Pushed authorization requests, and challenges.
    "par-no-request-uri": "authorization_response_invalid",
    "par-refused": "authorization_refused",
    "par-unknown-client": "authorization_refused",
    "par-nonce-forever": "authorization_refused",
    "par-challenge-forever": "authorization_refused",
    "par-too-many-requests": "busy",
    "par-unavailable": "server_error",
    "par-wrong-type": "authorization_response_invalid",
    "par-unknown-members": STORED,
    "challenge-missing": "challenge_response_invalid",
    "challenge-unavailable": "server_error",
    # Authorization responses.
    "redirect-no-iss": "iss_missing",
    "redirect-another-iss": "iss_mismatch",
    "redirect-no-state": "state_mismatch",
    "redirect-another-state": "state_mismatch",
    "redirect-no-code": "authorization_response_invalid",
    "redirect-unknown-parameters": STORED,
    "redirect-error": "authorization_refused",
    "redirect-denied": "access_denied",
    "redirect-to-another-origin": "authorization_timeout",
    # Token responses.
    "token-refused": {
        "sign-in": "token_refused",
        "pre-authorized": "transaction_code_refused",
        "renewal": "token_refused",
    },
    "token-unknown-error": "token_refused",
    "token-nonce-forever": "token_refused",
    "token-challenge-forever": "token_refused",
    "token-too-many-requests": "busy",
    "token-unavailable": "server_error",
    "token-slow": "timed_out",
    "token-truncated": "token_response_invalid",
    "token-oversized": "response_too_large",
    "token-wrong-type": "token_response_invalid",
    "token-redirect": "redirected",
    "token-missing": "token_response_invalid",
    "token-no-type": "token_response_invalid",
    "token-another-type": "token_response_invalid",
    "token-not-bound": "token_not_bound",
    "token-other-details": "token_response_invalid",
    "token-no-identifiers": "token_response_invalid",
    "token-unknown-members": STORED,
    "token-c-nonce": STORED,
    "token-no-expiry": STORED,
    "token-another-case": STORED,
    "token-unusable": "credential_refused",
}
"""What the wallet must say to each fault, on all ways or by the way."""


@dataclass
class Peers:
    """Both servers, and the issuer's operator."""

    both: ReferenceServers
    counter: Operator
    client: Client
    in_force: str = ""

    async def have(self, fault: str) -> None:
        """Let the server whose fault it is have it, and the other one none."""
        for name, put in ((self.in_force, ""), (fault, fault)):
            if name and self.in_force != fault:
                of_issuer = FAULTS[name].server == "credential_issuer"
                url = self.both.issuer_url if of_issuer else self.both.server_url
                await asyncio.to_thread(put_into_force, url, put)
        self.in_force = fault


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    folder = tmp_path_factory.mktemp("faults")
    client = Client(folder)
    people, datasets = write_seeds(folder)
    text = datasets.read_text()
    datasets.write_text(re.sub(r"data:image/jpeg;base64,[^\"]*", "none", text))
    ports = free_port(), free_port()
    at = "http://127.0.0.1:"
    both = ReferenceServers(folder, f"{at}{ports[0]}", f"{at}{ports[1]}")
    config = folder / "issuer.toml"
    config.write_text("dpop_nonces = true\n")
    of_issuer = {
        **issuer_settings(both, datasets),
        "config": str(config),
        "deferred": json.dumps(["diploma"]),
        "deferred-interval-s": "1",
        "proof-types": json.dumps(["jwt"]),
    }
    of_server = {
        **server_settings(both, people),
        "test-person": "erika",
        "client-attestation-anchors-file": str(client.provider.file),
    }
    with ExitStack() as stack:
        errors = stack.enter_context((folder / "errors").open("w"))
        for name, settings in (
            ("credential_issuer", of_issuer),
            ("authorization_server", of_server),
        ):
            command = ("tests.support.faulty", name)
            stack.enter_context(program(name, settings, errors, command))
        yield Peers(both, stack.enter_context(operator(both)), client)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wallet(tmp_path_factory: pytest.TempPathFactory, peers: Peers) -> AsyncIterator[Wallet]:
    flags = {
        **peers.client.flags("attest_jwt_client_auth"),
        "data_folder": tmp_path_factory.mktemp("wallet") / "wallet",
        "trust_anchor": [str(peers.both.ca_pem)],
        "dpop": "required",
        "key_derivation_ms": "0",
        "http_timeout": "60",
        "loopback_development": True,
        "language": ["en"],
    }
    async with Wallet(load(flags, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        yield wallet


def browse(url: str) -> None:
    """Follow the redirects, as far as they lead."""
    with suppress(httpx.ConnectError):
        follow(url)


class Way:
    """An issuance under a fault."""

    def __init__(
        self, wallet: Wallet, peers: Peers, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.wallet, self.peers, self.fault = wallet, peers, fault
        self.monkeypatch = monkeypatch
        self.holder = WillingHolder(browse)

    async def offer(self, configuration: str, **fields: str) -> tuple[str, str]:
        """Made before the fault, unless it is one of offers."""
        fault = self.fault if self.fault.startswith("offer-") else ""
        await self.peers.have(fault)
        return await asyncio.to_thread(self.peers.counter.offer, configuration, **fields)

    async def sign_in(self) -> Received:
        await self.peers.have(self.fault)
        offer = await asyncio.to_thread(self.peers.both.offer, "pid", "reference")
        return await self.wallet.add(offer, self.holder)

    async def visit(self) -> Received:
        await self.peers.have(self.fault)
        return await self.wallet.add_from(self.peers.both.issuer_url, ["pid"], self.holder)

    async def pre_authorized(self) -> Received:
        offer, tx_code = await self.offer("pid", tx_code="digits")
        await self.peers.have(self.fault)
        self.holder.codes = [tx_code] * 5
        return await self.wallet.add(offer, self.holder)

    async def deferred(self) -> Received:
        offer, _ = await self.offer("diploma")
        await self.peers.have(self.fault)
        received = await self.wallet.add(offer, self.holder)
        assert received.pending is not None
        assert received.pending.ask_again_at is not None
        later = received.pending.ask_again_at + timedelta(seconds=1)
        self.monkeypatch.setattr(SystemClock, "now", lambda _: later)
        if FAULTS[self.fault].at != "deferred document":
            await asyncio.to_thread(self.peers.counter.decide, "approve")
        return await self.wallet.resume(received.pending.id, self.holder)

    async def renewal(self) -> Received:
        [card] = [*await self.wallet.refreshable()]
        await self.peers.have(self.fault)
        return await self.wallet.refresh(card, self.holder)


async def one_to_renew(wallet: Wallet, peers: Peers) -> None:
    """Have a credential in the store that can be refreshed; that of the last test may be."""
    if not await wallet.refreshable():
        await peers.have("")
        offer, _ = await asyncio.to_thread(peers.counter.offer, "pid")
        await wallet.add(offer, WillingHolder())


async def contents(wallet: Wallet) -> list[Any]:
    """Everything in the store, with the credentials as they came."""
    cards = await wallet.cards()
    return [(card, (await wallet.credential(card.id)).reveal()) for card in cards]


class KeysMade:
    """The holder keys that the wallet makes from now on."""

    def __init__(self, wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
        self._vault = vault = wallet._opened()
        self.made: list[str] = []

        async def create_key(algorithm: str) -> HolderKey:
            key = await type(vault).create_key(vault, algorithm)
            self.made.append(key.key_id)
            return key

        monkeypatch.setattr(vault, "create_key", create_key)

    async def left(self) -> list[str]:
        """Those that are in the store, though no flow and no credential names them."""
        named = {key_id for one in await self._vault.all() for key_id in one.key_ids}
        named |= {key_id for one in await self._vault.flows() for key_id in one.key_ids}
        return [one for one in self.made if one not in named and await self._is_there(one)]

    async def _is_there(self, key_id: str) -> bool:
        try:
            await self._vault.sign(key_id, b"")
        except LocalFailure:
            return False
        return True


RUNS: Final = [(fault, way) for fault in FAULTS for way in WAYS[FAULTS[fault].at]]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("fault", "way"), RUNS, ids=map(" ".join, RUNS))
async def test_off_14_it_is_told_and_nothing_is_stored(
    fault: str, way: str, wallet: Wallet, peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = CODES[fault]
    expected = code if isinstance(code, str) else code[way]
    if way == "renewal":
        await one_to_renew(wallet, peers)
    before = await contents(wallet)
    settings = replace(
        wallet._settings,
        batch=COPIES if way == "pre-authorized" else 1,
        signed_metadata="auto" if way == "visit" else "never",
        authorization_timeout=2.0 if fault == "redirect-to-another-origin" else 60.0,
        http_timeout=PATIENCE_S.get(fault, 15.0),
    )
    monkeypatch.setattr(wallet, "_settings", settings)
    keys = KeysMade(wallet, monkeypatch)
    told, received = STORED, None
    try:
        async with asyncio.timeout(90):
            run = Way(wallet, peers, fault, monkeypatch)
            received = await getattr(run, way.replace("-", "_"))()
            told = received.failures[0].error.code if received.failures else STORED
    except WalletError as error:
        told = error.code
    after = await contents(wallet)
    left = await keys.left()
    for one in await wallet.pending():
        await wallet.drop(one.id)
    for card, _ in after:
        if card.id not in [kept.id for kept, _ in before] or fault.startswith("token-"):
            await wallet.remove(card.id)
    assert told == expected
    assert left == await keys.left() == []
    assert keys.made or told != STORED
    if told == STORED:
        assert received is not None
        assert received.pending is None
        [(card, credential)] = [one for one in after if one not in before]
        assert (card,) == received.cards
        assert credential not in [old for _, old in before]
        assert len(after) == len(before) + (way != "renewal")
    else:
        assert after == before


def test_every_fault_has_its_code() -> None:
    assert set(CODES) == set(FAULTS)
    assert {fault.at for fault in FAULTS.values()} == set(WAYS)
    for fault, code in CODES.items():
        if not isinstance(code, str):
            assert set(code) == set(WAYS[FAULTS[fault].at])
