"""Composition root: the only place where the adapters meet the engine."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from types import TracebackType
from typing import Self

from wallet.ports import Holder
from wallet.records import Card, Secret


class Door(StrEnum):
    """What stands between the holder and the store."""

    NEW = "new"
    """There is no store yet: choose a protection."""
    LOCKED = "locked"
    """The store is protected by a passphrase."""
    CLOSED = "closed"
    """The store's key is in the keyring: it opens without the holder."""
    OPEN = "open"


class Wallet:
    """One wallet profile. Everything the faces can do goes through here."""

    @property
    def door(self) -> Door:
        """What stands between the holder and the store now."""
        raise NotImplementedError

    async def keyring_usable(self) -> bool:
        """Whether this computer's keyring can protect a new store (probed, not assumed)."""
        raise NotImplementedError

    async def create(self, passphrase: Secret[str] | None) -> None:
        """Make a new store, protected by `passphrase`, or by the keyring if it is None."""
        raise NotImplementedError

    async def open(self, passphrase: Secret[str] | None = None) -> None:
        """Open the store. Raises `LocalFailure` (`passphrase_wrong`, `store_in_use`, …)."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the store and the network."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def cards(self) -> tuple[Card, ...]:
        """Every stored credential, newest first."""
        raise NotImplementedError

    async def card(self, credential_id: str) -> Card:
        """One stored credential. Raises `LocalFailure("credential_not_found")`."""
        raise NotImplementedError

    async def remove(self, credential_id: str) -> None:
        """Remove a credential for good; raises as `card`."""
        raise NotImplementedError

    async def add(self, offer: str, holder: Holder) -> Card:
        """Go the whole way from an offer's text to a stored credential.

        Cancel the task to stop it at any point. Raises `WalletError` with its `step` set.
        """
        raise NotImplementedError

    def check_offer(self, text: str) -> None:
        """Raise `PeerBrokeProtocol` if `text` is no credential offer; no network."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def read_image(self, data: bytes) -> str:
        """The offer in a picture file (PNG, JPEG …).

        Raises:
            LocalFailure: `image_unreadable`, `image_too_large`, `code_not_found`.
            PeerBrokeProtocol: `not_an_offer` where no code in it is an offer.
        """
        raise NotImplementedError
