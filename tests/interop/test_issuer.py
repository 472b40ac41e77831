"""@openid4vc/openid4vci as credential issuer, for our wallet."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from tests.interop.programs import server
from tests.interop.wallet_command import WalletCommand
from tests.support.certificates import TlsAuthority
from tests.support.reference_servers import free_port
from tests.support.simulator import Authority


def get(tls: TlsAuthority, url: str) -> httpx.Response:
    """Open a page and go where it leads, as a browser does."""
    trusted = ssl.create_default_context(cafile=tls.file)
    answer = httpx.get(url, verify=trusted, trust_env=False, follow_redirects=True)
    return answer.raise_for_status()


@contextmanager
def issuer(folder: Path, tls: TlsAuthority, **settings: Any) -> Iterator[str]:
    """The issuer's URL; its authority's certificate is `anchor.pem` in `folder`."""
    authority = Authority("Interop Root")
    (folder / "anchor.pem").write_bytes(authority.pem)
    key = authority.leaf_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain = folder / "chain.pem"
    chain.write_bytes(key + authority.leaf.public_bytes(serialization.Encoding.PEM))
    url = f"https://localhost:{free_port()}"
    facts = {"url": url, "tls": str(tls.pem("localhost")), "chain": str(chain), **settings}
    with server("issuer", facts, NODE_EXTRA_CA_CERTS=str(tls.file)):
        yield url


@pytest.mark.parametrize("details", [True, False], ids=["details", "scope"])
@pytest.mark.parametrize("par", [True, False], ids=["pushed", "plain"])
def test_a_credential_of_an_issuer_of_other_people(
    par: bool, details: bool, tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    with issuer(tmp_path, tls, par=par, details=details) as url:
        offer = get(tls, f"{url}/offer").text
        card = wallet.add(offer, tmp_path / "anchor.pem", partial(get, tls))
        [notification] = get(tls, f"{url}/notifications").json()
    assert (card["name"], card["credential_issuer"]) == ("Library card", url)
    labels = {claim["label"]: claim["value"] for claim in card["claims"]}
    assert labels["Given name"] == "Zita"
    assert [check["outcome"] for check in card["report"]] == ["passed"] * 8
    assert notification["event"] == "credential_accepted"
