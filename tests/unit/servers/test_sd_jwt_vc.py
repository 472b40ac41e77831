"""What the issuer signs: nothing of a person in clear, each claim disclosed by itself."""

import base64
import hashlib
import json
import time
from typing import Any

import pytest

from reference_servers.credential_issuer.certificates import SigningKey, signing_key
from reference_servers.credential_issuer.database import Base
from reference_servers.credential_issuer.sd_jwt_vc import issue, lifetime
from reference_servers.storage import open_database

CLAIMS = {
    "given_name": "Erika",
    "address": {"country": "DE", "lines": ["a", "b"]},
    "degrees": [{"title": "M.Sc.", "by": {"name": "University"}}, {"title": "B.Sc."}],
    "empty": {},
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    folder = tmp_path_factory.mktemp("issuer")
    sessions = open_database(f"sqlite:///{folder / 'state.db'}", Base)
    return signing_key(sessions, "https://issuer.example", folder)


def credential(key: SigningKey, claims: dict[str, Any]) -> str:
    issued_at, expires_at = lifetime(30)
    return issue(
        claims,
        registered={
            "iss": "https://issuer.example",
            "iat": issued_at,
            "exp": expires_at,
            "vct": "urn:example:pid:1",
        },
        holder_jwk={"kty": "EC", "crv": "P-256", "x": "x", "y": "y"},
        key=key,
    )


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def revealed(value: Any, disclosures: dict[str, list[Any]]) -> Any:
    """RFC 9901, section 7.1, by hand; every disclosure is used once."""
    if isinstance(value, list):
        elements = []
        for element in value:
            named = isinstance(element, dict) and set(element) == {"..."}
            plain = disclosures.pop(element["..."])[1] if named else element
            elements.append(revealed(plain, disclosures))
        return elements
    if isinstance(value, dict):
        members = {n: revealed(v, disclosures) for n, v in value.items() if n != "_sd"}
        for digest in value.get("_sd", []):
            _, name, member = disclosures.pop(digest)
            assert name not in members
            members[name] = revealed(member, disclosures)
        return members
    return value


def test_every_claim_is_disclosed_by_itself(key: SigningKey) -> None:
    signed, *rest = credential(key, CLAIMS).split("~")
    assert rest.pop() == ""
    payload = decoded(signed.split(".")[1])
    clear = {"iss", "iat", "exp", "vct", "cnf", "_sd", "_sd_alg"}
    assert set(payload) == clear
    assert payload["_sd_alg"] == "sha-256"
    assert payload["_sd"] == sorted(payload["_sd"])  # its order tells nothing
    by_digest = {
        base64.urlsafe_b64encode(hashlib.sha256(one.encode()).digest()).rstrip(b"=").decode():
        decoded(one) for one in rest
    }  # fmt: skip
    names = [one[1] for one in by_digest.values() if len(one) == 3]
    once = ["given_name", "address", "country", "lines", "degrees", "by", "name", "empty"]
    assert sorted(names) == sorted([*once, "title", "title"])
    assert len({one[0] for one in by_digest.values()}) == len(rest)  # salts
    whole = revealed(payload, by_digest)
    assert {name: whole[name] for name in CLAIMS} == CLAIMS
    assert by_digest == {}


def test_times_say_nothing_of_the_request(key: SigningKey) -> None:
    payload = decoded(credential(key, {}).split(".")[1])
    assert payload["iat"] % 3600 == 0
    assert 0 <= time.time() - payload["iat"] < 3600 + 60
    assert payload["exp"] == payload["iat"] + 30 * 86_400


@pytest.mark.parametrize("name", ["iss", "cnf", "vct", "exp", "_sd", "_sd_alg", "...", "status"])
def test_reserved_names(name: str, key: SigningKey) -> None:
    for claims in ({name: 1}, {"a": {name: 1}}, {"a": [{name: 1}]}):
        with pytest.raises(ValueError, match="reserved claim names"):
            credential(key, claims)
