"""Published credentials, verified at the time they were made for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.hiding import Hidden, Path
from tests.vectors import FOLDER, vector
from wallet.credentials.contract import Expected, Findings, VerifiedCredential
from wallet.credentials.jwt import check_signature, read_signed
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
from wallet.credentials.sd_jwt_vc.disclosures import process
from wallet.errors import VerificationFailed
from wallet.records import Secret
from wallet.report import Trust
from wallet.trust.issuer import Issuer

SPECIFICATIONS = {
    name: vector(f"{name}/vectors.json") for name in ("sd-jwt-rfc9901", "sd-jwt-vc-draft")
}
PUBLISHED = [
    (name, one) for name, document in SPECIFICATIONS.items() for one in document["vectors"]
]
IDS = [f"{name} {one['section']} {one['kind']}" for name, one in PUBLISHED]
CREDENTIALS = [
    pytest.param(name, one, id=named)
    for (name, one), named in zip(PUBLISHED, IDS, strict=True)
    if one["header"].get("typ") == "dc+sd-jwt"
]


def issuer_of(name: str) -> Issuer:
    keys = SPECIFICATIONS[name]["keys"]
    return Issuer(Trust.UNKNOWN, "", tuple(keys[one] for one in sorted(keys)), ())


def verified(name: str, token: str, payload: Mapping[str, Any]) -> VerifiedCredential:
    began = payload.get("iat", payload.get("nbf"))
    holder = payload.get("cnf", {}).get("jwk")
    now = datetime.fromtimestamp(began, UTC) if began else datetime(2025, 1, 1, tzinfo=UTC)
    expected = Expected({"vct": payload["vct"]}, (holder,) if holder else (), (), now)
    return sd_jwt_vc.verify(Secret(token), issuer_of(name), expected)


@pytest.mark.parametrize(("name", "published"), PUBLISHED, ids=IDS)
def test_sdj_02_the_signatures_of_the_published(name: str, published: dict[str, Any]) -> None:
    jwt = read_signed(published["token"].split("~")[0])
    assert jwt.claims == published["payload"]
    assert check_signature(jwt, issuer_of(name), Findings()) is not None


@pytest.mark.parametrize(("name", "published"), CREDENTIALS)
def test_vc_03_the_published_credentials(name: str, published: dict[str, Any]) -> None:
    token, _, binding = published["token"].rpartition("~")
    done = verified(name, f"{token}~", published["payload"])
    processed = published["processed_payload"]
    technical = sd_jwt_vc.TECHNICAL
    assert done.claims == {k: v for k, v in processed.items() if k not in technical}
    assert done.type == processed["vct"]
    assert done.status == processed.get("status", {})
    if binding:
        with pytest.raises(VerificationFailed) as caught:
            verified(name, published["token"], published["payload"])
        assert caught.value.code == "credential_malformed"


def test_there_are_published_credentials() -> None:
    assert len(CREDENTIALS) == 7


CASES = sorted(file.name for file in (FOLDER / "sd-jwt-js-testcases").iterdir())


EMPTIED: dict[str, Any] = {"array_none_disclosed.json": {"is_over": {}}}
"""An object of which nothing is left is an empty one (RFC 9901, 7.1); the file leaves it out."""


def paths_of(frame: Mapping[str, Any], claims: Any, path: Path = ()) -> list[Path]:
    """What a frame names: the hidden claims where it has `_sd`, else the ones to present."""
    found: list[Path] = []
    for key, value in frame.items():
        if key == "_sd":
            found += [(*path, _key(one, claims)) for one in value]
        elif key != "_sd_decoy":
            place = _key(key, claims)
            inside = claims[place] if _has(claims, place) else None
            deeper = paths_of(value, inside, (*path, place)) if isinstance(value, dict) else []
            found += deeper if isinstance(value, dict) else [(*path, place)]
    return found


def _key(key: str | int, claims: Any) -> str | int:
    return int(key) if isinstance(claims, list) else str(key)


def _has(claims: Any, key: str | int) -> bool:
    if isinstance(claims, list) and isinstance(key, int):
        return key < len(claims)
    return isinstance(claims, dict) and key in claims


@pytest.mark.parametrize("name", CASES)
def test_sdj_07_all_disclosed_and_some_presented(name: str) -> None:
    case = vector(f"sd-jwt-js-testcases/{name}")
    claims = case["claims"]
    hides = paths_of(case["disclosureFrame"], claims)
    hidden = Hidden()
    payload = hidden.hide(claims, hides.__contains__, decoys=2)
    processed = process(payload, tuple(hidden.disclosures.values()))
    assert processed.claims == claims
    assert processed.paths == {one: path for path, one in hidden.disclosures.items()}

    presented = paths_of(case["presentationFrames"], claims)
    chosen = tuple(
        disclosure
        for disclosure, path in processed.paths.items()
        if any(one[: len(path)] == path for one in presented)
    )
    assert process(payload, chosen).claims == {**EMPTIED.get(name, {}), **case["presentedClaims"]}
