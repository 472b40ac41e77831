"""panva's oidc-provider as authorization server in front of our issuer, for our wallet."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from reference_servers.demo.people import PEOPLE, write_seeds
from tests.interop.browser import sign_in
from tests.interop.programs import server
from tests.interop.wallet_command import WalletCommand
from tests.support.certificates import TlsAuthority
from tests.support.reference_servers import ReferenceServers, free_port, issuer_settings, program


@contextmanager
def issuer(folder: Path, tls: TlsAuthority, **settings: object) -> Iterator[ReferenceServers]:
    """Our issuer behind an authorization server of the given settings."""
    folder.mkdir()
    _, datasets = write_seeds(folder)
    ours = f"http://127.0.0.1:{free_port()}"
    theirs = f"https://localhost:{free_port()}"
    both = ReferenceServers(folder, ours, theirs)
    flags = issuer_settings(both, datasets) | {"ca-file": str(tls.file)}
    if settings["tokens"] == "opaque":
        (folder / "client").write_text("credential-issuer:secret-of-the-issuer\n")
        flags["introspection-file"] = str(folder / "client")
    facts = {"url": theirs, "tls": str(tls.pem("localhost")), "issuer": ours, "dpop": True}
    with server("oidc_provider", facts | settings), program("credential_issuer", flags):
        yield both


@pytest.mark.parametrize(
    ("tokens", "par", "details"),
    [("jwt", True, True), ("jwt", False, False), ("opaque", True, False), ("opaque", False, True)],
)
def test_a_credential_by_an_authorization_server_of_other_people(
    tokens: str, par: bool, details: bool, tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    erika = partial(sign_in, tls, subject=PEOPLE[0].subject)
    with issuer(tmp_path / "servers", tls, tokens=tokens, par=par, details=details) as servers:
        [card] = wallet.add(servers.offer("pid"), servers.ca_pem, erika)["credentials"]
    labels = {claim["label"]: claim["value"] for claim in card["claims"]}
    assert labels["Given name"] == "Erika"
    assert card["credential_issuer"] == servers.issuer_url
    assert {check["outcome"] for check in card["report"]} == {"passed"}


def test_the_holder_cancels_at_an_authorization_server_of_other_people(
    tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    cancel = partial(sign_in, tls, agree=False)
    with issuer(tmp_path / "servers", tls, tokens="jwt", par=True, details=True) as servers:
        offer = ("add", servers.offer("pid"), "--yes", "--no-browser")
        code, answer = wallet(*offer, browser=cancel)
    assert (code, answer["error"]["code"]) == (3, "access_denied")
