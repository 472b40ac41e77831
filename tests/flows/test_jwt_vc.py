"""A W3C credential as a JWT, from the offer to the card."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.holder import WillingHolder
from tests.support.jwts import b64, signed, x5c
from tests.support.simulator import CLAIMS, Simulator, simulated
from tests.support.wallets import fresh_wallet
from wallet.errors import PeerBrokeProtocol, VerificationFailed

V1 = "https://www.w3.org/2018/credentials/v1"
TYPES = ["VerifiableCredential", "UniversityDegreeCredential"]


class Universities(Simulator):
    """An issuer of degrees, whose subject is the holder's key.

    Attributes:
        format: The Credential Format Identifier.
        contexts: What its credentials have as `@context`.
    """

    format = "jwt_vc_json"
    contexts: tuple[str, ...] = (V1, "https://university.example/v1")

    def configuration(self, name: str) -> dict[str, Any]:
        linked = {"@context": [V1, "https://university.example/v1"]}
        claims = [
            {"path": ["credentialSubject", "family_name"], "mandatory": True,
             "display": [{"name": "Surname", "locale": "en"}]},
            {"path": ["credentialSubject", "age"]},
        ]  # fmt: skip
        return {
            **{k: v for k, v in super().configuration(name).items() if k != "vct"},
            "format": self.format,
            "credential_definition": {
                "type": TYPES,
                **(linked if self.format == "jwt_vc_json-ld" else {}),
            },
            "credential_metadata": {"display": [{"name": "Degree"}], "claims": claims},
        }

    def credential(self, holder_jwk: dict[str, str], name: str = "card") -> str:
        now = int(self.now().timestamp())
        did = f"did:jwk:{b64(json.dumps(holder_jwk).encode())}"
        claims = {
            "iss": self.url,
            "sub": did,
            "nbf": now,
            "exp": now + 86_400,
            "vc": {
                "@context": list(self.contexts),
                "type": TYPES,
                "credentialSubject": {"id": did, **CLAIMS},
            },
        }
        header = {"alg": "ES256", "typ": "JWT", "x5c": x5c(self.authority.leaf)}
        return signed(header, self.edited("payload", claims), self.authority.leaf_key)


@pytest.fixture
def university() -> Iterator[Universities]:
    with simulated(Universities) as issuer:
        yield issuer


@pytest.mark.parametrize("form", ["jwt_vc_json", "jwt_vc_json-ld"])
async def test_fmt_03_fmt_05_from_offer_to_card(
    form: str, university: Universities, holder: WillingHolder, tmp_path: Path
) -> None:
    university.format = form
    async with fresh_wallet(tmp_path, university.authority.pem) as wallet:
        received = await wallet.add(university.offer(), holder)
        assert received.cards == await wallet.cards()
        stored = await wallet.credential(received.cards[0].id)
        assert stored.reveal() == university.credentials[0]
    [card] = received.cards
    assert (card.format, card.type) == (form, "UniversityDegreeCredential")
    assert (card.look.name, card.trusted_by) == ("Degree", "Simulated Root")
    assert [(claim.label, claim.value) for claim in card.claims] == [
        ("Surname", "Quark-Sentinel"),
        ("Age", "42"),
        ("Given name", "Zita-Sentinel"),
    ]
    assert card.expires_at is not None
    assert card.report.passed


async def test_one_of_another_context_is_not_stored(
    university: Universities, holder: WillingHolder, tmp_path: Path
) -> None:
    university.format, university.contexts = "jwt_vc_json-ld", (V1,)
    async with fresh_wallet(tmp_path, university.authority.pem) as wallet:
        with pytest.raises(VerificationFailed) as caught:
            await wallet.add(university.offer(), holder)
        assert caught.value.code == "vct_mismatch"
        assert await wallet.cards() == ()


@pytest.mark.parametrize(
    ("form", "definition"),
    [
        ("jwt_vc_json", None),
        ("jwt_vc_json", {}),
        ("jwt_vc_json", {"type": []}),
        ("jwt_vc_json", {"type": "VerifiableCredential"}),
        ("jwt_vc_json-ld", {"type": TYPES}),
        ("jwt_vc_json-ld", {"type": TYPES, "@context": []}),
    ],
)
async def test_fmt_03_fmt_05_metadata_that_names_no_type(
    form: str,
    definition: Any,
    university: Universities,
    holder: WillingHolder,
    tmp_path: Path,
) -> None:
    broken = {**university.configuration("card"), "format": form}
    broken["credential_definition"] = definition
    university.edits["issuer_metadata"] = lambda metadata: {
        **metadata,
        "credential_configurations_supported": {"card": broken},
    }
    async with fresh_wallet(tmp_path, university.authority.pem) as wallet:
        with pytest.raises(PeerBrokeProtocol) as caught:
            await wallet.add(university.offer(), holder)
    assert caught.value.code == "metadata_invalid"
