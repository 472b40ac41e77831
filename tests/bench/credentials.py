"""How long a credential is judged, beside the bare signature in it."""

import hashlib
import json
import random
import statistics
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.bench.rows import Baseline, Row, repeated, seconds
from tests.support.data_integrity import secured
from tests.support.jwts import b64, public_jwk, signed
from tests.support.mdocs import NAMESPACE, Issuance, certified, cose_key
from wallet.credentials.contract import Expected
from wallet.credentials.formats import FORMATS
from wallet.credentials.status.reference import Reference
from wallet.credentials.status.token import JWT, read_status_list_token
from wallet.records import Secret
from wallet.report import Trust
from wallet.trust.holder_keys import did_url
from wallet.trust.issuer import Issuer

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
KEY: Final = ec.generate_private_key(ec.SECP256R1())
HOLDER_KEY: Final = ec.generate_private_key(ec.SECP256R1())
HOLDER: Final = public_jwk(HOLDER_KEY)
CLAIMS: Final = {f"claim_{number}": f"value {number}" for number in range(20)}
BATCH: Final = 100
"""Verifications to a run: one alone is shorter than the clock is exact."""
BATCHES: Final[Mapping[str, int]] = {"ldp_vc": 2}
"""Where one takes half a second."""
PLACES: Final = 1 << 20


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


def mdoc() -> tuple[str, Expected]:
    signer = certified("Signer", key=KEY)
    made = Issuance([signer], cose_key(HOLDER_KEY), {NAMESPACE: CLAIMS}, "example", now=NOW)
    return made.text(), Expected({"doctype": "example"}, (HOLDER,), (), NOW)


def ldp_vc() -> tuple[str, Expected]:
    types = ["VerifiableCredential", "Example"]
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://a.example/#"}],
        "type": types,
        "issuer": "https://issuer.example",
        "credentialSubject": {"id": did_url(HOLDER, "did:jwk").partition("#")[0], **CLAIMS},
    }
    made = secured(document, KEY, "ecdsa-rdfc-2019", created="2026-01-01T00:00:00Z")
    expected = Expected({"credential_definition": {"type": types}}, (HOLDER,), (), NOW)
    return json.dumps(made), expected


def status_list() -> bytes:
    """A token whose list has 2^20 places of two bits, one in a hundred of them not valid."""
    chance = random.Random(1)
    statuses = bytearray(PLACES // 4)
    for place in chance.sample(range(PLACES), PLACES // 100):
        statuses[place // 4] |= 1 << place % 4 * 2
    payload = {
        "sub": "https://issuer.example/status",
        "iat": int(NOW.timestamp()),
        "status_list": {"bits": 2, "lst": b64(zlib.compress(statuses, 9))},
    }
    return signed({"alg": "ES256", "typ": "statuslist+jwt"}, payload, KEY).encode()


MADE: Final[Mapping[str, Callable[[], tuple[str, Expected]]]] = {
    "dc+sd-jwt": sd_jwt_vc,
    "mso_mdoc": mdoc,
    "jwt_vc_json": jwt_vc,
    "ldp_vc": ldp_vc,
}


def credentials(runs: int) -> Iterator[Row]:
    """Judge a credential of 20 claims of each format, whole and in one thread.

    The issuer's key is at hand. Beside it stands an ES256 signature alone, as `cryptography`
    checks it. Each run is the mean of 100 verifications; of `ldp_vc`, which has a process to each,
    of 2. A status list is read, verified, inflated and looked up in.
    """
    signature = KEY.sign(b"message", ec.ECDSA(SHA256()))
    public = KEY.public_key()

    def bare() -> None:
        for _ in range(BATCH):
            public.verify(signature, b"message", ec.ECDSA(SHA256()))

    def each(work: Callable[[], object], batch: int = BATCH) -> list[float]:
        return [one / batch for one in repeated(lambda: seconds(work), runs)]

    baseline = Baseline("ES256 alone", each(bare))
    issuer = Issuer(Trust.UNKNOWN, "", (public_jwk(KEY),), ())
    for name, make in MADE.items():
        batch = BATCHES.get(name, BATCH)
        times = each(partial(judge, name, *make(), issuer, batch), batch)
        rate = 1 / statistics.median(times)
        yield Row(f"{name} of 20 claims, {rate:,.0f} a second", times, baseline)
    token = status_list()

    def check() -> None:
        read = read_status_list_token(token, JWT)
        place = Reference("token", "https://issuer.example/status", PLACES - 1)
        read.verified(issuer, place.uri, NOW).standing(place)

    size = len(token) // 1000
    name = f"a status list of 2^20 places, {size} kB, checked"
    yield Row(name, each(check, 1), baseline)


def judge(name: str, credential: str, expected: Expected, issuer: Issuer, batch: int) -> None:
    """Verify it so many times."""
    secret, verify = Secret(credential), FORMATS[name].verify
    for _ in range(batch):
        verify(secret, issuer, expected)
