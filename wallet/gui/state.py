"""What the window shows, and what a person can do: no control, no screen in here.

The state is the engine's `Holder`: where the engine asks, a phase is shown, and the person's click
answers. Every action ends in a state, never in an exception.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import flet as ft

from wallet import memory
from wallet.app import Door, Wallet
from wallet.errors import HolderDeclined, LocalFailure, WalletError
from wallet.ports import Choice, Contact, Departure, OfferReview, TransactionCode, Verdict
from wallet.records import Card, PendingIssuance, Received, Secret, TrustAnchor
from wallet.steps import Step

P = ParamSpec("P")
T = TypeVar("T")


class Place(Enum):
    """Where the person is."""

    DOOR = auto()
    CARDS = auto()
    ADD = auto()
    ISSUANCE = auto()
    DETAIL = auto()
    SETTINGS = auto()
    PROTECTION = auto()
    TRUST = auto()


FORGETTING_S: Final = (0, 1, 2, 4, 8, 16)
"""Pauses after a lock. What was on its way to the screen is let go of when it has arrived there,
which a slow browser takes its time for; and Python alone collects nothing while nothing happens."""

HARMLESS: Final = (Place.CARDS, Place.ADD, Place.SETTINGS)
"""Where a person may go back to when they unlock the wallet."""


@dataclass(frozen=True)
class Contacting:
    """The person is asked whether the wallet may contact a host."""

    contact: Contact


@dataclass(frozen=True)
class Reviewing:
    """The person reads the offer."""

    review: OfferReview


@dataclass(frozen=True)
class Working:
    """The engine is at work.

    Attributes:
        step: The step it is at.
        sign_in_url: Where the browser was sent, while it is waited for.
        browser_failed: Whether the browser could not be opened.
    """

    step: Step
    sign_in_url: Secret[str] | None = None
    browser_failed: bool = False


@dataclass(frozen=True)
class Typing:
    """The person types a code that came by another way."""

    asked: TransactionCode


@dataclass(frozen=True)
class Judging:
    """The person reads what the wallet found out of an issuer, and keeps the credential or not."""

    verdict: Verdict


@dataclass(frozen=True)
class Done:
    """The run ended with credentials, or with some that the issuer put off."""

    received: Received


@dataclass(frozen=True)
class Failed:
    """The run ended without a credential."""

    error: WalletError


Phase = Contacting | Reviewing | Typing | Working | Judging | Done | Failed


def safe(
    action: Callable[Concatenate["WalletState", P], Awaitable[None]],
) -> Callable[Concatenate["WalletState", P], Coroutine[Any, Any, None]]:
    """Turn whatever an action raises into the state's `failure`. A lock ends it where it is."""

    @wraps(action)
    async def wrapped(self: "WalletState", /, *args: P.args, **kwargs: P.kwargs) -> None:
        self.failure = None
        self.busy = True
        with self.lockable():
            try:
                await action(self, *args, **kwargs)
            except WalletError as error:
                self.failure = error
            except Exception as error:  # noqa: BLE001 - the window must live on
                self.failure = LocalFailure("internal", type(error).__name__)
            finally:
                self.busy = False

    return wrapped


@ft.observable
@dataclass
class WalletState:
    """The state of one window.

    Attributes:
        wallet: The wallet it shows.
        redraw: Shows everything anew, also to a window that is away.
        place: Where the person is.
        door: What stands between them and the store.
        keyring_usable: Whether a new store can be protected by the keyring.
        cards: What is in the store, newest first.
        pending: Issuances that were interrupted.
        refreshable: The ids of the cards that their issuers may issue anew.
        recoverable: Whether the person has shown that they have a recovery code.
        recovered: Whether it was opened by the recovery code, and not yet protected anew.
        shown: The card whose details are shown.
        phase: Where an issuance is.
        failure: What went wrong last, at the place where it is told.
        busy: Whether an action is under way.
        scanning: Whether the camera is on.
        hint: What the camera saw that is no offer.
        wide: Whether there is room for a navigation rail.
        columns: How many cards fit side by side.
        credential: The shown credential as it was received, once it was asked for.
        left: Why the wallet was locked; None if it was not.
        news: What issuers that had put something off did since.
        offered: What the settings offer for trust, until it is answered.
    """

    wallet: Wallet
    redraw: Callable[[], None] = field(default=lambda: None)
    place: Place = Place.DOOR
    door: Door = Door.CLOSED
    keyring_usable: bool = False
    cards: list[Card] = field(default_factory=list)
    shown: Card | None = None
    phase: Phase | None = None
    failure: WalletError | None = None
    busy: bool = False
    scanning: bool = False
    hint: str = ""
    wide: bool = False
    columns: int = 1
    pending: list[PendingIssuance] = field(default_factory=list)
    refreshable: frozenset[str] = frozenset()
    recoverable: bool = True
    recovered: bool = False
    credential: Secret[str] | None = None
    left: Departure | None = None
    news: list[Received] = field(default_factory=list)
    offered: list[TrustAnchor] = field(default_factory=list)
    _run: "asyncio.Task[Received] | None" = None
    _scan: "asyncio.Task[str] | None" = None
    _answer: "asyncio.Future[Choice | Secret[str] | None] | None" = None
    _doing: "set[asyncio.Task[Any]]" = field(default_factory=set)
    _watching: "Future[None] | None" = None
    _forgetting: "asyncio.Task[None] | None" = None
    _used_at: float = 0.0
    _back_to: Place = Place.CARDS

    # The door.

    @safe
    async def arrive(self) -> None:
        """Find out what stands before the store, and open it where nothing does."""
        self.door = self.wallet.door
        if self.door is Door.NEW:
            self.keyring_usable = await self.wallet.keyring_usable()
        secret = await self.wallet.passphrase_from_file()
        if self.door is Door.CLOSED or (self.door is Door.LOCKED and secret):
            await self.wallet.open(secret)
        elif self.door is Door.NEW and secret:
            await self.wallet.create(secret)
        await self._enter()

    @safe
    async def create(self, passphrase: Secret[str] | None) -> None:
        """Make a new store."""
        await self.wallet.create(passphrase)
        await self._enter()

    @safe
    async def unlock(self, passphrase: Secret[str]) -> None:
        """Open the store by its passphrase."""
        await self.wallet.open(passphrase)
        await self._enter()

    @safe
    async def recover(self, code: Secret[str]) -> None:
        """Open the store by the recovery code, and let the person protect it anew."""
        await self.wallet.open(recovery_code=code)
        await self._enter()
        self.place, self.recovered = Place.PROTECTION, True

    async def _enter(self) -> None:
        self.recovered = False
        self.door = self.wallet.door
        if self.door is Door.OPEN:
            await self._look()
            self.place, self.left = self._back_to, None
            self.used()
            if self._forgetting is not None:
                self._forgetting.cancel()
            for background in (self._attend, self._lock_when_idle, self._lock_when_stopped):
                self._start(background())

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Do something in the background until a lock ends it."""
        task = asyncio.create_task(work)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)
        return task

    async def _attend(self) -> None:
        """Ask how credentials stand, tell issuers what they do not know, and ask for the rest."""
        with contextlib.suppress(WalletError):  # the store was closed meanwhile: next time
            if await self.wallet.check_status():
                await self._look()
            await self.wallet.attend(self._tell)

    async def _tell(self, news: tuple[Received, ...]) -> None:
        """Show what came, or came to nothing, while the person did something else."""
        self.news = [*self.news, *news]
        await self._look()

    @safe
    async def dismiss_news(self) -> None:
        """Take note that the person has seen them."""
        self.news = []

    # The lock.

    @contextlib.contextmanager
    def lockable(self) -> Iterator[None]:
        """Let a lock end what the present task does in this context, and only that."""
        task = asyncio.current_task()
        assert task  # noqa: S101 - handlers run in tasks
        self._doing.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if self.place is not Place.DOOR:
                raise
        finally:
            self._doing.discard(task)

    def watch_by(self, watching: "Future[None]") -> None:
        """Take note of what watches for the end of the person's session."""
        self._watching = watching

    async def retire(self) -> None:
        """Lock, since another window takes this one's place."""
        if self._watching is not None:
            self._watching.cancel()
        await self.lock()

    def used(self) -> None:
        """Take note that the person is there."""
        self._used_at = asyncio.get_running_loop().time()

    async def _lock_when_idle(self) -> None:
        """Lock after a while without use. While the engine works, the person need not be there."""
        clock, after_s = asyncio.get_running_loop().time, self.wallet.in_force.settings.auto_lock
        while after_s:
            left_s = self._used_at + after_s - clock()
            if left_s <= 0 and not isinstance(self.phase, Working):
                return await self.lock(Departure.IDLE)
            await asyncio.sleep(left_s if left_s > 0 else after_s)
        return None

    async def _lock_when_stopped(self) -> None:
        """Go to the door when the store's process has ended by itself."""
        if await self.wallet.stopped():
            await self.lock(None)
            self.failure = LocalFailure("vault_stopped")

    async def lock(self, why: Departure | None = Departure.BY_HAND) -> None:
        """Close the store, and drop everything of it that is here.

        The store first: an issuance that loses it stays in the journal, for later.
        """
        if self.door is Door.NEW:
            return
        shown = self.place is not Place.DOOR
        if shown:
            self._back_to = self.place if self.place in HARMLESS else Place.CARDS
            self.place, self.left = Place.DOOR, why
        try:
            await self.wallet.close()
        finally:
            others = self._doing - {asyncio.current_task()}
            for one in others:
                one.cancel()
            if others:
                await asyncio.wait(others)
            self.cards, self.pending, self.news, self.offered = [], [], [], []
            self.shown = self.phase = self.credential = self.failure = None
            self._run = self._scan = None
        try:
            self.door = self.wallet.door
        except WalletError as error:
            self.failure = error
        if shown:  # once: who types at the door already must not be drawn over
            self.redraw()
        self._forgetting = asyncio.create_task(self._forget())

    async def _forget(self) -> None:
        """Leave nothing in memory of what the store held, now that nothing of it is shown."""
        for pause_s in FORGETTING_S:
            await asyncio.sleep(pause_s)
            memory.forget()

    async def _look(self) -> None:
        self.cards = list(await self.wallet.cards())
        self.pending = list(await self.wallet.pending())
        self.recoverable = (await self.wallet.protection()).recovery_confirmed
        try:
            self.offered = list(await self.wallet.offered_anchors())
        except LocalFailure as failure:
            if failure.code != "settings_invalid":  # that is told where anchors are listed
                raise

    # Going about.

    @safe
    async def go(self, place: Place) -> None:
        """Go to a place. A running issuance stays where it is."""
        await self.stop_camera()
        self.place = place
        if place is Place.CARDS:
            await self._look()

    @safe
    async def show(self, card: Card) -> None:
        """Show a card's details."""
        self.shown, self.credential = card, None
        self.refreshable = await self.wallet.refreshable()
        self.place = Place.DETAIL

    @safe
    async def show_credential(self, card: Card) -> None:
        """Show the credential itself, as it was received."""
        self.credential = await self.wallet.credential(card.id)

    def hide_credential(self) -> None:
        """Show it no more."""
        self.credential = None

    @safe
    async def check_status(self, card: Card) -> None:
        """Ask whether a credential still stands, and show what was heard."""
        [self.shown] = await self.wallet.check_status(card.id)

    async def verify(self, card: Card) -> None:
        """Verify a credential again, and show what came of it."""
        self.shown = await self.wallet.verify(card.id)
        await self._look()

    @safe
    async def trust_offered(self) -> None:
        """Trust what was offered."""
        await self.wallet.answer_offer(self.offered, trusted=True)
        await self._look()

    @safe
    async def decline_offered(self) -> None:
        """Take note that the person does not trust what was offered."""
        await self.wallet.answer_offer(self.offered, trusted=False)
        await self._look()

    @safe
    async def remove(self, card: Card) -> None:
        """Remove a credential for good."""
        await self.wallet.remove(card.id)
        await self._look()
        self.place = Place.CARDS

    # Ways to an offer.

    @safe
    async def paste(self, text: str) -> None:
        """Take an offer as text."""
        self.wallet.check_offer(text)
        self._begin(text)

    @safe
    async def pick_image(self, data: bytes) -> None:
        """Take an offer from a picture."""
        self._begin(await self.wallet.read_image(data))

    async def scan(self, show: Callable[[bytes], Awaitable[None]]) -> None:
        """Scan until an offer is seen; `show` takes preview frames."""
        self.failure, self.hint, self.scanning = None, "", True
        self._scan = self._start(self.wallet.scan(show, self._foreign))
        try:
            self._begin(await self._scan)
        except asyncio.CancelledError:
            pass  # the person left, or stopped it
        except WalletError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 - the window must live on
            self.failure = LocalFailure("internal", type(error).__name__)
        finally:
            self.scanning = False

    def _foreign(self) -> None:
        self.hint = "This code is no credential offer. Keep looking for the issuer's code."

    async def stop_camera(self) -> None:
        """Switch the camera off."""
        if self._scan is not None:
            self._scan.cancel()
            await asyncio.wait([self._scan])
            self._scan = None

    # An issuance. The engine asks through these six (`wallet.ports.Holder`).

    async def may_contact(self, contact: Contact) -> None:
        """See `wallet.ports.Holder.may_contact`."""
        await self._ask(Contacting(contact), type(None))

    async def choose(self, review: OfferReview) -> Choice:
        """See `wallet.ports.Holder.choose`."""
        return await self._ask(Reviewing(review), Choice)

    async def transaction_code(self, asked: TransactionCode) -> Secret[str]:
        """See `wallet.ports.Holder.transaction_code`."""
        return await self._ask(Typing(asked), Secret)

    async def judge(self, verdict: Verdict) -> None:
        """See `wallet.ports.Holder.judge`."""
        await self._ask(Judging(verdict), type(None))

    def entered(self, step: Step) -> None:
        """See `wallet.ports.Holder.entered`."""
        self.phase = Working(step)

    async def sign_in(self, url: Secret[str]) -> None:
        """See `wallet.ports.Holder.sign_in`; where no browser opens, the person opens the link."""
        self.phase = Working(Step.AUTHORIZATION, url)
        try:
            await self.wallet.open_in_browser(url)
        except LocalFailure:
            self.phase = Working(Step.AUTHORIZATION, url, browser_failed=True)

    async def _ask(self, phase: Phase, kind: type[T]) -> T:
        before, self.phase = self.phase, phase
        self.used()  # it is the person's turn from now on
        self._answer = asyncio.get_running_loop().create_future()
        try:
            answer = await self._answer
            assert isinstance(answer, kind)  # noqa: S101 - each phase's screen gives its answer
            return answer
        finally:
            self._answer = None
            self.phase = before

    def agree(self) -> None:
        """Answer what the engine asks with yes."""
        self.answer(None)

    def answer(self, choice: Choice | Secret[str] | None) -> None:
        """Answer what the engine asks."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(choice)

    def decline(self) -> None:
        """Answer with no, or stop the run wherever it is."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(HolderDeclined("cancelled"))
        elif self._run is not None:
            self._run.cancel()

    def _begin(self, offer: str) -> None:
        """Start an issuance; one at a time."""
        if self._run is not None:
            return
        self.place, self.phase = Place.ISSUANCE, Working(Step.OFFER)
        self._follow(self.wallet.add(offer, self))

    @safe
    async def resume(self, pending: PendingIssuance) -> None:
        """Go on with an issuance that was interrupted."""
        if self._run is None:
            self.place, self.phase = Place.ISSUANCE, Working(Step.OFFER)
            self._follow(self.wallet.resume(pending.id, self))

    @safe
    async def refresh(self, card: Card) -> None:
        """Have a credential issued anew."""
        if self._run is None:
            self.place, self.phase = Place.ISSUANCE, Working(Step.TOKEN)
            self._follow(self.wallet.refresh(card.id, self))

    @safe
    async def visit(self, credential_issuer: str) -> None:
        """Go to an issuer without an offer."""
        if self._run is None:
            self.place, self.phase = Place.ISSUANCE, Working(Step.ISSUER)
            self._follow(self.wallet.add_from(credential_issuer.strip(), (), self))

    @safe
    async def drop(self, pending: PendingIssuance) -> None:
        """Forget an issuance that was interrupted."""
        await self.wallet.drop(pending.id)
        await self._look()

    async def restore(
        self,
        path: Path,
        passphrase: Secret[str],
        protection: Secret[str] | None,
        *,
        replace_present: bool,
    ) -> None:
        """Let a backup take the place of what is here, and show it; raises `WalletError`."""
        await self.wallet.restore(path, passphrase, protection, replace_present=replace_present)
        await self._enter()

    def _follow(self, run: Coroutine[Any, Any, Received]) -> None:
        self._run = self._start(run)
        self._run.add_done_callback(self._ended)

    def _ended(self, run: "asyncio.Task[Received]") -> None:
        self._run = None
        self.used()
        if run.cancelled():
            self.phase = Failed(HolderDeclined("cancelled"))
            return
        error = run.exception()
        if error is None:
            self.phase = Done(run.result())
        elif isinstance(error, WalletError):
            self.phase = Failed(error)
        else:
            self.phase = Failed(LocalFailure("internal", type(error).__name__))
