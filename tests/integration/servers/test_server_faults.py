"""One fault of each place, met by a wallet of the authorization server."""

from collections.abc import Callable
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from tests.integration.servers.client import error_of
from tests.integration.servers.peers import Issuer, Wallet, authorization_server


def metadata_issuer(wallet: Wallet) -> None:
    url = f"{wallet.servers.server_url}/.well-known/oauth-authorization-server"
    assert wallet.http.get(url).json()["issuer"] == "https://elsewhere.example"


def metadata_type(wallet: Wallet) -> None:
    url = f"{wallet.servers.server_url}/.well-known/oauth-authorization-server"
    answer = wallet.http.get(url)
    assert answer.headers["content-type"] == "text/html"
    assert answer.json()["issuer"] == wallet.servers.server_url


def no_request_uri(wallet: Wallet) -> None:
    answer = wallet.par()
    assert (answer.status_code, "request_uri" in answer.json()) == (201, False)


def nonce_forever(wallet: Wallet) -> None:
    wallet.dpop_key = ECKey.generate_key("P-256")
    nonces = set()
    for _ in range(3):
        answer = wallet.par()
        assert error_of(answer) == (400, "use_dpop_nonce")
        nonces.add(answer.headers["dpop-nonce"])
    assert len(nonces) == 3


def no_iss(wallet: Wallet) -> None:
    answer = wallet.authorization_response(wallet.par())
    assert set(answer) == {"code", "state"}


def bearer(wallet: Wallet) -> None:
    wallet.dpop_key = ECKey.generate_key("P-256")
    assert wallet.token(wallet.code()).json()["token_type"] == "Bearer"


def truncated(wallet: Wallet) -> None:
    answer = wallet.token(wallet.code())
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


@pytest.mark.parametrize(
    ("fault", "meets"),
    [
        ("server-metadata-issuer-mismatch", metadata_issuer),
        ("server-metadata-wrong-type", metadata_type),
        ("par-no-request-uri", no_request_uri),
        ("par-nonce-forever", nonce_forever),
        ("redirect-no-iss", no_iss),
        ("token-not-bound", bearer),
        ("token-truncated", truncated),
    ],
)
def test_a_wallet_meets(
    fault: str, meets: Callable[[Wallet], None], issuer: Issuer, tmp_path: Path
) -> None:
    with authorization_server(tmp_path, issuer, fault=fault) as both:
        meets(Wallet(both))
