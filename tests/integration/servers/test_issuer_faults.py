"""One fault of each place of the credential issuer, met by a wallet."""

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from tests.integration.servers.client import error_of
from tests.integration.servers.issuer_peers import (
    LONG_HEADERS,
    Issuer,
    bound_to,
    claims_of,
    credential_issuer,
    credentials_of,
    decoded,
    opened,
)

Met = Callable[[Issuer], None]


def offered(issuer: Issuer, by: str) -> Any:
    """An offer off the issuer's page."""
    page = issuer.http.post(
        f"{issuer.url}/offers", data={"configuration": "pid"}, follow_redirects=True
    )
    if by == "reference":
        return issuer.http.get(str(page.url).replace("/offers/", "/credential-offers/"))
    return page.text


def repeated_offer(issuer: Issuer) -> None:
    assert offered(issuer, "reference").json()["credential_configuration_ids"] == ["pid", "pid"]
    assert "%22pid%22%2C%22pid%22" in offered(issuer, "value")


def offer_type(issuer: Issuer) -> None:
    answer = offered(issuer, "reference")
    assert answer.headers["content-type"] == "application/jwt"
    assert answer.json()["credential_issuer"] == issuer.url


def metadata_issuer(issuer: Issuer) -> None:
    assert issuer.metadata()["credential_issuer"] == "https://elsewhere.example"


def metadata_twice(issuer: Issuer) -> None:
    text = issuer.http.get(issuer.well_known("openid-credential-issuer")).text
    assert len(re.findall('"credential_endpoint"', text)) == 2


def signed_metadata(issuer: Issuer) -> None:
    url = issuer.well_known("openid-credential-issuer")
    assert is_forged(issuer.http.get(url, headers={"Accept": "application/jwt"}).text, issuer)
    assert issuer.metadata()["credential_issuer"] == issuer.url


def is_forged(token: str, issuer: Issuer) -> bool:
    """Whether the issuer's key did not sign it."""
    published = issuer.http.get(issuer.well_known("jwt-vc-issuer")).json()
    key = ECKey.import_key(published["jwks"]["keys"][0])
    try:
        jws.deserialize_compact(token.partition("~")[0], key, registry=LONG_HEADERS)
    except JoseError:
        return True
    return False


def key_set(issuer: Issuer) -> None:
    answer = issuer.http.get(issuer.well_known("jwt-vc-issuer")).json()
    assert answer["issuer"] == "https://elsewhere.example"


def no_key_set(issuer: Issuer) -> None:
    assert issuer.http.get(issuer.well_known("jwt-vc-issuer")).status_code == 500


def used_nonce(issuer: Issuer) -> None:
    assert error_of(issuer.credential()) == (400, "invalid_nonce")


def nonce_down(issuer: Issuer) -> None:
    answer = issuer.http.post(f"{issuer.url}/nonce")
    assert (answer.status_code, answer.headers["content-type"][:10]) == (500, "text/plain")


def too_many_requests(issuer: Issuer) -> None:
    answer = issuer.credential()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "120")


def too_many_credentials(issuer: Issuer) -> None:
    assert len(credentials_of(issuer.credential())) == 2


def inflated(issuer: Issuer) -> None:
    answer, key = encrypted(issuer, zip="DEF")
    assert len(answer.content) < 100_000
    with pytest.raises(JoseError, match="exceeds"):
        opened(answer, key)


def encrypted(issuer: Issuer, **more: str) -> tuple[Any, ECKey]:
    key = ECKey.generate_key("P-256")
    wish = {"jwk": {**key.as_dict(private=False), "alg": "ECDH-ES"}, "enc": "A128GCM", **more}
    asked = issuer.asked(credential_response_encryption=wish)
    return issuer.encrypted("/credential", asked), key


def in_plaintext(issuer: Issuer) -> None:
    answer, _ = encrypted(issuer)
    assert answer.headers["content-type"] == "application/json"
    assert credentials_of(answer)


def for_another(issuer: Issuer) -> None:
    answer, key = encrypted(issuer)
    assert answer.status_code == 200
    with pytest.raises((JoseError, ValueError)):
        jwe.decrypt_compact(answer.content, key)


def another_signature(issuer: Issuer) -> None:
    [credential] = credentials_of(issuer.credential())
    assert is_forged(credential, issuer)


def stranger(issuer: Issuer) -> None:
    """The signature fits its certificate, and nothing else is wrong."""
    [credential] = credentials_of(issuer.credential())
    head = decoded(credential.partition(".")[0])
    [leaf] = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in head["x5c"]]
    key = ECKey.import_key(leaf.public_key())  # type: ignore[arg-type]
    assert jws.deserialize_compact(credential.partition("~")[0], key, registry=LONG_HEADERS)
    anchor = x509.load_pem_x509_certificate(issuer.http.get(f"{issuer.url}/ca.pem").content)
    with pytest.raises((InvalidSignature, ValueError)):
        leaf.verify_directly_issued_by(anchor)


def another_key(issuer: Issuer) -> None:
    assert bound_to(credentials_of(issuer.credential())) != {issuer.key.thumbprint()}


def expired(issuer: Issuer) -> None:
    [credential] = credentials_of(issuer.credential())
    assert claims_of(credential)["exp"] < time.time()
    assert not is_forged(credential, issuer)


def hidden_type(issuer: Issuer) -> None:
    [credential] = credentials_of(issuer.credential())
    assert "vct" not in claims_of(credential)
    disclosed = [decoded(one)[1] for one in credential.split("~")[1:-1]]
    assert "vct" in disclosed


def wrong_typ(issuer: Issuer) -> None:
    [credential] = credentials_of(issuer.credential())
    assert decoded(credential.partition(".")[0])["typ"] == "JWT"
    assert not is_forged(credential, issuer)


def no_interval(issuer: Issuer) -> None:
    answer = issuer.credential()
    assert (answer.status_code, list(answer.json())) == (202, ["transaction_id"])


def another_transaction(issuer: Issuer) -> None:
    deferred = issuer.credential().json()
    answer = issuer.post("/deferred-credential", deferred)
    assert answer.status_code == 202
    assert answer.json()["transaction_id"] != deferred["transaction_id"]


def forgotten(issuer: Issuer) -> None:
    answer = issuer.post("/deferred-credential", issuer.credential().json())
    assert error_of(answer) == (400, "invalid_transaction_id")


def not_notified(issuer: Issuer) -> None:
    told = issuer.credential().json() | {"event": "credential_accepted"}
    assert error_of(issuer.post("/notification", told)) == (400, "invalid_notification_id")


def no_status(issuer: Issuer) -> None:
    assert issuer.http.get(f"{issuer.url}/status-list").status_code == 500


def forged_status(issuer: Issuer) -> None:
    assert is_forged(issuer.http.get(f"{issuer.url}/status-list").text, issuer)


DEFERRED = {"deferred": ["pid"]}
MET: dict[str, tuple[Met, dict[str, Any]]] = {
    "offer-repeated-configuration": (repeated_offer, {}),
    "offer-wrong-type": (offer_type, {}),
    "metadata-issuer-mismatch": (metadata_issuer, {}),
    "metadata-repeated-member": (metadata_twice, {}),
    "metadata-signed-by-another-key": (signed_metadata, {}),
    "key-set-issuer-mismatch": (key_set, {}),
    "key-set-unavailable": (no_key_set, {}),
    "nonce-reused": (used_nonce, {}),
    "nonce-unavailable": (nonce_down, {}),
    "credential-too-many-requests": (too_many_requests, {}),
    "credential-too-many": (too_many_credentials, {}),
    "credential-inflated": (inflated, {}),
    "credential-plaintext": (in_plaintext, {}),
    "credential-encrypted-for-another": (for_another, {}),
    "credential-another-signature": (another_signature, {}),
    "credential-stranger": (stranger, {}),
    "credential-self-signed": (stranger, {}),
    "credential-bound-to-another-key": (another_key, {}),
    "credential-expired": (expired, {}),
    "credential-disclosable-vct": (hidden_type, {}),
    "credential-wrong-typ": (wrong_typ, {}),
    "deferred-no-interval": (no_interval, DEFERRED),
    "deferred-another-transaction": (another_transaction, DEFERRED),
    "deferred-forgotten": (forgotten, DEFERRED),
    "notification-refused": (not_notified, {}),
    "status-list-unavailable": (no_status, {}),
    "status-list-another-signature": (forged_status, {}),
}


@pytest.mark.parametrize("name", MET)
def test_a_wallet_meets_it(name: str, tmp_path: Path) -> None:
    met, settings = MET[name]
    with credential_issuer(tmp_path, fault=name, **settings) as issuer:
        met(issuer)
