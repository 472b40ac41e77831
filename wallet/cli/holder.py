"""The holder at a terminal."""

import getpass
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from wallet.cli.output import note
from wallet.errors import HolderDeclined, LocalFailure, PeerRefused, printable
from wallet.policy import GrantType
from wallet.ports import Choice, Contact, OfferReview, TransactionCode, Verdict, Way
from wallet.records import Secret
from wallet.report import LEVELS, Trust, told
from wallet.steps import Step

NAMES = {
    Step.OFFER: "Reading the offer",
    Step.ISSUER: "Asking the issuer",
    Step.REVIEW: "Reviewing",
    Step.AUTHORIZATION: "Signing in",
    Step.TOKEN: "Getting access",
    Step.CREDENTIAL: "Asking for the credential",
    Step.VERIFICATION: "Verifying",
    Step.STORAGE: "Storing",
}


def interruptible(read: Callable[[], str]) -> str:
    """Read from the person so that Ctrl+C ends the wait at once.

    It blocks: nothing else runs while the person is asked, and a thread that reads could not be
    stopped. A signal that comes in the instant before the system begins to read does not end the
    read, and Python would hear of it only afterwards; so a thread sends it on until it is heard.
    """
    heard, (told, telling) = threading.Event(), socket.socketpair()
    main = threading.get_ident()

    def hear(_number: int, _frame: FrameType | None) -> None:
        if not heard.is_set():
            heard.set()
            raise KeyboardInterrupt

    def send_on() -> None:
        while (number := told.recv(1)) and number != bytes([signal.SIGINT]):
            pass
        while number and hasattr(signal, "pthread_kill") and not heard.wait(0.02):
            signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=send_on)
    telling.setblocking(False)
    before = signal.signal(signal.SIGINT, hear), signal.set_wakeup_fd(telling.fileno())
    thread.start()
    try:
        return read()
    finally:
        heard.set()
        signal.set_wakeup_fd(before[1])
        signal.signal(signal.SIGINT, before[0])
        telling.close()
        thread.join()
        told.close()


def ask(question: str) -> str:
    """Ask at the terminal; empty where there is none."""

    def read() -> str:
        print(printable(question), end=" ", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip()

    return interruptible(read) if sys.stdin.isatty() else ""


def read_standard_input() -> str:
    """All of standard input, as far as an offer may be long."""

    def read() -> str:
        if sys.stdin.isatty():
            note("Paste the offer's link, then press Enter and Ctrl+D.")
        return sys.stdin.buffer.read(100_000).decode("utf-8", "replace")

    return interruptible(read)


@dataclass(frozen=True)
class TerminalHolder:
    """`Holder` at a terminal.

    Attributes:
        agreed: Whether `--yes` was given.
        configurations: What `--configuration` named.
        grant_type: What `--grant` named.
        typed: What `--tx-code` gave.
        open_url: Opens the system browser; None to print the URL instead.
        accepted: The levels of trust that `--accept-issuer` lets pass unasked.
    """

    agreed: bool
    configurations: tuple[str, ...]
    grant_type: GrantType | None
    typed: Secret[str] | None
    open_url: Callable[[Secret[str]], Awaitable[None]] | None
    accepted: tuple[Trust, ...] = ()

    def _agrees(self, question: str) -> None:
        if self.agreed:
            return
        if ask(f"{question} [y/N]").lower() not in ("y", "yes"):
            raise HolderDeclined("cancelled", "not confirmed; --yes confirms")

    async def may_contact(self, contact: Contact) -> None:
        """See `wallet.ports.Holder.may_contact`."""
        note(f"The offer leads to {contact.host}.")
        self._agrees("Contact it?")

    async def choose(self, review: OfferReview) -> Choice:
        """See `wallet.ports.Holder.choose`."""
        note(f"{review.issuer.name} ({review.issuer_host}) offers:")
        for offered in review.credentials:
            note(f"  {offered.credential_configuration_id}: {offered.look.name}")
            note(f"    with {', '.join(offered.claims) or 'claims the issuer does not name'}")
        if review.tolerated:
            note("This issuer speaks an older version of the protocol, or one of its own:")
            note(f"  tolerated: {', '.join(review.tolerated)}")
        way = self._way(review)
        note(f"You will sign in at {way.host}." if way.signs_in else f"{way.host} lets you in.")
        chosen = self._credentials(review)
        self._agrees(f"Accept {', '.join(chosen)}?")
        return Choice(chosen, way.grant_type)

    def _way(self, review: OfferReview) -> Way:
        for way in review.ways:
            if self.grant_type in (None, way.grant_type):
                return way
        grants = ", ".join(way.grant_type for way in review.ways)
        raise LocalFailure("grant_not_offered", f"there is: {grants}")

    def _credentials(self, review: OfferReview) -> tuple[str, ...]:
        """What was named; what is typed, of several; otherwise all."""
        ids = tuple(offered.credential_configuration_id for offered in review.credentials)
        chosen = self.configurations
        if not chosen and len(ids) > 1 and not self.agreed:
            chosen = tuple(ask("Which ones? Several with spaces between, nothing for all.").split())
        if unknown := [name for name in chosen if name not in ids]:
            detail = f"{', '.join(unknown)} is not offered; there is: {', '.join(ids)}"
            raise HolderDeclined("cancelled", detail)
        return tuple(dict.fromkeys(chosen)) or ids

    async def transaction_code(self, asked: TransactionCode) -> Secret[str]:
        """See `wallet.ports.Holder.transaction_code`."""
        kind = "digits" if asked.numeric else "characters"
        form = f"{asked.length} {kind}" if asked.length else kind
        if self.typed is not None and not asked.refused:
            if asked.is_fit(self.typed.reveal()):
                return self.typed
            raise LocalFailure("transaction_code_needed", f"--tx-code must be {form}")
        if not sys.stdin.isatty():
            if asked.refused:
                raise PeerRefused("transaction_code_refused")
            raise LocalFailure("transaction_code_needed", f"{form}. {asked.description}")
        if asked.refused:
            note("This code was refused. Compare it with the one that you got.")
        note(f"{asked.host} needs a code that you got by another way. {asked.description}")
        while True:
            typed = ask(f"The code ({form}), nothing to stop:")
            if not typed:
                raise HolderDeclined("cancelled", "no code was typed")
            if asked.is_fit(typed):
                return Secret(typed)

    async def judge(self, verdict: Verdict) -> None:
        """See `wallet.ports.Holder.judge`; `--yes` is no answer to this."""
        note(f"{verdict.look.name} from {verdict.issuer.name} ({verdict.issuer_host}):")
        note(f"  {LEVELS[verdict.trust].word}. {told(verdict.trust, verdict.trusted_by)}")
        for reason in verdict.reasons:
            note(f"  {reason}")
        if verdict.trust in self.accepted:
            note("Kept all the same, as --accept-issuer says.")
        elif ask("Keep it all the same? [y/N]").lower() not in ("y", "yes"):
            raise HolderDeclined("cancelled", "not kept; --accept-issuer keeps it")

    def entered(self, step: Step) -> None:
        """See `wallet.ports.Holder.entered`."""
        note(f"· {NAMES[step]} …")

    async def sign_in(self, url: Secret[str]) -> None:
        """See `wallet.ports.Holder.sign_in`; where no browser opens, the address is printed."""
        if self.open_url is not None:
            note("Your browser opens for the sign-in.")
            try:
                await self.open_url(url)
            except LocalFailure as failure:
                note(failure.sentence)
            else:
                return
        note("Open this address to sign in:")
        note(url.reveal())


def ask_secret(question: str, flag: str) -> Secret[str]:
    """Ask for a secret without showing what is typed.

    Args:
        question: What to ask.
        flag: The flag that gives it where there is no terminal.

    Raises:
        LocalFailure: `passphrase_needed` where there is no terminal.
        HolderDeclined: `cancelled` where the terminal is closed.
    """
    if not sys.stdin.isatty():
        raise LocalFailure("passphrase_needed", f"give it by {flag}")
    try:
        return Secret(interruptible(lambda: getpass.getpass(f"{question} ")))
    except EOFError:
        raise HolderDeclined("cancelled", "nothing was typed") from None


def ask_passphrase(question: str, flag: str, *, twice: bool = False) -> Secret[str]:
    """Ask for a passphrase, twice for a new one; raises as `ask_secret`, and `cancelled`."""
    passphrase = ask_secret(question, flag)
    if twice and ask_secret("Once more:", flag).reveal() != passphrase.reveal():
        raise HolderDeclined("cancelled", "the two passphrases differ")
    return passphrase


def read_secret(file: Path, flag: str) -> Secret[str]:
    """The secret in a file, without the end of its line. Raises `settings_invalid`.

    It blocks as `interruptible` says: the file may be a pipe.
    """
    try:
        text = interruptible(lambda: file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LocalFailure("settings_invalid", f"{flag}: {type(error).__name__}") from None
    return Secret(text.removesuffix("\n").removesuffix("\r"))
