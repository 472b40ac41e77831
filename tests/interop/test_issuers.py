"""Credential issuers of other people, for our wallet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

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


def nobody(url: str) -> None:
    """The browser where nobody signs in."""
    raise AssertionError(url)


def check(answer: Any, *, copies: int = 1) -> None:
    """The card is there, and all of it is right."""
    [card] = answer["credentials"]
    assert (answer["pending"], answer["failed"]) == (None, [])
    assert (card["name"], card["issuer"]) == ("Library card", "Issuer of other people")
    labels = {claim["label"]: claim["value"] for claim in card["claims"]}
    assert (labels["Given name"], labels["Reads"]) == ("Zita", "fr, de")
    outcomes = [check["outcome"] for check in card["report"]]
    assert set(outcomes) <= {"passed", "skipped"}
    assert outcomes.count("passed") >= 8
    assert card["copies"] == copies


@pytest.mark.parametrize("program", BROWSERS)
@pytest.mark.parametrize(
    ("par", "details", "dpop"),
    [(True, False, False), (False, True, False), (True, True, True), (False, False, True)],
)
def test_a_credential_of_an_issuer_of_other_people(
    program: str,
    par: bool,
    details: bool,
    dpop: bool,
    tmp_path: Path,
    tls: TlsAuthority,
    wallet: WalletCommand,
) -> None:
    with issuer(program, tmp_path, tls, par=par, details=details, dpop=dpop) as (url, anchor):
        offer = visit(tls, f"{url}/offer").text
        answer = wallet.add(offer, anchor, partial(BROWSERS[program], tls))
    check(answer)
    assert answer["credentials"][0]["credential_issuer"] == url


@pytest.mark.parametrize("program", BROWSERS)
def test_a_pre_authorized_code_and_copies_of_an_issuer_of_other_people(
    program: str, tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    with issuer(program, tmp_path, tls, par=True, details=False, dpop=True) as (url, anchor):
        offer = visit(tls, f"{url}/offer?grant=pre-authorized_code&tx_code=0123").text
        answer = wallet.add(offer, anchor, nobody, "--tx-code", "0123", "--batch", "3")
    check(answer, copies=3)


@pytest.mark.parametrize("program", BROWSERS)
def test_a_wrong_transaction_code_at_an_issuer_of_other_people(
    program: str, tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    with issuer(program, tmp_path, tls, par=True, details=False, dpop=False) as (url, _):
        offer = visit(tls, f"{url}/offer?grant=pre-authorized_code&tx_code=0123").text
        way = ("add", offer, "--yes", "--tx-code", "9999")
        code, answer = wallet(*way, browser=nobody)
    assert (code, answer["error"]["code"]) == (6, "transaction_code_refused"), answer


def provided_by(provider: Path) -> tuple[str, ...]:
    """The settings of a wallet whose provider has this key and certificate."""
    return (
        *("--wallet-provider", "development"),
        *("--wallet-provider-key", str(provider)),
        *("--wallet-provider-chain", str(provider)),
    )


@pytest.mark.parametrize(
    "authentication", ["attest_jwt_client_auth", "attest_jwt_client_auth_dpop"]
)
def test_an_issuer_of_other_people_knows_the_wallet_by_its_attestation(
    authentication: str, tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    _, provider = write_authority(tmp_path, "wallet-provider")
    known = {"par": True, "details": False, "dpop": True, "authentication": authentication}
    known["provider"] = str(provider)
    with issuer("oidc_provider_issuer", tmp_path, tls, **known) as (url, anchor):
        offer = visit(tls, f"{url}/offer").text
        check(wallet.add(offer, anchor, partial(sign_in, tls), *provided_by(provider)))


@pytest.mark.parametrize("kind", ["jwt", "attestation"])
def test_an_issuer_of_other_people_wants_the_keys_attested(
    kind: str, tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    _, provider = write_authority(tmp_path, "wallet-provider")
    attested = {
        "proof_signing_alg_values_supported": ["ES256"],
        "key_attestations_required": {"key_storage": ["iso_18045_moderate"]},
    }
    settings = {
        "par": True,
        "details": False,
        "dpop": True,
        "provider": str(provider),
        "configuration": {"proof_types_supported": {kind: attested}},
    }
    with issuer("oidc_provider_issuer", tmp_path, tls, **settings) as (url, anchor):
        offer = visit(tls, f"{url}/offer?grant=pre-authorized_code").text
        copies = ("--batch", "2", *provided_by(provider))
        check(wallet.add(offer, anchor, nobody, *copies), copies=2)


def test_an_issuer_of_other_people_knows_the_wallet_by_its_key(
    tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    key = ECKey.generate_key("P-256", {"kid": "wallet"})
    (tmp_path / "key.json").write_text(json.dumps(key.as_dict(private=True)))
    known = {"par": True, "details": True, "dpop": True, "client_jwk": key.as_dict(private=False)}
    with issuer("oidc_provider_issuer", tmp_path, tls, **known) as (url, anchor):
        offer = visit(tls, f"{url}/offer").text
        own = ("--client-key", str(tmp_path / "key.json"))
        check(wallet.add(offer, anchor, partial(sign_in, tls), *own))


def test_an_issuer_of_other_people_issues_anew(
    tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    settings = {"par": True, "details": False, "dpop": True}
    with issuer("oidc_provider_issuer", tmp_path, tls, **settings) as (url, anchor):
        offer = visit(tls, f"{url}/offer").text
        [card] = wallet.add(offer, anchor, partial(sign_in, tls))["credentials"]
        again = ("refresh", card["id"], "--trust-anchor", str(anchor))
        code, answer = wallet(*again, browser=nobody)
    assert code == 0, answer
    check(answer)
    assert answer["credentials"][0]["credential"] != card["credential"]


def test_a_deferred_credential_of_an_issuer_of_other_people(
    tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    later = {"par": True, "details": False, "dpop": True, "deferred": True}
    with issuer("openid4vci_issuer", tmp_path, tls, **later) as (url, anchor):
        offer = visit(tls, f"{url}/offer?grant=pre-authorized_code").text
        answer = wallet.add(offer, anchor, nobody)
        while answer["pending"]:
            trusted = ("--trust-anchor", str(anchor))
            code, news = wallet("pending", "--check", *trusted, browser=nobody)
            assert code == 0, news
            [answer] = news["received"] or [answer]
    check(answer)


def test_an_issuer_of_other_people_is_told_that_it_was_accepted(
    tmp_path: Path, tls: TlsAuthority, wallet: WalletCommand
) -> None:
    settings = {"par": True, "details": False, "dpop": False}
    with issuer("openid4vci_issuer", tmp_path, tls, **settings) as (url, anchor):
        offer = visit(tls, f"{url}/offer").text
        wallet.add(offer, anchor, partial(visit, tls))
        [notification] = visit(tls, f"{url}/notifications").json()
    assert notification["event"] == "credential_accepted"
