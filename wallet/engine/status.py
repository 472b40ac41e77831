"""Does a credential still stand?

Asked when the wallet opens and the last answer is old, or by hand. Never once per view: whoever
publishes a status list would see each look at a credential.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from wallet.credentials.contract import Expected
from wallet.credentials.formats import FORMATS
from wallet.credentials.status import bitstring, token
from wallet.credentials.status.lists import StatusList
from wallet.credentials.status.reference import Reference, references_of
from wallet.engine.issuers import Issuers
from wallet.engine.run import Run
from wallet.errors import WalletError
from wallet.ports import HttpResponse
from wallet.records import CredentialRecord, Secret, Standing, StatusAnswer
from wallet.trust.issuer import Issuer, Signer

PERIOD: Final = timedelta(hours=12)
"""How long an answer holds where the list does not say."""
SHORTEST_PERIOD: Final = timedelta(minutes=5)
RETRY: Final = timedelta(minutes=15)
"""How soon to ask again where nobody could tell."""

_WORST_FIRST: Final = (Standing.REVOKED, Standing.SUSPENDED, Standing.UNKNOWN, Standing.VALID)


def is_due(record: CredentialRecord, now: datetime) -> bool:
    """Whether there is somebody to ask, and the last answer is old."""
    if not record.status or (record.expires_at is not None and record.expires_at <= now):
        return False  # of an expired credential nobody needs to be asked (section 8.3)
    return record.answer is None or record.answer.ask_again_at <= now


@dataclass
class StatusInquiry:
    """One round of questions: each list is fetched once, whoever stands in it.

    Attributes:
        run: What there is at hand.
    """

    run: Run
    _lists: dict[tuple[str, str], "asyncio.Task[StatusList]"] = field(default_factory=dict)

    async def ask(self, record: CredentialRecord) -> StatusAnswer:
        """What the lists say that a credential names; `Standing.UNKNOWN` where nobody can tell."""
        now = self.run.clock.now()
        standings: list[Standing] = []
        ends: list[datetime] = []
        reason = "a status of the issuer's own kind"
        try:
            references = references_of(record.status)
        except ValueError as error:
            return StatusAnswer(Standing.UNKNOWN, now, now + RETRY, str(error)[:300])
        for one in references:  # what one list says is not unsaid by another that is silent
            try:
                there = await self._list(one, record)
                standings.append(there.standing(one))
                ends += [there.until] if there.until is not None else []
            except (ValueError, WalletError) as error:
                standings.append(Standing.UNKNOWN)
                told = isinstance(error, WalletError) and (error.detail or error.sentence)
                reason = str(told or error)
        worst = next((one for one in _WORST_FIRST if one in standings), Standing.UNKNOWN)
        if worst is Standing.UNKNOWN:
            return StatusAnswer(worst, now, now + RETRY, reason[:300])
        return StatusAnswer(worst, now, max(min(ends, default=now + PERIOD), now + SHORTEST_PERIOD))

    async def _list(self, reference: Reference, record: CredentialRecord) -> StatusList:
        """The list that a place is in; raises `ValueError` or `WalletError` where there is none."""
        theirs = await self._issuer_of(record)
        # A list is believed on its signer's account: once for each issuer that it may be of.
        known = (reference.uri, theirs.name or str(theirs.keys))
        if known not in self._lists:
            self._lists[known] = asyncio.ensure_future(self._fetched(reference, record, theirs))
        return await self._lists[known]

    async def _issuer_of(self, record: CredentialRecord) -> Issuer:
        if (form := FORMATS.get(record.format)) is None:
            message = f"this wallet does not know the format {record.format}"
            raise ValueError(message)
        expected = Expected(record.configuration, (), (), self.run.clock.now(), typ=_ANY_TYP)
        credential = Secret(record.copies[0].credential)
        signer = await asyncio.to_thread(form.signer, credential, expected)
        return await self._known(signer, record)

    async def _known(self, signer: Signer, record: CredentialRecord) -> Issuer:
        run = self.run
        issuers = Issuers(run.http, run.anchors, run.clock, run.heard.issuers)
        return await issuers.issuer_of(signer, record.format, record.credential_issuer)

    async def _fetched(
        self, reference: Reference, record: CredentialRecord, theirs: Issuer
    ) -> StatusList:
        response = await self.run.http.get(reference.uri, accept=_ACCEPT[reference.kind])
        if response.status != HTTPStatus.OK:
            message = f"the status list answered HTTP {response.status}"
            raise ValueError(message)
        try:
            read = await asyncio.to_thread(_read, reference, response)
            issuer = await self._known(read.signer, record)
            if not _same(issuer, theirs):
                message = "it is signed by somebody else than the credential"
                raise ValueError(message)
            now = self.run.clock.now()
            return await asyncio.to_thread(read.verified, issuer, reference.uri, now)
        except ValueError as error:
            message = f"its status list is not believed: {error}"
            raise ValueError(message) from None


def _same(one: Issuer, other: Issuer) -> bool:
    """Whether two signers are one: by the anchor or name they are known by, or by a key."""
    if one.name and one.name == other.name and one.trust is other.trust:
        return True
    return any(key in other.keys for key in one.keys)


def _read(
    reference: Reference, response: HttpResponse
) -> token.StatusListToken | bitstring.BitstringCredential:
    if reference.kind == "token":
        return token.read_status_list_token(response.body, response.media_type)
    return bitstring.read_bitstring_credential(response.body)


_ACCEPT: Final = {
    "token": f"{token.JWT}, {token.CWT};q=0.9",
    "bitstring": ", ".join(bitstring.MEDIA_TYPES),
}
_ANY_TYP: Final = ("dc+sd-jwt", "vc+sd-jwt")
