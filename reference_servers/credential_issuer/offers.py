"""The issuer's pages: pick a credential, get its offer as QR code, link and text (section 4)."""

import io
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import segno
from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from reference_servers.credential_issuer.configurations import issued
from reference_servers.credential_issuer.database import Base, Message, Offer
from reference_servers.credential_issuer.errors import NO_STORE
from reference_servers.credential_issuer.settings import Settings
from reference_servers.faults import Faults
from reference_servers.storage import digest, sweep

FOLDER: Final = Path(__file__).parent
SCHEME: Final = "openid-credential-offer"
HAIP_SCHEME: Final = "haip-vci"
PRE_AUTHORIZED_CODE: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
PICTURE_PIXELS: Final = 440
EXPIRED: Final = "There is no such offer. It may have expired."
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    **NO_STORE,
}
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def rendered(base: str, template: str, status: int = 200, **values: object) -> Response:
    """A page of the issuer at `base`."""
    page = _TEMPLATES.get_template(template).render(base=base, **values)
    return HTMLResponse(page, status, HEADERS)


async def read_choice(request: Request) -> str:
    """The configurations picked on the home page, separated by spaces."""
    form = await request.form()
    return str(form.get("configuration", ""))


CHOICE: Any = Depends(read_choice)


class Offers:
    """Makes offers and shows them."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session], faults: Faults) -> None:
        self._settings = settings
        self._sessions = sessions
        self._faults = faults
        self.looks: Mapping[str, Mapping[str, Any]] = {
            name: one["credential_metadata"]["display"][0] for name, one in issued(settings).items()
        }

    def _render(self, template: str, status: int = 200, **values: object) -> Response:
        return rendered(self._settings.public_url, template, status, **values)

    def error_page(self, sentence: str, status: int = 404) -> Response:
        """A page for people who went astray."""
        return self._render("error.html", status, sentence=sentence)

    def home(self) -> Response:
        """What can be issued."""
        return self._render("home.html", looks=self.looks)

    def make(self, chosen: str = CHOICE) -> Response:
        """Make an offer of the chosen credentials, to whoever signs in, and go to its page."""
        names = list(dict.fromkeys(chosen.split()))
        if not names or not set(names) <= set(self.looks):
            return self.error_page(EXPIRED)
        grants = {"authorization_code": self.sign_in(self._settings.authorization_server)}
        offer_id = self.kept(names, grants, self._settings.offer_lifetime_s)
        return RedirectResponse(f"{self._settings.public_url}/offers/{offer_id}", 303)

    def sign_in(self, server: str) -> Mapping[str, Any]:
        """The grant `authorization_code` (section 4.1.1)."""
        return {"issuer_state": secrets.token_urlsafe(12), **self.named(server)}

    def named(self, server: str) -> Mapping[str, Any]:
        """`authorization_server`, which a grant has where there are several."""
        several = len(self._settings.authorization_servers) > 1
        return {"authorization_server": server} if several else {}

    def kept(self, names: Sequence[str], grants: Mapping[str, Any], lifetime_s: int) -> str:
        """Keep an offer; returns the id of its page."""
        offer_id = secrets.token_urlsafe(16)
        document = {
            "credential_issuer": self._settings.public_url,
            "credential_configuration_ids": list(names),
            "grants": grants,
        }
        with self._sessions.begin() as db:
            sweep(db, Base)
            db.add(
                Offer(id=digest(offer_id), document=document, expires_at=time.time() + lifetime_s)
            )
        return offer_id

    def _link(self, offer_id: str, by: str) -> str | None:
        document = self._document(offer_id)
        if document is None:
            return None
        scheme = HAIP_SCHEME if self._settings.profile == "haip" else SCHEME
        if by == "reference":
            uri = f"{self._settings.public_url}/credential-offers/{offer_id}"
            return f"{scheme}://?credential_offer_uri={quote(uri, safe='')}"
        value = json.dumps(document, separators=(",", ":"))
        return f"{scheme}://?credential_offer={quote(value, safe='')}"

    def _document(self, offer_id: str) -> Mapping[str, Any] | None:
        with self._sessions() as db:
            offer = db.get(Offer, digest(offer_id))
        live = offer and offer.expires_at > time.time()
        return self._faults.at("offer document", offer.document) if offer and live else None

    def page(self, offer_id: str, by: str = "value") -> Response:
        """An offer as QR code, as link and as text."""
        by = "reference" if by == "reference" else "value"
        link, document = self._link(offer_id, by), self._document(offer_id)
        if link is None or document is None:
            return self.error_page(EXPIRED)
        names = document["credential_configuration_ids"]
        code = document["grants"].get(PRE_AUTHORIZED_CODE)
        return self._render(
            "offer.html",
            link=link,
            by=by,
            names=[self.looks[name]["name"] for name in names if name in self.looks],
            offer_id=offer_id,
            pre_authorized=code is not None,
            tx_code=code is not None and "tx_code" in code,
        )

    def picture(self, offer_id: str, by: str = "value") -> Response:
        """The QR code of an offer."""
        link = self._link(offer_id, by)
        if link is None:
            return Response(status_code=404)
        out = io.BytesIO()
        code = segno.make_qr(link, error="l")
        modules, _ = code.symbol_size(border=4)
        code.save(out, kind="png", scale=max(PICTURE_PIXELS // modules, 1), border=4)
        return Response(out.getvalue(), media_type="image/png", headers=NO_STORE)

    def document(self, offer_id: str) -> Response:
        """An offer by reference (section 4.1.3)."""
        document = self._document(offer_id)
        if document is None:
            return Response(status_code=404)
        return JSONResponse(document, headers=NO_STORE)

    def message(self, message_id: str) -> Response:
        """A transaction code; this page stands for the second channel (section 13.5)."""
        with self._sessions() as db:
            found = db.get(Message, digest(message_id))
        if found is None or found.expires_at < time.time():
            return self.error_page("There is no such message. It may have expired.")
        return self._render("message.html", tx_code=found.tx_code)
