"""A holder who agrees to everything, and a browser without a window."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from wallet.ports import Contact, OfferReview
from wallet.records import Secret
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
    """

    browser: Callable[[str], None] = follow
    contacts: list[Contact] = field(default_factory=list)
    reviews: list[OfferReview] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _visits: set[asyncio.Task[None]] = field(default_factory=set)

    async def may_contact(self, contact: Contact) -> None:
        self.contacts.append(contact)

    async def choose(self, review: OfferReview) -> str:
        self.reviews.append(review)
        return review.credentials[0].credential_configuration_id

    def entered(self, step: Step) -> None:
        self.steps.append(step)

    async def sign_in(self, url: Secret[str]) -> None:
        visit = asyncio.create_task(asyncio.to_thread(self.browser, url.reveal()))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)
