"""What a type says of its credentials, fetched as one is issued (SD-JWT VC, section 4)."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.support.holder import WillingHolder
from tests.support.simulator import Simulator
from wallet.app import Wallet
from wallet.credentials.contract import VerifiedCredential
from wallet.engine.type_metadata import Described, described
from wallet.errors import WalletError
from wallet.records import Card, Check, Outcome, Report, Secret, Trust


@dataclass
class Types:
    """The types of a simulated issuer, by the end of their path."""

    issuer: Simulator
    documents: dict[str, Any] = field(default_factory=dict)

    def url(self, name: str) -> str:
        return f"{self.issuer.url}/types/{name}"

    def body(self, name: str) -> bytes:
        return json.dumps({"vct": self.url(name), **self.documents[name]}).encode()

    def put(self, name: str, **members: Any) -> None:
        self.documents[name] = members

        async def answer(_: Request) -> Response:
            return Response(self.body(name), media_type="application/json")

        self.issuer.answers[f"/types/{name}"] = answer

    def pin(self, name: str) -> str:
        digest = hashlib.sha256(self.body(name)).digest()
        return f"sha256-{base64.b64encode(digest).decode()}"

    def report(self, card: Card) -> tuple[str, str]:
        [check] = [one for one in card.report.checks if one.name == "Type metadata"]
        return check.outcome, check.reason

    @property
    def asked(self) -> list[str]:
        return [path for path, _ in self.issuer.requests if path.startswith("/types/")]


@pytest.fixture
def types(issuer: Simulator) -> Types:
    found = Types(issuer)

    def metadata(document: dict[str, Any]) -> dict[str, Any]:
        document["credential_configurations_supported"]["card"]["vct"] = found.url("card")
        return document

    issuer.edits["issuer_metadata"] = metadata
    issuer.edits["payload"] = lambda payload: {**payload, "vct": found.url("card")}
    return found


async def got(wallet: Wallet, issuer: Simulator, holder: WillingHolder) -> Card:
    [card] = (await wallet.add(issuer.offer(), holder)).cards
    return card


SIMPLE = {"background_color": "#123456", "text_color": "#ffffff"}
DISPLAY = [
    {"locale": "de", "name": "Ausweis"},
    {"locale": "en", "name": "The Type", "rendering": {"simple": SIMPLE}},
]
CLAIMS = [
    {"path": ["age"], "display": [{"locale": "en", "label": "Years"}]},
    {"path": ["given_name"], "mandatory": True, "display": [{"lang": "en", "label": "First"}]},
    {"path": ["exp"], "mandatory": True},
]


async def test_meta_18_the_type_goes_before_the_issuer(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, types: Types
) -> None:
    types.put("card", display=DISPLAY, claims=CLAIMS)
    card = await got(wallet, issuer, holder)
    assert (card.look.name, card.look.background_color) == ("The Type", "#123456")
    assert [claim.label for claim in card.claims] == ["Years", "First", "Family name"]
    assert types.report(card) == ("passed", f"as {types.url('card')} has it")
    await wallet.card(card.id)
    assert types.asked == ["/types/card"]  # once, and never when it is looked at


async def test_a_type_that_extends_another(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, types: Types
) -> None:
    types.put("base", display=DISPLAY, claims=CLAIMS)
    own = {"path": ["age"], "display": [{"locale": "en", "label": "Age of the holder"}]}
    pin = {"extends#integrity": types.pin("base")}
    types.put("card", extends=types.url("base"), claims=[own], **pin)
    pinned = {"vct": types.url("card"), "vct#integrity": types.pin("card")}
    issuer.edits["payload"] = lambda payload: {**payload, **pinned}
    card = await got(wallet, issuer, holder)
    assert card.look.name == "The Type"
    assert [claim.label for claim in card.claims] == ["Age of the holder", "First", "Family name"]


async def test_a_type_that_says_nothing_leaves_the_issuers_words(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, types: Types
) -> None:
    types.put("card")
    card = await got(wallet, issuer, holder)
    assert card.look.name == "Simulated Card"
    assert types.report(card)[0] == "passed"


async def test_vc_06_a_claim_that_the_type_demands(
    wallet: Wallet, issuer: Simulator, holder: WillingHolder, types: Types
) -> None:
    types.put("card", claims=[{"path": ["nationality"], "mandatory": True}])
    with pytest.raises(WalletError) as caught:
        await got(wallet, issuer, holder)
    assert caught.value.code == "claims_missing"
    assert await wallet.cards() == ()


async def test_a_type_of_another_format_is_no_document(types: Types) -> None:
    """Its name may be a URL all the same; nobody is asked."""
    report = Report((Check("Form", Outcome.PASSED, "", ""),))
    one = VerifiedCredential(
        credential=Secret("a.b.c"),
        type=types.url("card"),
        claims={},
        bound_to=None,
        trust=Trust.ANCHORED,
        trusted_by="",
        expires_at=None,
        status={},
        report=report,
    )
    nothing: Any = None
    assert await described(one, "jwt_vc_json", nothing) == Described({}, report)
    assert types.asked == []


def circle(types: Types) -> None:
    types.put("card", extends=types.url("base"))
    types.put("base", extends=types.url("card"))


def chain(types: Types) -> None:
    types.put("card", extends=types.url("0"))
    for number in range(9):
        types.put(str(number), extends=types.url(str(number + 1)))


def altered(types: Types) -> None:
    types.put("card", description="one")
    pinned = {"vct": types.url("card"), "vct#integrity": types.pin("card")}
    types.put("card", description="another", display=DISPLAY)
    types.issuer.edits["payload"] = lambda payload: {**payload, **pinned}


def parent_altered(types: Types) -> None:
    types.put("base", display=DISPLAY)
    types.put("card", extends=types.url("base"), **{"extends#integrity": types.pin("base")})
    types.put("base", display=DISPLAY[:1])


UNUSED: dict[str, tuple[Callable[[Types], None], str]] = {
    "not there": (lambda _types: None, "HTTP 404"),
    "of another type": (lambda types: types.put("card", vct="urn:x"), "of the type 'urn:x'"),
    "no metadata": (lambda types: types.put("card", claims="x"), "/claims"),
    "a path of nothing": (lambda types: types.put("card", claims=[{"path": []}]), "/claims/0"),
    "in a circle": (circle, "circle"),
    "too long a chain": (chain, "too often"),
    "altered": (altered, "pinned"),
    "what it extends altered": (parent_altered, "pinned"),
    "inside": (lambda types: types.put("card", extends="https://10.0.0.1/"), "10.0.0.1"),
}


@pytest.mark.parametrize("name", UNUSED)
async def test_vc_06_what_cannot_be_believed_is_not_used(
    name: str, wallet: Wallet, issuer: Simulator, holder: WillingHolder, types: Types
) -> None:
    spoil, words = UNUSED[name]
    spoil(types)
    card = await got(wallet, issuer, holder)
    outcome, reason = types.report(card)
    assert (outcome, card.look.name) == ("skipped", "Simulated Card")
    assert words in reason
