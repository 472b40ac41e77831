"""What a run has at hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from wallet.engine.positions import Position, flow_of
from wallet.errors import WalletError
from wallet.oauth.client_authentication import Authentication
from wallet.oauth.jwt import compact
from wallet.policy import Policy
from wallet.ports import (
    Clock,
    Flows,
    Holder,
    HolderKeys,
    Http,
    HttpResponse,
    Random,
    Redirects,
    SigningKey,
    WalletProvider,
)
from wallet.records import HolderKey, Secret, Trust
from wallet.steps import Step
from wallet.trace import Trace
from wallet.trust.anchors import Anchors


@dataclass(frozen=True)
class Standing:
    """What the wallet can be at an authorization server, by the settings.

    Attributes:
        client_id: OAuth client identifier.
        authentication: How to authenticate; "auto" for the best that both sides can.
        dpop: Whether access tokens are to be bound to a key.
        client_key: The key of `private_key_jwt`.
        provider: Who attests the wallet and its keys.
        key_reference: How key proofs name keys: "auto" as the issuer's metadata says.
    """

    client_id: str
    authentication: Literal["auto"] | Authentication = "auto"
    dpop: Literal["auto", "required", "optional", "never"] = "auto"
    client_key: SigningKey | None = None
    provider: WalletProvider | None = None
    key_reference: Literal["auto", "x5c"] = "auto"


@dataclass
class Heard:
    """What servers said last that the next request to them must repeat; lost with the run.

    Attributes:
        nonces: The newest DPoP nonce, by the part the server plays and its origin.
        challenges: The newest attestation challenge, by the authorization server's identifier.
        attestations: The client attestations in use and when they expire, by the id of their key.
        c_nonces: The newest `c_nonce` of an issuer without a nonce endpoint, by its identifier.
        ahead: By how much a server's clock is ahead, as `nonces`.
        issuers: Documents with the keys of those who sign credentials, by their URLs.
        kept: The verdicts despite which the holder kept a credential.
    """

    nonces: dict[tuple[str, str], str] = field(default_factory=dict)
    ahead: dict[tuple[str, str], timedelta] = field(default_factory=dict)
    challenges: dict[str, str] = field(default_factory=dict)
    c_nonces: dict[str, Secret[str]] = field(default_factory=dict)
    attestations: dict[str, tuple[Secret[str], datetime]] = field(default_factory=dict)
    issuers: dict[str, HttpResponse] = field(default_factory=dict)
    kept: set[tuple[Trust, str, tuple[str, ...]]] = field(default_factory=set)


@dataclass(frozen=True)
class Run:
    """The ports and choices of one issuance, and its name in the journal.

    `standings` holds what is set for single authorization servers, and under "" for all others.
    """

    holder: Holder
    http: Http
    redirects: Redirects
    keys: HolderKeys
    flows: Flows
    clock: Clock
    random: Random
    anchors: Anchors
    policy: Policy
    trace: Trace
    flow_id: str
    standings: Mapping[str, Standing]
    heard: Heard = field(default_factory=Heard)

    def at(self, authorization_server: str) -> Standing:
        """What the wallet can be at an authorization server, by its issuer identifier."""
        return self.standings.get(authorization_server) or self.standings[""]

    @property
    def attester(self) -> bool:
        """Whether somebody attests this wallet's keys, at one authorization server at least."""
        return any(one.provider is not None for one in self.standings.values())

    async def reach(self, position: Position) -> None:
        """Commit where the issuance stands; durable when this returns."""
        with self.trace.span("store", position.stage):
            await self.flows.save(flow_of(self.flow_id, position))

    @property
    def step(self) -> Step | None:
        """Where the run is; None where it has not begun."""
        steps = [Step(event.name) for event in self.trace.events if event.kind == "step"]
        return steps[-1] if steps else None

    def place(self, error: WalletError) -> None:
        """Take note in `error` of the step that the run is at."""
        error.step = error.step or self.step

    def enter(self, step: Step) -> None:
        """Begin a step, unless the run is there: the trace records it, the holder is told."""
        if step is not self.step:
            self.trace.step(step)
            self.holder.entered(step)

    async def signed(self, key: HolderKey, message: bytes, name: str) -> Secret[str]:
        """The JWT whose signing input is `message`, signed by a holder key."""
        with self.trace.span("crypto", name):
            return compact(message, await self.keys.sign(key.key_id, message))
