"""Composition root: the only place where the adapters meet the engine."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from wallet.errors import HolderDeclined, LocalFailure, PeerBrokeProtocol, WalletError
from wallet.policy import Policy
from wallet.ports import (
    Choice,
    Contact,
    Departure,
    Holder,
    OfferReview,
    TransactionCode,
    Verdict,
)
from wallet.records import (
    Card,
    Catalogue,
    Failure,
    Flow,
    PendingIssuance,
    Protection,
    Received,
    Secret,
    TrustAnchor,
)
from wallet.settings import InForce
from wallet.steps import Step
from wallet.trace import Trace

if TYPE_CHECKING:
    from wallet.engine.receive import Result
    from wallet.engine.run import Run, Standing
    from wallet.net.http import GuardedHttp
    from wallet.vault import VaultProcess

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

    def name(self) -> str:
        """See `wallet.ports.Random.name`."""
        return secrets.token_hex(8)


class Absent:
    """`Holder` of what the wallet does by itself: there is nobody to ask."""

    async def may_contact(self, contact: Contact) -> None:
        """See `wallet.ports.Holder.may_contact`."""
        raise HolderDeclined("cancelled", contact.host)

    async def choose(self, review: OfferReview) -> Choice:
        """See `wallet.ports.Holder.choose`."""
        raise HolderDeclined("cancelled", review.issuer_host)

    async def transaction_code(self, asked: TransactionCode) -> Secret[str]:
        """See `wallet.ports.Holder.transaction_code`."""
        raise HolderDeclined("cancelled", asked.host)

    async def judge(self, verdict: Verdict) -> None:
        """See `wallet.ports.Holder.judge`."""
        raise LocalFailure("decision_needed", verdict.look.name)

    def entered(self, step: Step) -> None:
        """See `wallet.ports.Holder.entered`."""

    async def sign_in(self, _url: Secret[str]) -> None:
        """See `wallet.ports.Holder.sign_in`."""
        raise HolderDeclined("cancelled", "nobody to sign in")


class Wallet:
    """One wallet profile. Everything the faces can do goes through here."""

    def __init__(self, in_force: InForce) -> None:
        self.in_force = in_force
        self._settings = in_force.settings
        self._vault: VaultProcess | None = None
        self._turns: dict[str, asyncio.Lock] = {}
        self._put_off = asyncio.Event()

    # The store.

    @property
    def door(self) -> Door:
        """What stands between the holder and the store now.

        Raises:
            LocalFailure: `store_damaged`.
        """
        from wallet.vault import VaultProcess

        return Door.OPEN if self._vault else Door(VaultProcess.door(self._settings.data_folder))

    async def keyring_usable(self) -> bool:
        """Whether this computer's keyring can protect a new store (probed, not assumed)."""
        from wallet.vault import VaultProcess

        return await VaultProcess.keyring_usable()

    async def create(self, passphrase: Secret[str] | None) -> None:
        """Make a new store, protected by `passphrase`, or by the keyring if it is None.

        Raises:
            LocalFailure: `keyring_unavailable`, `passphrase_too_short`, `store_unwritable`, …
        """
        from wallet.vault import VaultProcess

        await self.close()
        self._vault = await VaultProcess.create(
            self._settings.data_folder,
            passphrase,
            derivation_ms=self._settings.key_derivation_ms,
        )

    async def open(
        self,
        passphrase: Secret[str] | None = None,
        *,
        recovery_code: Secret[str] | None = None,
    ) -> None:
        """Open the store; by the recovery code also where passphrase or keyring are lost.

        Raises:
            LocalFailure: `passphrase_needed`, `passphrase_wrong`, `passphrase_wait`,
                `recovery_wrong`, `keyring_entry_missing`, `store_rolled_back`, `store_in_use`, …
        """
        from wallet.vault import VaultProcess

        await self.close()
        self._vault = await VaultProcess.open(
            self._settings.data_folder, passphrase, recovery_code=recovery_code
        )

    async def protection(self) -> Protection:
        """What opens the store."""
        return await self._opened().protection()

    async def protect(
        self, passphrase: Secret[str] | None, present: Secret[str] | None = None
    ) -> None:
        """Let `passphrase`, or the keyring if it is None, open the store from now on.

        Args:
            passphrase: The new one.
            present: The one that opens it now; not needed where it was opened otherwise.

        Raises:
            LocalFailure: `passphrase_wrong`, `passphrase_too_short`, `keyring_unavailable`.
        """
        vault = self._opened()
        if present is not None:
            await vault.check_passphrase(present)
        await vault.protect(passphrase, derivation_ms=self._settings.key_derivation_ms)

    async def new_recovery_code(self) -> Secret[str]:
        """A fresh recovery code, to be shown once; an older one no longer opens the store."""
        derivation_ms = self._settings.key_derivation_ms
        return await self._opened().new_recovery_code(derivation_ms=derivation_ms)

    async def confirm_recovery(self, code: Secret[str]) -> None:
        """Take note that the holder has written the code down. Raises `recovery_wrong`."""
        await self._opened().confirm_recovery(code)

    async def rotate(self) -> None:
        """Encrypt everything anew under a fresh data key."""
        await self._opened().rotate()

    # Backups.

    async def backup(self, path: Path, passphrase: Secret[str]) -> int:
        """Write everything, settings too, into one encrypted file; gives its size in bytes.

        Raises:
            LocalFailure: `passphrase_too_short`, `backup_unreadable`, `store_unwritable`.
        """
        try:
            settings = await asyncio.to_thread(self.in_force.file.read_text, "utf-8")
        except (OSError, ValueError):
            settings = ""
        return await self._opened().backup(path, passphrase, settings)

    async def restore(
        self,
        path: Path,
        passphrase: Secret[str],
        protection: Secret[str] | None,
        *,
        replace_present: bool = False,
    ) -> None:
        """Make the store from a backup and open it; a store that is there is set aside.

        The settings of the backup are written where there is no settings file yet.

        Args:
            path: The backup.
            passphrase: The backup's.
            protection: The new store's passphrase; None for the keyring.
            replace_present: Whether a store that is there may be set aside.

        Raises:
            LocalFailure: `backup_unreadable`, `backup_passphrase_wrong`, `backup_older`,
                `store_present`, and those of `create`.
        """
        from wallet.vault import VaultProcess

        self._vault, settings = await VaultProcess.restore(
            self._settings.data_folder,
            path,
            passphrase,
            protection,
            release=self.close,
            replace_present=replace_present,
            derivation_ms=self._settings.key_derivation_ms,
        )
        if settings:
            with suppress(OSError):
                await asyncio.to_thread(_write_new, self.in_force.file, settings)

    async def export_credential(
        self, credential_id: str, path: Path, passphrase: Secret[str]
    ) -> None:
        """Write one credential and its key into an encrypted file; raises as `backup`."""
        await self._opened().export_credential(credential_id, path, passphrase)

    async def import_credentials(self, path: Path, passphrase: Secret[str]) -> tuple[Card, ...]:
        """Take the credentials of a file or backup that are not here yet.

        Raises:
            LocalFailure: `backup_unreadable`, `backup_passphrase_wrong`.
        """
        ids = await self._opened().import_credentials(path, passphrase)
        return tuple([await self.card(one) for one in ids])

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
        """Close the store: the process that holds its keys ends."""
        vault, self._vault = self._vault, None
        if vault is not None:
            await vault.close()

    async def watch_session(self, leave: Callable[[Departure], Awaitable[None]]) -> None:
        """Call `leave` whenever this computer is locked or goes to sleep; until cancelled."""
        from wallet.session import watch

        await watch(leave)

    async def stopped(self) -> bool:
        """Wait until the store's process has ended; whether it did so by itself."""
        vault = self._opened()
        await vault.ended()
        return self._vault is vault

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

    async def credential(self, credential_id: str) -> Secret[str]:
        """A credential exactly as it was received; raises as `card`."""
        return Secret((await self._opened().get(credential_id)).copies[0].credential)

    async def check_status(self, credential_id: str = "") -> tuple[Card, ...]:
        """Ask the status lists about a credential, or about all whose last answer is old.

        Returns:
            The cards that were asked about, with the answers. One whose credential names no status
            list is not among them.

        Raises:
            LocalFailure: `credential_not_found`.
        """
        from wallet.engine.status import StatusInquiry, is_due

        vault, now = self._opened(), SystemClock().now()
        if credential_id:
            asked = [one for one in (await vault.get(credential_id),) if one.status]
        else:
            asked = [one for one in await vault.all() if is_due(one, now)]
        if not asked:
            return ()
        async with self._run(Absent(), Trace()) as run:
            inquiry = StatusInquiry(run)
            for one in asked:
                await vault.hear(one.id, await inquiry.ask(one))
        return tuple([await self.card(one.id) for one in asked])

    async def verify(self, credential_id: str, trace: Trace | None = None) -> Card:
        """Verify a stored credential again, and show what came of it; nothing is ever deleted.

        Raises:
            LocalFailure: `credential_not_found`.
            WalletError: As `wallet.engine.reverify.verify_again`.
        """
        from wallet.engine.reverify import verify_again

        vault = self._opened()
        record = await vault.get(credential_id)
        async with self._run(Absent(), trace or Trace()) as run:
            await vault.judged(await verify_again(record, run))
        return await self.card(credential_id)

    async def remove(self, credential_id: str) -> None:
        """Remove a credential for good; raises as `card`."""
        await self._opened().remove(credential_id)
        await self._forget()

    # Whom the holder trusts.

    async def trusted(self) -> tuple[TrustAnchor, ...]:
        """Every trust anchor: those of the settings' files first, which only a setting removes.

        Raises:
            LocalFailure: `settings_invalid`.
        """
        from wallet.trust.anchors import anchors_in

        read = [await asyncio.to_thread(anchors_in, one) for one in self._settings.trust_anchor]
        added = await self._vault.anchors() if self._vault else ()
        return (*(one for each in read for one in each), *(one for one in added if one.trusted))

    async def trust_certificates(self, data: bytes) -> tuple[TrustAnchor, ...]:
        """Trust the certificates of a file, PEM or DER. Raises `trust_anchor_unreadable`."""
        from wallet.trust.anchors import read_anchors

        found = await asyncio.to_thread(read_anchors, data, SystemClock().now())
        await self._opened().trust(found)
        return found

    async def trust_issuer(self, identifier: str) -> TrustAnchor:
        """Trust an issuer by its URL or DID. Raises `trust_anchor_unreadable`."""
        from wallet.trust.anchors import read_anchor

        found = read_anchor(identifier.strip(), SystemClock().now())
        await self._opened().trust((found,))
        return found

    async def distrust(self, anchor_id: str) -> None:
        """Trust somebody no longer; what is stored stays. Raises `trust_anchor_not_found`."""
        await self._opened().distrust(anchor_id)

    async def offered_anchors(self) -> tuple[TrustAnchor, ...]:
        """What the setting `offered_anchor` offers for trust and nobody answered yet.

        Raises:
            LocalFailure: `settings_invalid`.
        """
        from wallet.trust.anchors import anchors_in

        file = self._settings.offered_anchor
        if file is None:
            return ()
        offered = await asyncio.to_thread(anchors_in, file)
        known = {one.id for one in (*await self._opened().anchors(), *await self.trusted())}
        return tuple(replace(one, file="") for one in offered if one.id not in known)

    async def answer_offer(self, offered: Sequence[TrustAnchor], *, trusted: bool) -> None:
        """Trust what was offered, or take note that the holder does not."""
        now = SystemClock().now()
        answered = (replace(one, added_at=now, trusted=trusted) for one in offered)
        await self._opened().trust(tuple(answered))

    # Issuances.

    async def add(self, offer: str, holder: Holder, trace: Trace | None = None) -> Received:
        """Go the whole way from an offer's text to stored credentials.

        Cancel the task to stop it at any point.

        Args:
            offer: The offer link.
            holder: The person, as a face asks them.
            trace: Where to record what happens.

        Raises:
            WalletError: With its `step` set. One of several credentials that fails is told in what
                is returned.
        """
        from wallet.engine.receive import receive

        async with self._run(holder, trace or Trace()) as run, self._underway(run.flow_id):
            return await self._received(await receive(offer, run), run.flow_id)

    async def add_from(
        self,
        credential_issuer: str,
        credential_configuration_ids: Sequence[str],
        holder: Holder,
        trace: Trace | None = None,
    ) -> Received:
        """The same without an offer: the holder comes to the issuer by themselves.

        Args:
            credential_issuer: Credential Issuer Identifier.
            credential_configuration_ids: What to choose from; none for all the issuer has.
            holder: See `add`.
            trace: See `add`.
        """
        from wallet.engine.receive import receive
        from wallet.engine.resolve import Visit

        visit = Visit(credential_issuer, tuple(credential_configuration_ids))
        async with self._run(holder, trace or Trace()) as run, self._underway(run.flow_id):
            return await self._received(await receive(visit, run), run.flow_id)

    async def catalogue(self, credential_issuer: str, holder: Holder) -> Catalogue:
        """What an issuer has to give, and which of it this wallet can get.

        Raises:
            WalletError: The issuer's metadata cannot be had.
        """
        from wallet.engine.catalogue import catalogue

        async with self._run(holder, Trace()) as run:
            return await catalogue(credential_issuer, run)

    async def refresh(
        self, credential_id: str, holder: Holder, trace: Trace | None = None
    ) -> Received:
        """Have a stored credential issued anew; the old one stays until the new one is verified.

        Raises:
            WalletError: `credential_not_found`, `refresh_impossible`, and as `add`.
        """
        from wallet.engine.pending import renews
        from wallet.engine.receive import renew

        await self.card(credential_id)
        for flow in await self._opened().flows():
            if renews(flow, credential_id):
                async with self._underway(flow.id), self._run(holder, trace or Trace()) as run:
                    result = await renew(await self._flow(flow.id), credential_id, run)
                    return await self._received(result, flow.id)
        raise LocalFailure("refresh_impossible")

    async def refreshable(self) -> frozenset[str]:
        """The ids of the credentials that `refresh` may have issued anew."""
        from wallet.engine.pending import renewable_in

        vault = self._opened()
        found = [renewable_in(flow) for flow in await vault.flows()]
        return frozenset().union(*found) & {record.id for record in await vault.all()}

    async def pending(self) -> tuple[PendingIssuance, ...]:
        """The issuances that were interrupted or put off, oldest first."""
        from wallet.engine.pending import pending_of

        languages = self._settings.language
        found = [pending_of(flow, languages) for flow in await self._opened().flows()]
        return tuple(one for one in found if one is not None)

    async def resume(self, flow_id: str, holder: Holder, trace: Trace | None = None) -> Received:
        """Go on with an issuance that was interrupted or put off.

        Raises:
            WalletError: With its `step` set; `issuance_not_found`, `code_used_up`,
                `offer_used_up`.
        """
        from wallet.engine.receive import resume

        async with self._underway(flow_id), self._run(holder, trace or Trace()) as run:
            flow = await self._flow(flow_id)
            return await self._received(await resume(flow, run), flow_id)

    async def drop(self, flow_id: str) -> None:
        """Forget an issuance that is not over, with its keys. Raises as `resume`."""
        from wallet.engine.receive import give_up

        async with self._underway(flow_id):
            flow = await self._flow(flow_id)
            try:
                async with self._run(Absent(), Trace()) as run:
                    await give_up(flow, run)
            except LocalFailure as error:
                if error.code != "store_damaged":
                    raise
                await self._opened().end(flow_id)

    async def catch_up(self) -> tuple[Received, ...]:
        """Do what the wallet can do by itself now.

        Issuers are told what they have not heard yet, and asked for what they put off; what fails
        for a while is tried again next time.

        Returns:
            What came, or came to nothing.
        """
        from wallet.engine.pending import due
        from wallet.engine.progress import may_pass
        from wallet.engine.receive import Result, resume

        news = []
        for flow in await self._opened().flows():
            if self._turn(flow.id).locked() or not due(flow, SystemClock().now()):
                continue
            async with self._underway(flow.id), self._run(Absent(), Trace()) as run:
                try:
                    result = await resume(await self._flow(flow.id), run)
                except WalletError as error:
                    result = Result((), False, (Failure("", error),))
            final = tuple(
                one
                for one in result.failures
                if not may_pass(one.error) or one.error.code == "decision_needed"
            )
            if result.stored or final:
                news.append(await self._received(replace(result, failures=final), flow.id))
        await self._forget()
        return tuple(news)

    async def attend(self, tell: Callable[[tuple[Received, ...]], Awaitable[None]]) -> None:
        """Do so whenever there is something to do, and tell what came of it; until cancelled."""
        while True:
            if news := await self.catch_up():
                await tell(news)
            self._put_off.clear()
            moments = [one.ask_again_at for one in await self.pending() if one.ask_again_at]
            wait_s = (min(moments) - SystemClock().now()).total_seconds() if moments else None
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wait_s is None else max(wait_s, 1.0)):
                    await self._put_off.wait()

    async def _flow(self, flow_id: str) -> Flow:
        for flow in await self._opened().flows():
            if flow.id == flow_id:
                return flow
        raise LocalFailure("issuance_not_found", flow_id[:100])

    async def _received(self, result: "Result", flow_id: str) -> Received:
        from wallet.engine.pending import pending_of

        cards = tuple([await self.card(one) for one in result.stored])
        if not result.put_off:
            return Received(cards, None, result.failures)
        self._put_off.set()
        pending = pending_of(await self._flow(flow_id), self._settings.language)
        return Received(cards, pending, result.failures)

    async def _forget(self) -> None:
        """Remove the rows that were kept to refresh credentials that are gone."""
        from wallet.engine.pending import of_no_use

        vault = self._opened()
        ids = [record.id for record in await vault.all()]
        for flow in await vault.flows():
            if not self._turn(flow.id).locked() and of_no_use(flow, ids):
                await vault.end(flow.id)

    @asynccontextmanager
    async def _underway(self, flow_id: str) -> AsyncIterator[None]:
        """Let one run at a time go on with an issuance."""
        async with self._turn(flow_id):
            yield

    def _turn(self, flow_id: str) -> asyncio.Lock:
        return self._turns.setdefault(flow_id, asyncio.Lock())

    @asynccontextmanager
    async def _run(self, holder: Holder, trace: Trace) -> "AsyncIterator[Run]":
        from wallet.engine.run import Run
        from wallet.net.loopback import LoopbackRedirects
        from wallet.trust.anchors import load_anchors

        vault, settings = self._opened(), self._settings
        random = SystemRandom()
        added = await vault.anchors()
        anchors = await asyncio.to_thread(load_anchors, settings.trust_anchor, added)
        async with self._http(trace) as http:
            yield Run(
                holder=holder,
                http=http,
                redirects=LoopbackRedirects(random, settings.redirect_port, settings.redirect_path),
                keys=vault,
                flows=vault,
                clock=SystemClock(),
                random=random,
                anchors=anchors,
                policy=Policy(
                    languages=settings.language,
                    authorization_request=settings.authorization_request,
                    authorization_timeout_s=settings.authorization_timeout,
                    batch=settings.batch,
                    signed_metadata=settings.signed_metadata,
                    unique_redirects=not settings.redirect_path,
                    profiles=settings.profile_of,
                    trust_policy=settings.trust_policy,
                ),
                trace=trace,
                flow_id=random.name(),
                standings=await asyncio.to_thread(self._standings, http),
            )

    def _standings(self, http: "GuardedHttp") -> "dict[str, Standing]":
        """What the wallet can be at authorization servers; reads the files of their keys."""
        from wallet.engine.run import Standing
        from wallet.wallet_provider import load_key, provider_of

        found: dict[str, Standing] = {}
        for issuer in ("", *(one.issuer for one in self._settings.servers)):
            own = self._settings.at(issuer)
            found[issuer] = Standing(
                client_id=own.client_id,
                authentication=own.client_authentication,
                dpop=own.dpop,
                client_key=load_key(own.client_key) if own.client_key else None,
                provider=provider_of(own, http, SystemClock()),
                key_reference=own.key_reference,
            )
        return found

    @asynccontextmanager
    async def _http(self, trace: Trace) -> "AsyncIterator[GuardedHttp]":
        from wallet.net.connections import tls_context
        from wallet.net.http import GuardedHttp

        settings = self._settings
        http = GuardedHttp(
            settings.http_timeout,
            settings.language,
            trace,
            tls=await asyncio.to_thread(tls_context, settings.ca_file),
            loopback=settings.loopback_development,
            proxy=settings.proxy,
        )
        try:
            yield http
        finally:
            await http.close()

    # The ways to an offer, and to the browser.

    def check_offer(self, text: str) -> None:
        """Raise `PeerBrokeProtocol` if `text` is no credential offer; no network."""
        from wallet.compat import tolerate_link
        from wallet.openid4vci.offer import read_offer_link

        link, _, _ = tolerate_link(text, self._settings.profile_of)
        read_offer_link(link)

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

    def _opened(self) -> "VaultProcess":
        if self._vault is None:
            raise LocalFailure("store_locked")
        return self._vault


def _write_new(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as out:
        out.write(text)
