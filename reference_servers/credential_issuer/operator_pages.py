"""The operator's page: what waits for approval, what was issued, and offers to people."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import Depends
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reference_servers.credential_issuer.certificates import SigningKey
from reference_servers.credential_issuer.configurations import issued
from reference_servers.credential_issuer.database import (
    Dataset,
    Forgiven,
    Issuance,
    Message,
    OperatorSession,
    Transaction,
)
from reference_servers.credential_issuer.formats import can_have_status
from reference_servers.credential_issuer.leniency import FORGIVABLE
from reference_servers.credential_issuer.offers import PRE_AUTHORIZED_CODE, Offers, rendered
from reference_servers.credential_issuer.operator_sessions import OperatorSessions, csrf_holds
from reference_servers.credential_issuer.pre_authorized_codes import (
    NoCodeError,
    pre_authorized_code,
)
from reference_servers.credential_issuer.settings import Settings
from reference_servers.storage import digest

SHOWN: Final = 50
STALE: Final = "This form is too old. Go back and try again."
STATUSES: Final = ("valid", "revoked", "suspended")
"""By their value in the status list."""
DIGITS: Final = "0123456789"
LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what is taken for something else."""
DESCRIPTION: Final = "The code from the message we sent you"
TX_CODES: Final[Mapping[str, tuple[str, int, Mapping[str, Any]]]] = {
    "none": ("", 0, {}),
    "digits": (
        DIGITS,
        6,
        {"input_mode": "numeric", "length": 6, "description": DESCRIPTION},
    ),
    "text": (LETTERS, 8, {"input_mode": "text", "length": 8, "description": DESCRIPTION}),
    "undescribed": (DIGITS, 6, {}),
}
"""Kinds of transaction codes: characters, length, and the offer's `tx_code` (section 4.1.1)."""


async def read_form(request: Request) -> FormData:
    """The fields of a form."""
    return await request.form()


FORM: Any = Depends(read_form)


class OperatorPages:
    """Shows them and does what their forms say."""

    def __init__(
        self, settings: Settings, sessions: sessionmaker[Session], key: SigningKey, offers: Offers
    ) -> None:
        self._settings = settings
        self._tls = settings.tls()
        self._db = sessions
        self._key = key
        self._offers = offers
        self._sessions = OperatorSessions(settings, sessions)
        self._listed = [
            name
            for name, one in issued(settings).items()
            if settings.status_list and can_have_status(one)
        ]

    def _render(self, template: str, status: int = 200, **values: object) -> Response:
        return rendered(self._settings.public_url, template, status, **values)

    def _back(self) -> Response:
        return RedirectResponse(f"{self._settings.public_url}/operator", 303)

    # Sign-in.

    def operator(self, request: Request) -> Response:
        """The operator's page, or the sign-in before it."""
        session = self._sessions.current(request)
        if session and session.signed_in:
            return self._overview(session)
        return self._sign_in_page(session)

    def _sign_in_page(
        self, session: OperatorSession | None, message: str = "", status: int = 200
    ) -> Response:
        value = ""
        if session is None:
            session, value = self._sessions.start(signed_in=False)
        page = self._render("operator-sign-in.html", status, csrf=session.csrf, message=message)
        if value:
            self._sessions.hold(page, value)
        return page

    def login(self, request: Request, form: FormData = FORM) -> Response:
        """The sign-in form."""
        session, fields = self._sessions.current(request), _texts(form)
        if session is None or not csrf_holds(session, fields):
            return self._offers.error_page(STALE, 403)
        if not self._sessions.is_password(fields.get("password", "")):
            return self._sign_in_page(session, "The password is wrong.", 401)
        self._sessions.end(session)
        _, value = self._sessions.start(signed_in=True)
        response = self._back()
        self._sessions.hold(response, value)
        return response

    def logout(self, request: Request, form: FormData = FORM) -> Response:
        """Ends the session."""
        session = self._signed_in(request, form)
        if session is None:
            return self._offers.error_page(STALE, 403)
        self._sessions.end(session)
        return self._back()

    def _signed_in(self, request: Request, form: FormData) -> OperatorSession | None:
        """The session of a form that the operator sent."""
        session = self._sessions.current(request)
        return (
            session if session and session.signed_in and csrf_holds(session, _texts(form)) else None
        )

    # The page.

    def _overview(self, session: OperatorSession) -> Response:
        now, after_s = time.time(), self._settings.approve_after_s
        undecided_since = 0 if after_s is None else now - after_s
        with self._db() as db:
            waiting = db.scalars(
                select(Transaction)
                .where(Transaction.expires_at > now, Transaction.decision == "")
                .where(Transaction.requested_at > undecided_since)
                .order_by(Transaction.requested_at)
                .limit(SHOWN)
            ).all()
            responses = db.scalars(select(Issuance).order_by(Issuance.id.desc()).limit(SHOWN)).all()
            forgiven = db.scalars(select(Forgiven).order_by(Forgiven.rule)).all()
            people = _people(db)
        return self._render(
            "operator.html",
            csrf=session.csrf,
            looks=self._offers.looks,
            people=people,
            waiting=waiting,
            issued=responses,
            forgiven=forgiven,
            rules=FORGIVABLE,
            statuses=STATUSES,
            listed=self._listed,
            servers=self._settings.authorization_servers,
            approve_after_s=after_s,
            moment=_moment,
        )

    def decide(self, request: Request, form: FormData = FORM) -> Response:
        """Approve or deny a deferred credential."""
        fields = _texts(form)
        if self._signed_in(request, form) is None:
            return self._offers.error_page(STALE, 403)
        decision = fields.get("decision", "")
        if decision not in ("approve", "deny"):
            return self._offers.error_page(STALE, 400)
        with self._db.begin() as db:
            found = db.get(Transaction, fields.get("transaction", ""), with_for_update=True)
            if found is None or found.decision:
                return self._offers.error_page("This was decided already.", 409)
            found.decision = decision
        return self._back()

    def set_status(self, request: Request, form: FormData = FORM) -> Response:
        """Revoke or suspend what was issued, or make it valid again."""
        fields = _texts(form)
        if self._signed_in(request, form) is None:
            return self._offers.error_page(STALE, 403)
        number, status = fields.get("issuance", ""), fields.get("status", "")
        if not number.isdecimal() or len(number) > 18 or status not in STATUSES:
            return self._offers.error_page(STALE, 400)
        with self._db.begin() as db:
            found = db.get(Issuance, int(number), with_for_update=True)
            if found is None:
                return self._offers.error_page("There is no such credential.", 404)
            found.status = STATUSES.index(status)
        return self._back()

    def make_offer(self, request: Request, form: FormData = FORM) -> Response:
        """Make an offer that is for one person, with a pre-authorized code (section 4.1.1)."""
        fields = _texts(form)
        if self._signed_in(request, form) is None:
            return self._offers.error_page(STALE, 403)
        names = [
            name for name in map(str, form.getlist("configuration")) if name in self._offers.looks
        ]
        kind, server = fields.get("tx_code", "none"), fields.get("authorization_server", "")
        if not names or kind not in TX_CODES or not fields.get("subject"):
            return self._offers.error_page("Choose a person and at least one credential.", 400)
        if server not in self._settings.authorization_servers:
            server = self._settings.authorization_server
        alphabet, length, described = TX_CODES[kind]
        tx_code = "".join(secrets.choice(alphabet) for _ in range(length))
        try:
            code, expires_in = pre_authorized_code(
                server,
                credential_issuer=self._settings.public_url,
                key=self._key,
                subject=fields["subject"],
                configurations=names,
                tx_code=tx_code,
                tls=self._tls,
            )
        except NoCodeError:
            sentence = "The authorization server gave no code for this offer."
            return self._offers.error_page(sentence, 502)
        grant = {"pre-authorized_code": code, **self._offers.named(server)}
        if tx_code:
            grant["tx_code"] = described
        grants: dict[str, Any] = {PRE_AUTHORIZED_CODE: grant}
        if fields.get("sign_in"):
            grants["authorization_code"] = self._offers.sign_in(server)
        offer_id = self._offers.kept(names, grants, expires_in)
        return self._made(offer_id, self._message(tx_code, expires_in), expires_in)

    def _message(self, tx_code: str, lifetime_s: int) -> str:
        """Send a transaction code by the second channel; returns the id of its page."""
        if not tx_code:
            return ""
        message_id = secrets.token_urlsafe(16)
        with self._db.begin() as db:
            db.add(
                Message(id=digest(message_id), tx_code=tx_code, expires_at=time.time() + lifetime_s)
            )
        return message_id

    def _made(self, offer_id: str, message_id: str, lifetime_s: int) -> Response:
        return self._render(
            "operator-offer.html",
            offer_id=offer_id,
            message_id=message_id,
            minutes=max(lifetime_s // 60, 1),
        )


def _texts(form: FormData) -> Mapping[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _people(db: Session) -> Mapping[str, str]:
    """Names of the people who are known, by subject."""
    names: dict[str, str] = {}
    for dataset in db.scalars(select(Dataset).order_by(Dataset.subject)):
        claims = dataset.claims
        name = f"{claims.get('given_name', '')} {claims.get('family_name', '')}".strip()
        if name or dataset.subject not in names:
            names[dataset.subject] = name or dataset.subject
    return dict(sorted(names.items(), key=lambda one: one[1]))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
