"""Settings and clients of the authorization server, good and bad."""

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from reference_servers.authorization_server.application import prepare
from reference_servers.authorization_server.database import Client
from reference_servers.authorization_server.settings import HAIP, Settings
from reference_servers.configuration import configured

KEY = ECKey.generate_key("P-256")
PUBLIC = KEY.as_dict(private=False)


def settings(*flags: str) -> Settings:
    return configured(Settings, "program", "PREFIX_", flags)


@pytest.mark.parametrize(
    ("flag", "word"),
    [
        ("--profile=loose", "profile"),
        ("--grant-types=[]", "grant_types"),
        ('--grant-types=["password"]', "grant_types.0"),
        ("--client-authentication=[]", "client_authentication"),
        ('--client-authentication=["client_secret_basic"]', "client_authentication.0"),
        ("--request-uri-lifetime-s=600", "request_uri_lifetime_s"),
        ("--pre-authorized-code-lifetime-s=601", "pre_authorized_code_lifetime_s"),
        ("--tx-code-tries=0", "tx_code_tries"),
        ("--tx-code-tries=11", "tx_code_tries"),
        ("--refresh-token-lifetime-s=-1", "refresh_token_lifetime_s"),
        ("--no-offer-pushed-authorization-requests", "require_pushed_authorization_requests"),
        ("--fault=nonce-missing", "the credential issuer's"),
    ],
)
def test_bad_settings(flag: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        settings(flag)
    assert word in capsys.readouterr().err


def test_haip_is_stronger_than_what_is_set_beside_it() -> None:
    found = settings("--profile=haip", "--no-require-dpop", "--anonymous-access")
    for name, value in HAIP.items():
        assert getattr(found, name) == value
    assert settings("--no-require-dpop").require_dpop is False


def test_attestations_need_anchors(tmp_path: Path) -> None:
    assert settings().methods == ["private_key_jwt", "none"]
    anchors = f"--client-attestation-anchors-file={tmp_path}"
    assert settings(anchors).methods == ["attest_jwt_client_auth", "private_key_jwt", "none"]
    only = '--client-authentication=["attest_jwt_client_auth"]'
    assert settings(anchors, only).methods == ["attest_jwt_client_auth"]


def registered(tmp_path: Path, *clients: dict[str, Any]) -> list[Client]:
    file = tmp_path / "clients.json"
    file.write_text(json.dumps(clients))
    sessions, _ = prepare(settings(f"--data-dir={tmp_path}", f"--clients-file={file}"))
    with sessions() as db:
        return list(db.query(Client).order_by(Client.client_id))


def test_clients_are_registered_and_changed_by_the_file(tmp_path: Path) -> None:
    keyed = {"methods": ["private_key_jwt"], "jwks": {"keys": [PUBLIC]}}
    one, wallet = registered(tmp_path, {"client_id": "a", "name": "A", **keyed})
    assert (one.client_id, one.methods, one.native) == ("a", ["private_key_jwt"], False)
    assert (wallet.client_id, wallet.native) == ("oid4vci-wallet", True)
    one, _ = registered(tmp_path, {"client_id": "a", "name": "B"})
    assert (one.name, one.methods, one.jwks) == ("B", ["none"], {})


@pytest.mark.parametrize(
    "members",
    [
        {"methods": ["private_key_jwt"]},
        {"methods": ["private_key_jwt"], "jwks": {"keys": []}},
        {"methods": ["client_secret_basic"]},
        {"jwks": {"keys": [KEY.as_dict(private=True)]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VudGluZWw"}]}},
        {"jwks": {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]}},
        {"jwks": {"keys": "x"}},
        {"name": None},
    ],
)
def test_bad_clients_are_told_without_their_keys(members: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"clients\.json") as refused:
        registered(tmp_path, {"client_id": "a", "name": "A", **members})
    assert str(KEY.as_dict(private=True)["d"]) not in str(refused.value)
