"""Signed issuer metadata on the way (OpenID4VCI 1.0, sections 12.2.2 and 12.2.3)."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jws
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.holder import WillingHolder
from tests.support.simulator import Authority, Simulator
from wallet.app import Wallet
from wallet.errors import WalletError
from wallet.records import Secret
from wallet.settings import load

PATH = "/.well-known/openid-credential-issuer"


def signing(
    issuer: Simulator, authority: Authority, **claims: Any
) -> Callable[[Request], Awaitable[Response]]:
    """Answers with signed metadata whoever accepts it; a card "Signed" tells it from the other."""

    async def answer(request: Request) -> Response:
        document = issuer.issuer_metadata()
        if "application/jwt" not in request.headers["accept"]:
            return JSONResponse(document)
        now = int(issuer.now().timestamp())
        document["display"] = [{"name": "Signed", "locale": "en"}]
        certificate = authority.leaf.public_bytes(Encoding.DER)
        header = {
            "alg": "ES256",
            "typ": "openidvci-issuer-metadata+jwt",
            "x5c": [base64.b64encode(certificate).decode()],
        }
        registry = jws.JWSRegistry()
        registry.max_header_length = 16_384
        token = jws.serialize_compact(
            header,
            json.dumps({**document, "sub": issuer.url, "iat": now, **claims}),
            ECKey.import_key(authority.leaf_key),
            registry=registry,
        )
        return Response(token, media_type="application/jwt")

    return answer


@asynccontextmanager
async def opened(folder: Path, issuer: Simulator, choice: str) -> AsyncIterator[Wallet]:
    (folder / "root.pem").write_bytes(issuer.authority.pem)
    flags = {
        "data_folder": folder / "wallet",
        "trust_anchor": [str(folder / "root.pem")],
        "key_derivation_ms": "0",
        "loopback_development": True,
        "signed_metadata": choice,
    }
    async with Wallet(load(flags, {})) as wallet:
        await wallet.create(Secret("correct horse"))
        yield wallet


@pytest.mark.parametrize(
    ("choice", "trusted", "name", "asked"),
    [
        ("auto", True, "Signed", 1),
        ("auto", False, "Simulated Issuer", 2),
        ("required", True, "Signed", 1),
        ("never", True, "Simulated Issuer", 1),
    ],
)
async def test_meta_16_signed_metadata_is_preferred_where_it_is_trusted(
    choice: str,
    trusted: bool,
    name: str,
    asked: int,
    issuer: Simulator,
    holder: WillingHolder,
    tmp_path: Path,
) -> None:
    signer = issuer.authority if trusted else Authority("Stranger")
    issuer.answers[PATH] = signing(issuer, signer)
    async with opened(tmp_path, issuer, choice) as wallet:
        await wallet.add(issuer.offer(), holder)
    assert holder.reviews[0].issuer.name == name
    assert [path for path, _ in issuer.requests].count(PATH) == asked


@pytest.mark.parametrize(
    ("choice", "trusted", "claims", "code"),
    [
        ("auto", True, {"exp": 1}, "metadata_signature_invalid"),
        ("auto", True, {"sub": "https://other.example"}, "metadata_signature_invalid"),
        ("auto", True, {"credential_issuer": "https://other.example"}, "issuer_mismatch"),
        ("required", False, {}, "metadata_signer_untrusted"),
    ],
)
async def test_meta_16_no_way_round_a_signature(
    choice: str,
    trusted: bool,
    claims: Any,
    code: str,
    issuer: Simulator,
    holder: WillingHolder,
    tmp_path: Path,
) -> None:
    signer = issuer.authority if trusted else Authority("Stranger")
    issuer.answers[PATH] = signing(issuer, signer, **claims)
    async with opened(tmp_path, issuer, choice) as wallet:
        with pytest.raises(WalletError) as caught:
            await wallet.add(issuer.offer(), holder)
    assert caught.value.code == code
    assert [path for path, _ in issuer.requests] == [PATH]


async def test_meta_16_required_and_not_signed(
    issuer: Simulator, holder: WillingHolder, tmp_path: Path
) -> None:
    async with opened(tmp_path, issuer, "required") as wallet:
        with pytest.raises(WalletError) as caught:
            await wallet.add(issuer.offer(), holder)
    assert caught.value.code == "metadata_unsigned"
