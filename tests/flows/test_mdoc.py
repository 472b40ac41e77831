"""A mobile document over real HTTP, from its offer to what the terminal shows of it."""

import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from PIL import Image as Pillow

from tests.support.holder import WillingHolder
from tests.support.mdocs import (
    DOC_TYPE,
    ELEMENTS,
    NAMESPACE,
    Certified,
    Issuance,
    certified,
)
from tests.support.simulator import Simulator, simulated
from tests.support.wallets import fresh_wallet
from wallet.app import Wallet
from wallet.errors import VerificationFailed
from wallet.records import Card, Claim, Image
from wallet.strict import base64url


def portrait() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (30, 40), "navy").save(out, "JPEG")
    return out.getvalue()


class MobileIssuer(Simulator):
    """Issues driving licences; `document` bends them before they are made."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        now = datetime.now(UTC)
        days: dict[str, Any] = {"begins": now - timedelta(days=1), "ends": now + timedelta(days=30)}
        root = Certified(self.authority.certificate, self.authority.key)
        self.signer = certified("Signer", root, **days)

    def configuration(self, name: str) -> dict[str, Any]:
        def described(*path: str | int | None, label: str = "") -> dict[str, Any]:
            return {"path": [NAMESPACE, *path], "display": [{"name": label}] if label else []}

        return {
            "format": "mso_mdoc",
            "doctype": DOC_TYPE,
            "scope": name,
            "credential_signing_alg_values_supported": [-7, -9],
            "cryptographic_binding_methods_supported": ["cose_key"],
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
            "credential_metadata": {
                "display": [{"name": "Driving Licence", "locale": "en"}],
                "claims": [
                    {**described("family_name", label="Surname"), "mandatory": True},
                    described("given_name"),
                    described("driving_privileges", label="Categories"),
                    described("driving_privileges", None, "issue_date", label="Since"),
                ],
            },
        }

    def credential(self, holder_jwk: dict[str, str], name: str = "card") -> str:
        key = {1: 2, -1: 1, -2: base64url(holder_jwk["x"]), -3: base64url(holder_jwk["y"])}
        elements = {**ELEMENTS, "portrait": portrait()}
        now = self.now().replace(microsecond=0)
        made = Issuance([self.signer], key, {NAMESPACE: elements}, now=now)
        return str(self.edited("document", made).text())


@pytest.fixture
def issuer() -> Iterator[MobileIssuer]:
    with simulated(MobileIssuer) as simulator:
        yield simulator


@pytest.fixture
async def wallet(tmp_path: Path, issuer: MobileIssuer) -> AsyncIterator[Wallet]:
    async with fresh_wallet(tmp_path, issuer.authority.pem) as wallet:
        yield wallet


def tree(claims: tuple[Claim, ...]) -> dict[str, Any]:
    return {
        claim.label: tree(claim.value) if isinstance(claim.value, tuple) else claim.value
        for claim in claims
    }


async def test_fmt_02_a_driving_licence_and_its_card(
    wallet: Wallet, issuer: MobileIssuer, holder: WillingHolder
) -> None:
    received = await wallet.add(issuer.pre_authorized_offer(), holder)
    [card] = received.cards
    assert (card.format, card.type, card.look.name) == ("mso_mdoc", DOC_TYPE, "Driving Licence")
    assert card.trusted_by == "Simulated Root"
    assert [check.outcome for check in card.report.checks] == ["passed"] * 11
    shown = tree(card.claims)
    assert list(shown)[:3] == ["Surname", "Given name", "Categories"]
    assert shown["Surname"] == "Quark-Sentinel"
    assert shown["Birth date"] == "1990-02-03"
    assert shown["Categories"] == {
        "1": {"Since": "2010-01-01", "Vehicle category code": "B", "Codes": {"1": {"Code": "01"}}}
    }
    assert isinstance(shown["Portrait"], Image)
    assert shown["Age over 18"] == "Yes"
    assert await wallet.cards() == (card,)


async def test_several_copies_each_with_its_key(
    tmp_path: Path, issuer: MobileIssuer, holder: WillingHolder
) -> None:
    issuer.batch_size = 3
    async with fresh_wallet(tmp_path, issuer.authority.pem, batch="3") as wallet:
        [card] = (await wallet.add(issuer.offer(), holder)).cards
    assert card.copies == len(issuer.bound) == 3


async def test_mdo_04_another_document_than_was_asked_for_is_not_kept(
    wallet: Wallet, issuer: MobileIssuer, holder: WillingHolder
) -> None:
    def other(made: Issuance) -> Issuance:
        made.doc_type = "org.iso.18013.5.1.mVRC"
        return made

    issuer.edits["document"] = other
    with pytest.raises(VerificationFailed) as caught:
        await wallet.add(issuer.pre_authorized_offer(), holder)
    assert caught.value.code == "doctype_mismatch"
    assert await wallet.cards() == ()


async def test_mdo_06_one_for_another_key_is_not_kept(
    wallet: Wallet, issuer: MobileIssuer, holder: WillingHolder
) -> None:
    def other(made: Issuance) -> Issuance:
        made.device_key = {**(made.device_key or {}), -2: bytes(32)}
        return made

    issuer.edits["document"] = other
    with pytest.raises(VerificationFailed) as caught:
        await wallet.add(issuer.pre_authorized_offer(), holder)
    assert caught.value.code == "key_binding_mismatch"


async def test_values_of_every_kind_are_kept_as_they_were_shown(
    wallet: Wallet, issuer: MobileIssuer, holder: WillingHolder
) -> None:
    """What JSON cannot hold would otherwise be lost on the way through the store."""
    odd = {
        "largest": 2**64 - 1,
        "least": -(2**64),
        "map": {1: b"\0", "a": [None, True, cbor2.CBORTag(1004, "2026-01-01")]},
        "picture": b"\0\0\0\x0cjP  \r\n\x87\n",
    }

    def more(made: Issuance) -> Issuance:
        made.elements = {NAMESPACE: {**ELEMENTS, **odd}, "org.example": {"deep": [[[[1]]]]}}
        return made

    issuer.edits["document"] = more
    [card] = (await wallet.add(issuer.pre_authorized_offer(), holder)).cards
    assert await wallet.cards() == (card,)
    shown = tree(card.claims)
    assert (shown["Largest"], shown["Least"]) == (str(2**64 - 1), str(-(2**64)))
    assert shown["Picture"] == "A file that cannot be shown"
    assert {"1", "A"} == set(shown["Map"])
    assert "Deep" in shown


async def test_what_the_terminal_shows(
    tmp_path: Path, issuer: MobileIssuer, holder: WillingHolder
) -> None:
    async with fresh_wallet(tmp_path, issuer.authority.pem) as wallet:
        [card] = (await wallet.add(issuer.pre_authorized_offer(), holder)).cards
    lines = shown_by_the_command(tmp_path, card)
    assert lines[:4] == [
        "Driving Licence  (valid)",
        f"issued by Simulated Issuer, {issuer.url}",
        "Trusted: Verified, and trusted by Simulated Root.",
        f"received {card.received_at:%Y-%m-%d}",
    ]
    start = lines.index("Surname: Quark-Sentinel")
    assert lines[start : start + 8] == [
        "Surname: Quark-Sentinel",
        "Given name: Zita-Sentinel",
        "Categories:",
        "  1:",
        "    Since: 2010-01-01",
        "    Vehicle category code: B",
        "    Codes:",
        "      1:",
    ]
    assert any(line.startswith("Portrait: (picture, ") for line in lines)
    assert NAMESPACE not in "\n".join(lines).replace(DOC_TYPE, "")
    assert lines[-1] == f"mso_mdoc  {DOC_TYPE}  card  {card.id}"


def shown_by_the_command(folder: Path, card: Card) -> list[str]:
    (folder / "passphrase").write_text("correct horse\n")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "HOME": str(folder),
        "WALLET_DATA_FOLDER": str(folder / "wallet"),
        "WALLET_PASSPHRASE_FILE": str(folder / "passphrase"),
        "WALLET_LANGUAGE": "en",
        "WALLET_KEY_DERIVATION_MS": "0",
    }
    done = subprocess.run(
        [sys.executable, "-m", "wallet", "show", card.id],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
