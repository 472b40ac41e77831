"""How long a credential is judged, beside the bare signature in it."""

import hashlib
import json
import statistics
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.bench.rows import Baseline, Row, repeated, seconds
from tests.support.jwts import b64, public_jwk, signed
from wallet.credentials.contract import Expected
from wallet.credentials.formats import FORMATS
from wallet.records import Secret
from wallet.report import Trust
from wallet.trust.holder_keys import did_url
from wallet.trust.issuer import Issuer

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
KEY: Final = ec.generate_private_key(ec.SECP256R1())
HOLDER: Final = public_jwk(ec.generate_private_key(ec.SECP256R1()))
CLAIMS: Final = {f"claim_{number}": f"value {number}" for number in range(20)}
BATCH: Final = 100
"""Verifications to a run: one alone is shorter than the clock is exact."""


def sd_jwt_vc() -> tuple[str, Expected]:
    disclosures = [
        b64(json.dumps([f"a salt of 128 bits {name}", name, value]).encode())
        for name, value in CLAIMS.items()
    ]
    payload = {
        "iss": "https://issuer.example",
        "vct": "urn:example:type",
        "cnf": {"jwk": HOLDER},
        "_sd": [b64(hashlib.sha256(one.encode()).digest()) for one in disclosures],
    }
    jwt = signed({"alg": "ES256", "typ": "dc+sd-jwt"}, payload, KEY)
    expected = Expected({"vct": "urn:example:type"}, (HOLDER,), (), NOW)
    return "~".join([jwt, *disclosures, ""]), expected


def jwt_vc() -> tuple[str, Expected]:
    did = did_url(HOLDER, "did:jwk").partition("#")[0]
    types = ["VerifiableCredential", "Example"]
    payload = {
        "iss": "https://issuer.example",
        "sub": did,
        "nbf": int(NOW.timestamp()),
        "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": types,
            "credentialSubject": {"id": did, **CLAIMS},
        },
    }
    expected = Expected({"credential_definition": {"type": types}}, (HOLDER,), (), NOW)
    return signed({"alg": "ES256", "typ": "JWT"}, payload, KEY), expected


MADE: Final[Mapping[str, Callable[[], tuple[str, Expected]]]] = {
    "dc+sd-jwt": sd_jwt_vc,
    "jwt_vc_json": jwt_vc,
}


def credentials(runs: int) -> Iterator[Row]:
    """Judge a credential of 20 claims of each format, whole and in one thread.

    The issuer's key is at hand. Beside it stands an ES256 signature alone, as `cryptography`
    checks it. Each run is the mean of 100 verifications.
    """
    signature = KEY.sign(b"message", ec.ECDSA(SHA256()))
    public = KEY.public_key()

    def bare() -> None:
        for _ in range(BATCH):
            public.verify(signature, b"message", ec.ECDSA(SHA256()))

    def each(work: Callable[[], object]) -> list[float]:
        return [one / BATCH for one in repeated(lambda: seconds(work), runs)]

    baseline = Baseline("ES256 alone", each(bare))
    issuer = Issuer(Trust.UNKNOWN, "", (public_jwk(KEY),), ())
    for name, make in MADE.items():
        times = each(partial(judge, name, *make(), issuer))
        rate = 1 / statistics.median(times)
        yield Row(f"{name} of 20 claims, {rate:,.0f} a second", times, baseline)


def judge(name: str, credential: str, expected: Expected, issuer: Issuer) -> None:
    """Verify it so many times."""
    secret, verify = Secret(credential), FORMATS[name].verify
    for _ in range(BATCH):
        verify(secret, issuer, expected)
