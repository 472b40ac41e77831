"""Credential issuers of other people, for our wallet."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.interop.authorities import write_authority
from tests.interop.browser import sign_in, visit
from tests.interop.programs import server
from tests.interop.wallet_command import WalletCommand
from tests.support.certificates import TlsAuthority
from tests.support.reference_servers import free_port

BROWSERS = {"openid4vci_issuer": visit, "oidc_provider_issuer": sign_in}


@contextmanager
def issuer(
    program: str, folder: Path, tls: TlsAuthority, **settings: Any
) -> Iterator[tuple[str, Path]]:
    """The issuer's URL, and the anchor of its certificate."""
    anchor, chain = write_authority(folder, "issuer")
    url = f"https://localhost:{free_port()}"
    facts = {"url": url, "tls": str(tls.pem("localhost")), "chain": str(chain), **settings}
    with server(program, facts, NODE_EXTRA_CA_CERTS=str(tls.file)):
        yield url, anchor


@pytest.mark.parametrize(
    ("par", "details"), [(True, False), (False, True)], ids=["pushed-scope", "plain-details"]
)
@pytest.mark.parametrize("program", BROWSERS)
def test_a_credential_of_an_issuer_of_other_people(
    program: str,
    par: bool,
    details: bool,
    tmp_path: Path,
    tls: TlsAuthority,
    wallet: WalletCommand,
) -> None:
    with issuer(program, tmp_path, tls, par=par, details=details) as (url, anchor):
        offer = visit(tls, f"{url}/offer").text
        card = wallet.add(offer, anchor, partial(BROWSERS[program], tls))
    assert (card["name"], card["issuer"]) == ("Library card", "Issuer of other people")
    assert card["credential_issuer"] == url
    labels = {claim["label"]: claim["value"] for claim in card["claims"]}
    assert (labels["Given name"], labels["Reads"]) == ("Zita", "fr, de")
    assert [check["outcome"] for check in card["report"]] == ["passed"] * 8


def test_an_issuer_of_other_people_is_told_that_it_was_accepted(
    tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    with issuer("openid4vci_issuer", tmp_path, tls, par=True, details=False) as (url, anchor):
        offer = visit(tls, f"{url}/offer").text
        wallet.add(offer, anchor, partial(visit, tls))
        [notification] = visit(tls, f"{url}/notifications").json()
    assert notification["event"] == "credential_accepted"
