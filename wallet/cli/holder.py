"""The holder at a terminal."""

import getpass
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wallet.cli.output import note
from wallet.errors import HolderDeclined, LocalFailure, printable
from wallet.ports import Contact, OfferReview
from wallet.records import Secret
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
    stopped.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return read()
    finally:
        signal.signal(signal.SIGINT, before)


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
        configuration: What `--configuration` named.
        open_url: Opens the system browser; None to print the URL instead.
    """

    agreed: bool
    configuration: str | None
    open_url: Callable[[Secret[str]], Awaitable[None]] | None

    def _agrees(self, question: str) -> None:
        if self.agreed:
            return
        if ask(f"{question} [y/N]").lower() not in ("y", "yes"):
            raise HolderDeclined("cancelled", "not confirmed; --yes confirms")

    async def may_contact(self, contact: Contact) -> None:
        """See `wallet.ports.Holder.may_contact`."""
        note(f"The offer leads to {contact.host}.")
        self._agrees("Contact it?")

    async def choose(self, review: OfferReview) -> str:
        """See `wallet.ports.Holder.choose`."""
        note(f"{review.issuer.name} ({review.issuer_host}) offers:")
        for offered in review.credentials:
            note(f"  {offered.credential_configuration_id}: {offered.look.name}")
            note(f"    with {', '.join(offered.claims) or 'claims the issuer does not name'}")
        note(f"You will sign in at {review.authorization_server_host}.")
        ids = [offered.credential_configuration_id for offered in review.credentials]
        chosen = self.configuration or (ids[0] if len(ids) == 1 else ask("Which one?"))
        if chosen not in ids:
            raise HolderDeclined("cancelled", f"choose one by --configuration: {', '.join(ids)}")
        self._agrees(f"Accept {chosen}?")
        return chosen

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


def ask_passphrase(*, new: bool) -> Secret[str]:
    """Ask for the passphrase, twice for a new wallet.

    Raises:
        LocalFailure: `passphrase_needed` where there is no terminal.
        HolderDeclined: `cancelled` where the two differ.
    """
    if not sys.stdin.isatty():
        raise LocalFailure("passphrase_needed", "give it by --passphrase-file")
    question = "Choose a passphrase: " if new else "Passphrase: "
    text = interruptible(lambda: getpass.getpass(question))
    if new and interruptible(lambda: getpass.getpass("Once more: ")) != text:
        raise HolderDeclined("cancelled", "the two passphrases differ")
    return Secret(text)
