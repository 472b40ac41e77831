"""DPoP proofs that are right, wrong, old, and used before (RFC 9449, section 4.3)."""

import base64
import hashlib
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey
from sqlalchemy.orm import DeclarativeBase

from reference_servers.dpop import Dpop, DpopError, SeenProof
from reference_servers.storage import open_database

URL = "https://issuer.example/credential"
KEY = ECKey.generate_key("P-256")
TOKEN = "an.access.token"


def b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


ATH = b64url(hashlib.sha256(TOKEN.encode()).digest())


class Tables(DeclarativeBase):
    pass


class Seen(SeenProof, Tables):
    __tablename__ = "seen"


@pytest.fixture
def dpop(tmp_path: Path) -> Dpop:
    return server(tmp_path, nonce_required=False)


def server(folder: Path, *, nonce_required: bool) -> Dpop:
    sessions = open_database(f"sqlite:///{folder / 'state.db'}", Tables)
    return Dpop(sessions, Seen, b"secret", nonce_required=nonce_required)


def proof(
    header: dict[str, Any] | None = None, key: ECKey = KEY, alg: str = "ES256", **changes: Any
) -> str:
    """A proof made by hand: no library stands between the test and the octets."""
    whole = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False), **(header or {})}
    claims = {
        "jti": secrets.token_urlsafe(16),
        "htm": "POST",
        "htu": URL,
        "iat": int(time.time()),
        "ath": ATH,
        **changes,
    }
    signed = ".".join(
        b64url(json.dumps({n: v for n, v in part.items() if v is not None}).encode())
        for part in (whole, claims)
    )
    hashed = {"ES256": hashes.SHA256(), "ES384": hashes.SHA384()}[alg]
    assert key.private_key
    numbers = decode_dss_signature(key.private_key.sign(signed.encode(), ec.ECDSA(hashed)))
    size = {"ES256": 32, "ES384": 48}[alg]
    return f"{signed}.{b64url(b''.join(n.to_bytes(size, 'big') for n in numbers))}"


def check(dpop: Dpop, *proofs: str, token: str | None = TOKEN) -> str:
    return dpop.thumbprint(proofs, method="POST", url=URL, access_token=token)


def refused(dpop: Dpop, *proofs: str) -> str:
    with pytest.raises(DpopError) as error:
        check(dpop, *proofs)
    assert not set(error.value.description) & set('"\\')
    return error.value.error


def test_a_good_proof_names_its_key(dpop: Dpop) -> None:
    assert check(dpop, proof()) == KEY.thumbprint()
    other = ECKey.generate_key("P-384")
    assert check(dpop, proof(key=other, alg="ES384")) == other.thumbprint()


@pytest.mark.parametrize(
    "htu",
    [
        f"{URL}?query=1#fragment",
        "HTTPS://Issuer.Example/credential",
        "https://issuer.example:443/credential",
    ],
)
def test_the_address_is_compared_without_query_and_normalized(htu: str, dpop: Dpop) -> None:
    assert check(dpop, proof(htu=htu))


@pytest.mark.parametrize("ahead", [-50, 9, 50])
def test_haip_09_clocks_may_differ(ahead: int, dpop: Dpop) -> None:
    assert check(dpop, proof(iat=int(time.time()) + ahead))


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_haip_09_a_nonce_tells_the_time_in_place_of_a_wrong_clock(
    ahead: int, tmp_path: Path
) -> None:
    """RFC 9449, section 4.3, item 11: by `iat`, or a time of the server in the nonce."""
    dpop = server(tmp_path, nonce_required=True)
    once = proof(iat=int(time.time()) + ahead, nonce=dpop.nonce())
    assert check(dpop, once)
    assert refused(dpop, once) == "invalid_dpop_proof"
    assert refused(dpop, proof(iat=None, nonce=dpop.nonce())) == "invalid_dpop_proof"


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": None}, {}),
        ({"jwk": None}, {}),
        ({"jwk": "key"}, {}),
        ({"jwk": KEY.as_dict(private=True)}, {}),
        ({"jwk": ECKey.generate_key("P-256").as_dict(private=False)}, {}),
        ({"jwk": ECKey.generate_key("P-384").as_dict(private=False)}, {}),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, {}),
        ({"jwk": {"kty": "OKP", "crv": "X25519", "x": "AAAA"}}, {}),
        ({}, {"jti": None}),
        ({}, {"jti": ""}),
        ({}, {"jti": 7}),
        ({}, {"jti": "x" * 600}),
        ({}, {"htm": "GET"}),
        ({}, {"htm": "post"}),
        ({}, {"htm": None}),
        ({}, {"htu": None}),
        ({}, {"htu": "https://issuer.example/nonce"}),
        ({}, {"htu": "https://issuer.example/credential/"}),
        ({}, {"htu": "http://issuer.example/credential"}),
        ({}, {"htu": "https://issuer.example:444/credential"}),
        ({}, {"htu": "https://[issuer"}),
        ({}, {"ath": None}),
        ({}, {"ath": "AAAA"}),
        ({}, {"iat": None}),
        ({}, {"iat": True}),
        ({}, {"iat": int(time.time()) - 4000}),
        ({}, {"iat": int(time.time()) + 4000}),
    ],
)
def test_wrong_proofs(header: dict[str, Any], changes: dict[str, Any], dpop: Dpop) -> None:
    assert refused(dpop, proof(header, **changes)) == "invalid_dpop_proof"


@pytest.mark.parametrize("value", ["", "hello", "a.b.c", "\u00e9", "." * 3, "x" * 200_000])
def test_no_proof(value: str, dpop: Dpop) -> None:
    assert refused(dpop, value) == "invalid_dpop_proof"


def test_exactly_one_proof(dpop: Dpop) -> None:
    assert refused(dpop) == "invalid_dpop_proof"
    assert refused(dpop, proof(), proof()) == "invalid_dpop_proof"


def test_a_signature_that_was_changed(dpop: Dpop) -> None:
    head, payload, _ = proof().split(".")
    other = proof(jti="another").split(".")[2]
    assert refused(dpop, f"{head}.{payload}.{other}") == "invalid_dpop_proof"
    assert refused(dpop, f"{head}.{payload}.") == "invalid_dpop_proof"


def test_a_proof_is_good_once_in_a_race(dpop: Dpop) -> None:
    one = proof()

    def attempt(_: int) -> bool:
        try:
            return bool(check(dpop, one))
        except DpopError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 1


def test_two_keys_may_choose_one_jti(dpop: Dpop) -> None:
    assert check(dpop, proof(jti="same"))
    assert check(dpop, proof(key=ECKey.generate_key("P-256"), jti="same"))


def test_without_an_access_token_no_hash_is_needed(dpop: Dpop) -> None:
    assert check(dpop, proof(ath=None), token=None)


def test_haip_01_a_nonce_is_demanded_and_lasts_two_stretches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dpop = server(tmp_path, nonce_required=True)
    assert refused(dpop, proof()) == "use_dpop_nonce"
    assert refused(dpop, proof(nonce="invented")) == "use_dpop_nonce"
    assert refused(dpop, proof(nonce=7)) == "use_dpop_nonce"
    nonce, now = dpop.nonce(), time.time()
    assert check(dpop, proof(nonce=nonce))
    restarted = server(tmp_path, nonce_required=True)
    assert check(restarted, proof(nonce=nonce))
    monkeypatch.setattr(time, "time", lambda: now + 120)
    assert dpop.nonce() != nonce
    assert check(dpop, proof(nonce=nonce))
    monkeypatch.setattr(time, "time", lambda: now + 240)
    assert refused(dpop, proof(nonce=nonce)) == "use_dpop_nonce"


def test_a_nonce_that_was_not_asked_for_is_still_checked(dpop: Dpop) -> None:
    assert check(dpop, proof(nonce=dpop.nonce()))
    assert refused(dpop, proof(nonce="invented")) == "use_dpop_nonce"
