"""Composition root: the only place where the adapters meet the engine."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Self

from wallet.errors import LocalFailure, PeerBrokeProtocol
from wallet.policy import Policy
from wallet.ports import Holder
from wallet.records import Card, Secret
from wallet.settings import InForce
from wallet.trace import Trace

if TYPE_CHECKING:
    from wallet.vault import Vault

# The engine and the adapters are imported where they are first used: the first screen needs none.
# ruff: noqa: PLC0415


class Door(StrEnum):
    """What stands between the holder and the store."""

    NEW = "new"
    """There is no store yet: choose a protection."""
    LOCKED = "locked"
    """The store is protected by a passphrase."""
    CLOSED = "closed"
    """The store's key is in the keyring: it opens without the holder."""
    OPEN = "open"


class SystemClock:
    """`Clock` of this machine."""

    def now(self) -> datetime:
        """See `wallet.ports.Clock.now`."""
        return datetime.now(UTC)


class SystemRandom:
    """`Random` of the operating system."""

    def token(self) -> str:
        """See `wallet.ports.Random.token`."""
        return secrets.token_urlsafe(32)


class Wallet:
    """One wallet profile. Everything the faces can do goes through here."""

    def __init__(self, in_force: InForce) -> None:
        self.in_force = in_force
        self._settings = in_force.settings
        self._vault: Vault | None = None

    # The store.

    @property
    def door(self) -> Door:
        """What stands between the holder and the store now.

        Raises:
            LocalFailure: `store_damaged`.
        """
        from wallet.vault import Vault

        return Door.OPEN if self._vault else Door(Vault.door(self._settings.data_folder))

    async def keyring_usable(self) -> bool:
        """Whether this computer's keyring can protect a new store (probed, not assumed)."""
        from wallet.vault import keyring_usable

        return await keyring_usable()

    async def create(self, passphrase: Secret[str] | None) -> None:
        """Make a new store, protected by `passphrase`, or by the keyring if it is None.

        Raises:
            LocalFailure: `keyring_unavailable`, `passphrase_too_short`, `store_unwritable`, …
        """
        from wallet.vault import Vault

        self._vault = await Vault.create(self._settings.data_folder, passphrase)

    async def open(self, passphrase: Secret[str] | None = None) -> None:
        """Open the store.

        Raises:
            LocalFailure: `passphrase_needed`, `passphrase_wrong`, `store_in_use`, …
        """
        from wallet.vault import Vault

        self._vault = await Vault.open(self._settings.data_folder, passphrase)

    async def passphrase_from_file(self) -> Secret[str] | None:
        """The passphrase in the setting `passphrase_file`; None where there is no such setting.

        Raises:
            LocalFailure: `settings_invalid`.
        """
        file = self._settings.passphrase_file
        if file is None:
            return None
        try:
            text = await asyncio.to_thread(file.read_text, "utf-8")
        except (OSError, ValueError) as error:
            raise LocalFailure("settings_invalid", f"{file}: {type(error).__name__}") from None
        return Secret(text.removesuffix("\n").removesuffix("\r"))

    async def close(self) -> None:
        """Close the store."""
        if self._vault is not None:
            await self._vault.close()
            self._vault = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # The credentials.

    async def cards(self) -> tuple[Card, ...]:
        """Every stored credential, newest first."""
        from wallet.engine.cards import card_of

        records = await self._opened().all()
        now = SystemClock().now()
        return tuple(card_of(record, self._settings.language, now) for record in records)

    async def card(self, credential_id: str) -> Card:
        """One stored credential. Raises `LocalFailure("credential_not_found")`."""
        from wallet.engine.cards import card_of

        record = await self._opened().get(credential_id)
        return card_of(record, self._settings.language, SystemClock().now())

    async def remove(self, credential_id: str) -> None:
        """Remove a credential for good; raises as `card`."""
        await self._opened().remove(credential_id)

    async def add(self, offer: str, holder: Holder, trace: Trace | None = None) -> Card:
        """Go the whole way from an offer's text to a stored credential.

        Cancel the task to stop it at any point.

        Args:
            offer: The offer link.
            holder: The person, as a face asks them.
            trace: Where to record what happens.

        Raises:
            WalletError: With its `step` set.
        """
        from wallet.engine.cards import card_of
        from wallet.engine.receive import receive
        from wallet.engine.run import Run
        from wallet.net.http import GuardedHttp
        from wallet.net.loopback import LoopbackRedirects
        from wallet.trust.anchors import load_anchors

        vault, settings = self._opened(), self._settings
        trace = trace or Trace()
        anchors = await asyncio.to_thread(load_anchors, settings.trust_anchor)
        random = SystemRandom()
        # On a thread: the trusted certificates take tens of milliseconds to load.
        http = await asyncio.to_thread(GuardedHttp, settings.http_timeout, settings.language, trace)
        try:
            record = await receive(
                offer,
                Run(
                    holder=holder,
                    http=http,
                    redirects=LoopbackRedirects(
                        random, settings.redirect_port, settings.redirect_path
                    ),
                    keys=vault,
                    records=vault,
                    clock=SystemClock(),
                    random=random,
                    anchors=anchors,
                    policy=Policy(
                        client_id=settings.client_id,
                        languages=settings.language,
                        authorization_request=settings.authorization_request,
                        authorization_timeout_s=settings.authorization_timeout,
                    ),
                    trace=trace,
                ),
            )
        finally:
            await http.close()
        return card_of(record, settings.language, SystemClock().now())

    # The ways to an offer, and to the browser.

    def check_offer(self, text: str) -> None:
        """Raise `PeerBrokeProtocol` if `text` is no credential offer; no network."""
        from wallet.openid4vci.offer import read_offer_link

        read_offer_link(text)

    def _is_offer(self, text: str) -> bool:
        try:
            self.check_offer(text)
        except PeerBrokeProtocol as error:
            return error.code != "not_an_offer"  # a broken offer is told to the holder
        return True

    async def scan(
        self, show: Callable[[bytes], Awaitable[None]], on_foreign: Callable[[], None]
    ) -> str:
        """Scan with the camera until an offer is seen and return its text.

        Args:
            show: Takes a preview frame (JPEG); newest frame wins, old ones are dropped.
            on_foreign: Called when a code is seen that is no offer.

        Raises:
            LocalFailure: `camera_missing`, `camera_stopped`.
        """
        from wallet.scan import CameraSource, scan

        def accept(text: str) -> bool:
            if self._is_offer(text):
                return True
            on_foreign()
            return False

        return await scan(CameraSource.named(self._settings.camera), show, accept)

    async def read_image(self, data: bytes) -> str:
        """The offer in a picture file (PNG, JPEG …).

        Raises:
            LocalFailure: `image_unreadable`, `image_too_large`, `code_not_found`.
            PeerBrokeProtocol: `not_an_offer` where no code in it is an offer.
        """
        from wallet.scan import decode_still

        texts = await asyncio.to_thread(decode_still, data)
        for text in texts:
            if self._is_offer(text):
                return text
        raise PeerBrokeProtocol("not_an_offer", f"{len(texts)} codes, none of them an offer")

    async def open_in_browser(self, url: Secret[str]) -> None:
        """Open a URL in the system browser. Raises `LocalFailure("browser_failed")`."""
        from wallet.net.browser import open_in_browser

        await open_in_browser(url, self._settings.browser_command)

    def _opened(self) -> "Vault":
        if self._vault is None:
            raise LocalFailure("passphrase_needed", "the store is not open")
        return self._vault
