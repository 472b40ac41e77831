"""Disclosures (RFC 9901, sections 4.2 and 7.1)."""

import hashlib
import json
from typing import Any

import pytest

from tests.vectors import vector
from wallet.credentials.sd_jwt_vc.disclosures import process, read_disclosure
from wallet.records import JsonObject
from wallet.strict import base64url, base64url_encode, json_object

PUBLISHED = [
    (name, number, one)
    for name in ("sd-jwt-rfc9901", "sd-jwt-vc-draft")
    for number, one in enumerate(vector(f"{name}/vectors.json")["vectors"])
    if one["kind"] != "jwt"
]


@pytest.mark.parametrize(
    "published",
    [one for _, _, one in PUBLISHED],
    ids=[f"{name} {number} {one['section']}" for name, number, one in PUBLISHED],
)
def test_the_published_examples(published: dict[str, Any]) -> None:
    jwt, *disclosures, _ = published["token"].split("~")
    processed = process(json_object(base64url(jwt.split(".")[1])), disclosures)
    assert processed.claims == published["processed_payload"]
    assert set(processed.paths) == set(disclosures)


def encoded(*content: Any) -> str:
    return base64url_encode(json.dumps(content).encode())


def digest(disclosure: str, algorithm: str = "sha256") -> str:
    return base64url_encode(hashlib.new(algorithm, disclosure.encode()).digest())


def test_where_each_disclosure_belongs() -> None:
    street, city = encoded("s1", "street", "x"), encoded("s2", "Paris")
    address = encoded("s3", "address", {"_sd": [digest(street)], "known": 1})
    payload: JsonObject = {
        "_sd": [digest(address), digest("decoy")],
        "cities": [{"...": digest(city)}, "Rome"],
    }
    processed = process(payload, [city, street, address])
    assert processed.claims == {
        "cities": ["Paris", "Rome"],
        "address": {"known": 1, "street": "x"},
    }
    assert processed.paths == {
        address: ("address",),
        street: ("address", "street"),
        city: ("cities", 0),
    }


def test_sdj_03_the_digest_is_over_the_characters_as_received() -> None:
    unusual = base64url_encode('["salt" ,\n"näme",{"b":1,"a":2.0e0}]'.encode())
    assert process({"_sd": [digest(unusual)]}, [unusual]).claims == {"näme": {"b": 1, "a": 2.0}}


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
def test_sdj_02_hash_algorithms(algorithm: str) -> None:
    one = encoded("salt", "name", True)
    payload: JsonObject = {
        "_sd": [digest(one, algorithm.replace("-", ""))],
        "_sd_alg": algorithm,
    }
    assert process(payload, [one]).claims == {"name": True}


def test_sdj_04_decoys_and_undisclosed_elements_leave_no_trace() -> None:
    payload: JsonObject = {
        "_sd": ["decoy"],
        "list": [{"...": "hidden"}, 1],
        "o": {"_sd": []},
        "_sd_alg": "sha-256",
    }
    assert process(payload, []).claims == {"list": [1], "o": {}}


ONE = encoded("salt", "name", 1)
ELEMENT = encoded("salt", 1)
BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "SDJ-02 unknown hash": ({"_sd_alg": "md5"}, []),
    "SDJ-02 hash no text": ({"_sd_alg": None}, []),
    "SDJ-02 _sd_alg below the top": ({"a": {"_sd_alg": "sha-256"}}, []),
    "SDJ-04 _sd no array": ({"_sd": digest(ONE)}, [ONE]),
    "SDJ-04 digest no text": ({"_sd": [1]}, []),
    "SDJ-04 placeholder with company": ({"a": [{"...": digest(ELEMENT), "b": 1}]}, [ELEMENT]),
    "SDJ-04 placeholder no text": ({"a": [{"...": 1}]}, []),
    "SDJ-04 placeholder in an object": ({"a": {"...": "x"}}, []),
    "SDJ-04 placeholder at the top": ({"...": "x"}, []),
    "SDJ-04 a name there already": ({"_sd": [digest(ONE)], "name": 0}, [ONE]),
    "SDJ-04 an element in an object": ({"_sd": [digest(ELEMENT)]}, [ELEMENT]),
    "SDJ-04 a member in an array": ({"a": [{"...": digest(ONE)}]}, [ONE]),
    "SDJ-05 one digest twice": ({"_sd": [digest(ONE), digest(ONE)]}, [ONE]),
    "SDJ-05 one decoy twice": ({"_sd": ["decoy"], "a": [{"...": "decoy"}]}, []),
    "SDJ-05 one disclosure twice": ({"_sd": [digest(ONE)]}, [ONE, ONE]),
    "SDJ-05 unreferenced": ({}, [ONE]),
    "SDJ-05 a claim disclosed twice": (
        {"_sd": [digest(ONE), digest(encoded("other", "name", 2))]},
        [ONE, encoded("other", "name", 2)]),
    "not ASCII": ({}, ["ä"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    payload, disclosures = BAD[name]
    with pytest.raises(ValueError, match=r"."):
        process(payload, disclosures)


@pytest.mark.parametrize(
    "text",
    [
        encoded("salt"),
        encoded("salt", "name", 1, 2),
        encoded(1, "name", 1),
        encoded("salt", 1, 1),
        encoded("salt", "_sd", []),
        encoded("salt", "...", "x"),
        encoded("salt", "_sd_alg", "sha-256"),
        base64url_encode(b'{"salt":1}'),
        base64url_encode(b'["salt","name",NaN]'),
        base64url_encode(b'["salt","name",{"a":1,"a":1}]'),
        encoded("salt", "name", 1) + "=",
        encoded("salt", "name", 1) + "\n",
        "",
        "*",
    ],
)
def test_sdj_04_what_is_no_disclosure(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_disclosure(text)


@pytest.mark.parametrize("length", [40, 1_500])
def test_disclosures_cannot_nest_without_end(length: int) -> None:
    chain = [encoded("salt", "a", 1)]
    for _ in range(length):
        chain.append(encoded("salt", "a", {"_sd": [digest(chain[-1])]}))
    with pytest.raises(ValueError, match="deep"):
        process({"_sd": [digest(chain[-1])]}, chain)


def test_no_value_is_printed() -> None:
    disclosure = read_disclosure(encoded("salt", "name", "sentinel"))
    processed = process({"_sd": [digest(disclosure.encoded)]}, [disclosure.encoded])
    assert "sentinel" not in f"{disclosure} {processed}"
    assert disclosure.encoded not in f"{disclosure} {processed}"
