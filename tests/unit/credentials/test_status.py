"""Status lists, as they are read (Token Status List; Bitstring Status List)."""

import base64
import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey

from tests.vectors import vector
from wallet.credentials.status.bitstring import read_bitstring_credential
from wallet.credentials.status.lists import StatusList, inflated
from wallet.credentials.status.reference import Reference, references_of
from wallet.credentials.status.token import CWT, JWT, StatusListToken, read_status_list_token
from wallet.errors import VerificationFailed
from wallet.records import JsonObject, Standing
from wallet.report import Trust
from wallet.strict import base64url, base64url_encode
from wallet.trust.issuer import Issuer

PUBLISHED = vector("token-status-list/vectors.json")
TOKENS = PUBLISHED["tokens"]
URI = "https://example.com/statuslists/1"
THEN = datetime(2024, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
THEIRS = Issuer(
    Trust.ANCHORED,
    "Root",
    (
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
            "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M",
        },
    ),
    (),
)
KEY = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
OURS = Issuer(Trust.ANCHORED, "Root", (KEY.as_dict(private=False),), ())


def place(index: int, purpose: str = "") -> Reference:
    return Reference("bitstring" if purpose else "token", URI, index, purpose)


@pytest.mark.parametrize("listed", PUBLISHED["lists"], ids=lambda one: one["name"])
def test_tsl_04_published_lists(listed: dict[str, Any]) -> None:
    statuses = inflated(base64url(listed["json"]["lst"]), gzip=False)
    read = StatusList(statuses, listed["bits"], "", None)
    said = dict(listed["expected"])
    for index in (*said, *range(0, listed.get("entries", 0), 997)):
        value = said.get(index, 0)
        expected = {0: Standing.VALID, 1: Standing.REVOKED, 2: Standing.SUSPENDED}
        assert read.standing(place(index)) is expected.get(value, Standing.UNKNOWN), index
    with pytest.raises(ValueError, match="outside"):
        read.standing(place(len(statuses) * 8 // listed["bits"]))


def test_tsl_03_the_published_tokens() -> None:
    of_jwt = read_status_list_token(TOKENS["status_list_jwt"]["token"].encode(), JWT)
    of_cwt = read_status_list_token(bytes.fromhex(TOKENS["status_list_cwt_hex"]), CWT)
    assert of_jwt.signer.key_id == of_cwt.signer.key_id == "12"
    for one in (of_jwt, of_cwt):
        read = one.verified(THEIRS, URI, THEN)
        assert (read.bits, read.statuses.hex()) == (1, "b9a3")
        assert read.until == THEN + timedelta(seconds=43200)
        with pytest.raises(ValueError, match="not signed"):
            one.verified(OURS, URI, THEN)
        with pytest.raises(ValueError, match="expired"):
            one.verified(THEIRS, URI, datetime(2043, 1, 1, tzinfo=UTC))


def packed(data: bytes) -> str:
    return base64url_encode(zlib.compress(data))


def made(header: Any = None, key: ECKey = KEY, **claims: Any) -> bytes:
    """A token that is right, but for what is given; None leaves a claim out."""
    now = int(NOW.timestamp())
    right = {
        "sub": URI,
        "iat": now,
        "exp": now + 600,
        "ttl": 300,
        "status_list": {"bits": 2, "lst": packed(b"\xe4")},
    }
    named = {"alg": "ES256", "typ": "statuslist+jwt", **(header or {})}
    content = {name: value for name, value in {**right, **claims}.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=["ES256", "ES384"], strict_check_header=False)
    return jws.serialize_compact(named, json.dumps(content), key, registry=registry).encode()


def read(body: bytes) -> StatusListToken:
    return read_status_list_token(body, JWT)


def test_a_good_token() -> None:
    listed = read(made()).verified(OURS, URI, NOW)
    standings = [listed.standing(place(index)) for index in range(4)]
    assert standings == [
        Standing.VALID, Standing.REVOKED, Standing.SUSPENDED, Standing.UNKNOWN
    ]  # fmt: skip
    assert listed.until == NOW + timedelta(seconds=300)
    assert read(made(ttl=None)).verified(OURS, URI, NOW).until == NOW + timedelta(seconds=600)
    assert read(made(ttl=None, exp=None)).verified(OURS, URI, NOW).until is None


BOMB = packed(bytes(5 * 1024 * 1024))
OTHER = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
AHEAD, PAST = int(NOW.timestamp()) + 601, int(NOW.timestamp())
WRONG: dict[str, tuple[bytes, str]] = {
    "TSL-03 another typ": (made({"typ": "JWT"}), "typ"),
    "TSL-03 crit": (made({"crit": ["b64"], "b64": True}), "crit"),
    "TSL-03 another signer": (made(key=OTHER), "not signed"),
    "TSL-03 another sub": (made(sub=URI + "/"), "sub"),
    "TSL-03 no sub": (made(sub=None), "sub"),
    "TSL-03 no iat": (made(iat=None), "iat"),
    "TSL-03 iat ahead": (made(iat=AHEAD), "iat"),
    "TSL-03 expired": (made(exp=PAST), "expired"),
    "TSL-03 ttl of nothing": (made(ttl=0), "ttl"),
    "TSL-03 ttl as text": (made(ttl="300"), "ttl"),
    "TSL-03 ttl as truth": (made(ttl=True), "ttl"),
    "TSL-04 no list": (made(status_list=None), "no status list"),
    "TSL-04 three bits": (made(status_list={"bits": 3, "lst": packed(b"a")}), "bits"),
    "TSL-04 no bits": (made(status_list={"lst": packed(b"a")}), "bits"),
    "TSL-04 not packed": (made(status_list={"bits": 1, "lst": "AAAA"}), "inflated"),
    "TSL-04 cut off": (
        made(status_list={"bits": 1, "lst": base64url_encode(zlib.compress(b"abc")[:-2])}),
        "cut off",
    ),
    "TSL-04 something behind": (
        made(status_list={"bits": 1, "lst": base64url_encode(zlib.compress(b"a") + b"x")}),
        "follows",
    ),
    "TSL-04 a bomb": (made(status_list={"bits": 1, "lst": BOMB}), "too large"),
    "TSL-04 padded": (made(status_list={"bits": 1, "lst": packed(b"a") + "="}), "base64url"),
    "no JWT": (b"x", "values to unpack"),
}


@pytest.mark.parametrize("name", WRONG)
def test_tokens_that_say_nothing(name: str) -> None:
    body, words = WRONG[name]
    with pytest.raises(ValueError, match=words):
        read(body).verified(OURS, URI, NOW)


def test_a_token_whose_certificates_are_none() -> None:
    with pytest.raises(VerificationFailed, match="issuer_untrusted"):
        read(made({"x5c": ["AA"]}))


@pytest.mark.parametrize("kind", ["application/json", "", "text/html"])
def test_tsl_02_another_media_type(kind: str) -> None:
    with pytest.raises(ValueError, match="Content-Type"):
        read_status_list_token(made(), kind)


@pytest.mark.parametrize("at", range(0, 152, 3))
def test_a_flipped_byte_of_a_cwt(at: int) -> None:
    body = bytearray.fromhex(TOKENS["status_list_cwt_hex"])
    body[at] ^= 0xFF
    try:
        read_status_list_token(bytes(body), CWT).verified(THEIRS, URI, THEN)
    except ValueError:
        return
    # The name of its key stands outside of what is signed.
    assert at in range(36, 41)


def test_the_algorithm_is_the_keys_own() -> None:
    key = KEY.as_dict(private=False)
    forged = made({"alg": "ES384"}, ECKey.import_key(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(ValueError, match="not signed"):
        read(forged).verified(Issuer(Trust.ANCHORED, "Root", (key,), ()), URI, NOW)


# What credentials say.


def entry(**members: Any) -> JsonObject:
    right = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": URI,
    }
    return {"credentialStatus": {**right, **members}}


def test_references() -> None:
    assert references_of({}) == ()
    assert references_of({"status_list": {"idx": 0, "uri": URI}}) == (Reference("token", URI, 0),)
    assert references_of(entry()) == (Reference("bitstring", URI, 7, "revocation"),)
    both: list[Any] = [
        entry()["credentialStatus"], entry(statusPurpose="suspension")["credentialStatus"]
    ]  # fmt: skip
    found = references_of({"credentialStatus": both})
    assert [one.purpose for one in found] == ["revocation", "suspension"]


@pytest.mark.parametrize(
    "status",
    [
        {"status_list": []},
        {"status_list": {"idx": 0}},
        {"status_list": {"uri": URI}},
        {"status_list": {"uri": URI, "idx": -1}},
        {"status_list": {"uri": URI, "idx": True}},
        {"status_list": {"uri": URI, "idx": "0"}},
        {"status_list": {"uri": 1, "idx": 0}},
        {"another": {}},
        {"credentialStatus": "x"},
        {"credentialStatus": {"type": "RevocationList2020Status"}},
        entry(statusSize=2),
        entry(statusListIndex="-1"),
        entry(statusListIndex="9" * 12),
        entry(statusListCredential=""),
        entry(statusPurpose=None),
        {"credentialStatus": [entry()["credentialStatus"]] * 11},
    ],
)
def test_what_is_no_reference(status: JsonObject) -> None:
    with pytest.raises(ValueError, match=r"."):
        references_of(status)


# Bitstring status lists.

BITS = bytes([0b0100_0001]) + bytes(16 * 1024 - 1)


def listed(header: Any = None, subject: Any = None, **members: Any) -> bytes:
    right = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": URI,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": "did:example:1",
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2027-01-01T00:00:00Z",
        "credentialSubject": {
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": "u" + base64.urlsafe_b64encode(gzip.compress(BITS)).decode().rstrip("="),
            **(subject or {}),
        },
    }
    content = {name: value for name, value in {**right, **members}.items() if value is not None}
    named = {"alg": "ES256", "typ": "vc+jwt", **(header or {})}
    return jws.serialize_compact(named, json.dumps(content), KEY).encode()


def test_a_bitstring_begins_at_the_most_significant_bit() -> None:
    credential = read_bitstring_credential(listed())
    assert credential.signer.issuer == "did:example:1"
    there = credential.verified(OURS, URI, NOW)
    revoked = [
        index for index in range(100) if there.standing(place(index, "revocation")) == "revoked"
    ]
    assert revoked == [1, 7]
    assert there.until == datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="suspension"):
        there.standing(place(1, "suspension"))


def test_a_bitstring_in_a_credential_of_the_first_data_model() -> None:
    vc = {
        "type": ["VerifiableCredential", "StatusList2021Credential"],
        "credentialSubject": {
            "statusPurpose": "suspension",
            "encodedList": base64.urlsafe_b64encode(gzip.compress(BITS)).decode().rstrip("="),
        },
    }
    body = jws.serialize_compact(
        {"alg": "ES256", "typ": "JWT"}, json.dumps({"vc": vc, "iss": "did:example:1"}), KEY
    ).encode()
    there = read_bitstring_credential(body).verified(OURS, URI, NOW)
    assert there.standing(place(1, "suspension")) is Standing.SUSPENDED
    assert there.standing(place(2, "suspension")) is Standing.VALID


SHORT = "u" + base64.urlsafe_b64encode(gzip.compress(bytes(100))).decode().rstrip("=")
WRONG_BITSTRINGS: dict[str, tuple[bytes, str]] = {
    "typ": (listed({"typ": "dc+sd-jwt"}), "typ"),
    "type": (listed(type=["VerifiableCredential"]), "no status list"),
    "id": (listed(id="https://example.com/2"), "id"),
    "expired": (listed(validUntil="2026-11-25T11:59:59Z"), "expired"),
    "not yet": (listed(validFrom="2026-11-26T11:59:59Z"), "not valid yet"),
    "a date without a zone": (listed(validUntil="2027-01-01T00:00:00"), "zone"),
    "no purpose": (listed(subject={"statusPurpose": ["a"]}), "purposes"),
    "no list": (listed(subject={"encodedList": None}), "encodedList"),
    "too short": (listed(subject={"encodedList": SHORT}), "too short"),
    "another issuer": (listed(iss="did:example:2"), "iss"),
}


@pytest.mark.parametrize("name", WRONG_BITSTRINGS)
def test_bitstrings_that_say_nothing(name: str) -> None:
    body, words = WRONG_BITSTRINGS[name]
    with pytest.raises(ValueError, match=words):
        read_bitstring_credential(body).verified(OURS, URI, NOW)


def test_a_bitstring_signed_by_somebody_else() -> None:
    with pytest.raises(ValueError, match="not signed"):
        read_bitstring_credential(listed()).verified(THEIRS, URI, NOW)
