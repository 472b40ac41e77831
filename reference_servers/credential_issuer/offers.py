"""The issuer's pages: pick a credential, get its offer as QR code, link and text (section 4)."""

import io
import json
import secrets
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import segno
from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from reference_servers.credential_issuer.configurations import configurations
from reference_servers.credential_issuer.database import Base, Offer
from reference_servers.credential_issuer.errors import NO_STORE
from reference_servers.credential_issuer.settings import Settings
from reference_servers.faults import Faults
from reference_servers.storage import digest, sweep

FOLDER: Final = Path(__file__).parent
SCHEME: Final = "openid-credential-offer"
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
    loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined
)


async def read_choice(request: Request) -> str:
    """The configuration picked on the home page."""
    form = await request.form()
    return str(form.get("configuration", ""))


CHOICE: Any = Depends(read_choice)


class Offers:
    """Makes offers and shows them."""

    def __init__(self, settings: Settings, sessions: sessionmaker[Session], faults: Faults) -> None:
        self._settings = settings
        self._sessions = sessions
        self._faults = faults
        self._configurations = configurations(settings.public_url)

    def _render(self, template: str, status: int = 200, **values: object) -> Response:
        page = _TEMPLATES.get_template(template).render(base=self._settings.public_url, **values)
        return HTMLResponse(page, status, HEADERS)

    def error_page(self, sentence: str, status: int = 404) -> Response:
        """A page for people who went astray."""
        return self._render("error.html", status, sentence=sentence)

    def home(self) -> Response:
        """What can be issued."""
        looks = {
            name: one["credential_metadata"]["display"][0]
            for name, one in self._configurations.items()
        }
        return self._render("home.html", looks=looks)

    def make(self, configuration: str = CHOICE) -> Response:
        """Make an offer of the chosen credential and go to its page."""
        if configuration not in self._configurations:
            return self.error_page(EXPIRED)
        offer_id = secrets.token_urlsafe(16)
        document = {
            "credential_issuer": self._settings.public_url,
            "credential_configuration_ids": [configuration],
            "grants": {"authorization_code": {"issuer_state": secrets.token_urlsafe(12)}},
        }
        with self._sessions.begin() as db:
            sweep(db, Base)
            db.add(
                Offer(
                    id=digest(offer_id),
                    document=document,
                    expires_at=time.time() + self._settings.offer_lifetime_s,
                )
            )
        return RedirectResponse(f"{self._settings.public_url}/offers/{offer_id}", 303)

    def _link(self, offer_id: str, by: str) -> str | None:
        document = self._document(offer_id)
        if document is None:
            return None
        if by == "reference":
            uri = f"{self._settings.public_url}/credential-offers/{offer_id}"
            return f"{SCHEME}://?credential_offer_uri={quote(uri, safe='')}"
        value = json.dumps(document, separators=(",", ":"))
        return f"{SCHEME}://?credential_offer={quote(value, safe='')}"

    def _document(self, offer_id: str) -> dict[str, Any] | None:
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
        name = document["credential_configuration_ids"][0]
        look = self._configurations[name]["credential_metadata"]["display"][0]
        return self._render("offer.html", link=link, by=by, look=look, offer_id=offer_id)

    def picture(self, offer_id: str, by: str = "value") -> Response:
        """The QR code of an offer."""
        link = self._link(offer_id, by)
        if link is None:
            return Response(status_code=404)
        out = io.BytesIO()
        code = segno.make_qr(link, error="l")
        modules, _ = code.symbol_size(border=4)
        code.save(out, kind="png", scale=PICTURE_PIXELS // modules, border=4)
        return Response(out.getvalue(), media_type="image/png", headers=NO_STORE)

    def document(self, offer_id: str) -> Response:
        """An offer by reference (section 4.1.3)."""
        document = self._document(offer_id)
        if document is None:
            return Response(status_code=404)
        return JSONResponse(document, headers=NO_STORE)
