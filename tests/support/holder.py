"""A holder who agrees to everything, and a browser without a window."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import httpx

from wallet.app import Wallet
from wallet.errors import HolderDeclined
from wallet.policy import GrantType
from wallet.ports import Choice, Contact, OfferReview, TransactionCode, Verdict
from wallet.records import Secret
from wallet.report import Trust
from wallet.steps import Step


def follow(url: str) -> None:
    """Open `url` and go where it leads, as a browser does."""
    with httpx.Client(follow_redirects=True, trust_env=False, timeout=30) as browser:
        browser.get(url)


@dataclass
class WillingHolder:
    """`Holder` that agrees; records what it was asked.

    Attributes:
        browser: What the browser does with the authorization URL.
        chosen: What is chosen of an offer; nothing for all.
        grant_type: The grant that is chosen; None for the first.
        codes: The transaction codes to type, one after the other.
        asked: What transaction codes were asked for.
        keeps: The levels of trust at which a credential is kept; others are discarded.
        verdicts: What it was asked to judge.
    """

    browser: Callable[[str], None] = follow
    chosen: tuple[str, ...] = ()
    grant_type: GrantType | None = None
    codes: list[str] = field(default_factory=list)
    asked: list[TransactionCode] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    reviews: list[OfferReview] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    keeps: tuple[Trust, ...] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    _visits: set[asyncio.Task[None]] = field(default_factory=set)

    async def may_contact(self, contact: Contact) -> None:
        self.contacts.append(contact)

    async def choose(self, review: OfferReview) -> Choice:
        self.reviews.append(review)
        ids = tuple(one.credential_configuration_id for one in review.credentials)
        return Choice(self.chosen or ids, self.grant_type or review.ways[0].grant_type)

    async def transaction_code(self, asked: TransactionCode) -> Secret[str]:
        self.asked.append(asked)
        if not self.codes:
            raise HolderDeclined("cancelled")
        return Secret(self.codes.pop(0))

    async def judge(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        if verdict.trust not in self.keeps:
            raise HolderDeclined("cancelled")

    def entered(self, step: Step) -> None:
        self.steps.append(step)

    async def sign_in(self, url: Secret[str]) -> None:
        visit = asyncio.create_task(asyncio.to_thread(self.browser, url.reveal()))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)


def batch(wallet: Wallet, copies: int) -> None:
    """Let `wallet` ask for so many copies of a credential."""
    wallet._settings = replace(wallet._settings, batch=copies)
