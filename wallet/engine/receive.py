"""From an offer to a stored credential: the sequence diagram, top to bottom."""

from wallet.engine.authorize import authorize
from wallet.engine.keep import keep
from wallet.engine.request import request_credential
from wallet.engine.resolve import resolve
from wallet.engine.review import review
from wallet.engine.run import Run
from wallet.errors import WalletError
from wallet.records import CredentialRecord
from wallet.steps import Step
from wallet.trace import Event


async def receive(offer: str, run: Run) -> CredentialRecord:
    """Go the twelve steps of OpenID4VCI 1.0, section 3.4, for one credential of `offer`.

    Cancelling the task ends the run wherever it is; the store holds the credential or nothing.

    Raises:
        WalletError: With its `step` set.
    """
    try:
        resolved = await resolve(offer, run)
        consent = await review(resolved, run)
        authorized = await authorize(consent, run)
        issued = await request_credential(authorized, run)
        return await keep(issued, run)
    except WalletError as error:
        error.step = error.step or _current(run.trace.events)
        raise


def _current(events: list[Event]) -> Step | None:
    steps = [Step(event.name) for event in events if event.kind == "step"]
    return steps[-1] if steps else None
