"""Issuers that are called by a DID (did:jwk; did:key; did:web)."""

from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey

from tests.vectors import vector
from wallet.oauth.jwt import thumbprint
from wallet.trust.dids import did_web_url, key_of, multikey
from wallet.trust.holder_keys import did_url

PUBLISHED = vector("dids/public_keys.json")["keys"]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one["did"][:20])
def test_the_published_dids(published: Any) -> None:
    found = key_of(published["did"], "")
    assert found
    assert thumbprint(found) == thumbprint(published["jwk"])


def keys() -> list[dict[str, str]]:
    made: list[ECKey | OKPKey] = [
        ECKey.import_key(ec.generate_private_key(ec.SECP256R1())),
        ECKey.import_key(ec.generate_private_key(ec.SECP384R1())),
        OKPKey.import_key(ed25519.Ed25519PrivateKey.generate()),
    ]
    return [
        {name: str(value) for name, value in one.as_dict(private=False).items() if name != "kid"}
        for one in made
    ]


@pytest.mark.parametrize("jwk", keys(), ids=lambda jwk: jwk["crv"])
@pytest.mark.parametrize("method", ["did:jwk", "did:key"])
def test_every_kind_of_key(method: str, jwk: dict[str, str]) -> None:
    url = did_url(jwk, method)
    did, _, fragment = url.partition("#")
    for key_id in ("", url, f"#{fragment}", fragment):
        assert key_of(did, key_id) == jwk
    for other in ("another", f"{did}#another", did_url(PUBLISHED[0]["jwk"], method)):
        with pytest.raises(ValueError, match="no key of it"):
            key_of(did, other)


@pytest.mark.parametrize(
    "did",
    [
        "did:jwk:",
        "did:jwk:e30",
        "did:jwk:W10",
        "did:jwk:AAAA:BBBB",
        "did:key:",
        "did:key:z",
        "did:key:z6Mk",
        "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv:x",
        "did:key:mDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv",
        "did:key:z" + "1" * 3_000,
        "did:jwk:" + "A" * 3_000,
    ],
)
def test_what_is_no_key(did: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - many reasons
        key_of(did, "")


def test_other_methods_are_no_keys() -> None:
    for did in ("did:web:issuer.example", "did:example:1", "did:", "", "https://issuer.example"):
        assert key_of(did, "") is None


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:issuer.example", "https://issuer.example/.well-known/did.json"),
        ("did:web:issuer.example:a:b", "https://issuer.example/a/b/did.json"),
        ("did:web:issuer.example%3A8443", "https://issuer.example:8443/.well-known/did.json"),
        ("did:web:issuer.example%3a8443:a", "https://issuer.example:8443/a/did.json"),
        ("did:web:127.0.0.1%3A80", "http://127.0.0.1:80/.well-known/did.json"),
    ],
)
def test_where_a_did_web_is(did: str, url: str) -> None:
    assert did_web_url(did) == url


@pytest.mark.parametrize(
    "did",
    [
        "did:web:",
        "did:web:issuer.example:",
        "did:web:issuer.example::a",
        "did:web:issuer.example/a",
        "did:web:issuer.example?a",
        "did:web:issuer.example#a",
        "did:web:user@issuer.example",
        "did:web:issuer.example:8443%2Fa",
        "did:web:issuer.example%3A",
        "did:web:issuer.example%3A123456",
        "did:web:issuer.example\n",
        "did:web:ｉssuer.example",
        "did:jwk:issuer.example",
    ],
)
def test_where_no_did_web_is(did: str) -> None:
    with pytest.raises(ValueError, match="no did:web"):
        did_web_url(did)


@given(st.text(alphabet="123456789ABCzyx:#.%-_", max_size=80), st.sampled_from(["key", "jwk"]))
@example("z" + "1" * 40, "key")
def test_anything_else_is_a_value_error(text: str, method: str) -> None:
    with suppress(ValueError):
        assert key_of(f"did:{method}:{text}", "")
    with suppress(ValueError):
        assert multikey(text)
