"""The faults of the credential issuer."""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey
from sd_jwt.common import SDObj
from starlette.responses import RedirectResponse, Response

from reference_servers.faults.changes import (
    ELSEWHERE,
    OVERSIZE_BYTES,
    SLOW_S,
    Change,
    Fault,
    broken_down,
    having,
    headed,
    instead,
    of_metadata,
    oversized,
    refused,
    slow,
    too_many_requests,
    truncated,
    without,
)

KEYED: Final = ("credential_configurations_supported", "grants", "proof_types_supported")
"""Objects whose members have no names of the protocol."""


def _listed(change: Callable[[Sequence[Any]], Sequence[Any]]) -> Change:
    """Change the array of credentials of a Credential Response."""

    def changed(document: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**document, "credentials": change(document["credentials"])}

    return changed


def _b64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _decoded(part: str) -> Any:  # noqa: ANN401 - a JSON value
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _signed_by_another_key(sd_jwt: str) -> str:
    return _signed_again(sd_jwt, ECKey.generate_key("P-256"))


def _signed_again(sd_jwt: str, key: ECKey, **header: object) -> str:
    signed, *disclosures = sd_jwt.split("~")
    head, payload, _ = signed.split(".")
    registry = jws.JWSRegistry(strict_check_header=False)
    registry.max_header_length = len(head) * 2
    octets = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    again = jws.serialize_compact({**_decoded(head), **header}, octets, key, registry=registry)
    return "~".join((again, *disclosures))


def _by_a_stranger(sd_jwt: str) -> str:
    """Signed and certified as it should be, by an authority that nobody trusts."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    leaf = _certificate("OID4VCI Demo Issuer", key, "OID4VCI Demo CA", authority)
    return _signed_again(sd_jwt, ECKey.import_key(key), x5c=[leaf])


def _self_signed(sd_jwt: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _certificate("OID4VCI Demo Issuer", key, "OID4VCI Demo Issuer", key)
    return _signed_again(sd_jwt, ECKey.import_key(key), x5c=[leaf])


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey
) -> str:
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


def _unsigned(sd_jwt: str) -> str:
    signed, *disclosures = sd_jwt.split("~")
    header, payload, _ = signed.split(".")
    none = _b64url(json.dumps({**_decoded(header), "alg": "none"}).encode())
    return "~".join((f"{none}.{payload}.", *disclosures))


def _altered_disclosure(sd_jwt: str) -> str:
    signed, first, *rest = sd_jwt.split("~")
    *before, value = _decoded(first)
    altered = _b64url(json.dumps([*before, f"{value}!"]).encode())
    return "~".join((signed, altered, *rest))


def _further_disclosure(sd_jwt: str) -> str:
    disclosure = _b64url(json.dumps([secrets.token_urlsafe(16), "admin", True]).encode())
    return f"{sd_jwt}{disclosure}~"


def _repeated_disclosure(sd_jwt: str) -> str:
    signed, first, *rest = sd_jwt.split("~")
    return "~".join((signed, first, first, *rest))


def _disclosable_vct(payload: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return {**without("vct")(payload), SDObj("vct"): payload["vct"]}


def _another_jwk(_: object) -> Mapping[str, Any]:
    return ECKey.generate_key("P-256").as_dict(private=False)


def _in_hours(hours: int) -> int:
    return int(time.time()) // 3600 * 3600 + hours * 3600


def _of_another_format(document: Mapping[str, Any]) -> Mapping[str, Any]:
    supported = document["credential_configurations_supported"]
    others = {name: {**one, "format": "another"} for name, one in supported.items()}
    return {**document, "credential_configurations_supported": others}


def _unknown_members(value: Any, *, keyed: bool = False) -> Any:  # noqa: ANN401 - JSON values
    """Members that nobody knows, first and last, in what there is of objects."""
    if isinstance(value, list):
        return [_unknown_members(one) for one in value]
    if not isinstance(value, dict):
        return value
    members = {name: _unknown_members(one, keyed=name in KEYED) for name, one in value.items()}
    return members if keyed else {"x-first": {"a": [None]}, **members, "x-last": True}


def _asking_for_a_dpop_nonce() -> Response:
    headers = {
        "DPoP-Nonce": secrets.token_urlsafe(18),
        "WWW-Authenticate": 'DPoP error="use_dpop_nonce"',
        "Cache-Control": "no-store",
    }
    return Response(status_code=401, headers=headers)


def _endpoints_elsewhere(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**document, "credential_endpoint": f"{ELSEWHERE}/credential"}


def _metadata(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"Credential issuer metadata {does}.", change)


def _nonce(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The nonce endpoint {does}.", change)


def _answer(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The credential endpoint {does}.", change)


def _credential(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The credential {does}.", change)


def _deferred(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The deferred credential endpoint {does}.", change)


def _notification(does: str, change: Change) -> Fault:
    return Fault("credential_issuer", "notification", f"The notification endpoint {does}.", change)


def _offer(at: str, does: str, change: Change) -> Fault:
    return Fault("credential_issuer", at, f"The offer {does}.", change)


FAULTS: Final[Mapping[str, Fault]] = {
    # Offers.
    "offer-unknown-configuration": _offer(
        "offer document",
        "names a configuration that is not in the metadata",
        having(credential_configuration_ids=["nothing"]),
    ),
    "offer-repeated-configuration": _offer(
        "offer document",
        "names a configuration twice",
        lambda offer: {
            **offer,
            "credential_configuration_ids": offer["credential_configuration_ids"] * 2,
        },
    ),
    "offer-unknown-server": _offer(
        "offer document",
        "names an authorization server that is not in the metadata",
        lambda offer: {
            **offer,
            "grants": {
                name: {**grant, "authorization_server": ELSEWHERE}
                for name, grant in offer["grants"].items()
            },
        },
    ),
    "offer-wrong-type": _offer(
        "document", "by reference is not application/json", headed(content_type="application/jwt")
    ),
    "offer-unknown-members": _offer(
        "offer document", "has members that nobody knows, as it may", _unknown_members
    ),
    # Metadata.
    "metadata-issuer-mismatch": _metadata(
        "metadata document", "name another issuer", having(credential_issuer=ELSEWHERE)
    ),
    "metadata-no-endpoint": _metadata(
        "metadata document", "lack the credential endpoint", without("credential_endpoint")
    ),
    "metadata-endpoint-elsewhere": _metadata(
        "metadata document", "name an endpoint that cannot be reached", _endpoints_elsewhere
    ),
    **of_metadata("metadata", "metadata", "credential_endpoint", _metadata),
    "metadata-signed-by-another-key": _metadata(
        "signed metadata",
        "are signed by another key than their certificate's",
        _signed_by_another_key,
    ),
    "metadata-unknown-members": _metadata(
        "metadata document", "have members that nobody knows, as they may", _unknown_members
    ),
    "metadata-another-format": _metadata(
        "metadata document", "name formats that nobody knows", _of_another_format
    ),
    "key-set-issuer-mismatch": Fault(
        "credential_issuer",
        "key set document",
        "The key set names another issuer.",
        having(issuer=ELSEWHERE),
    ),
    "key-set-unavailable": Fault(
        "credential_issuer",
        "jwt_vc_issuer",
        "The key set ends in a server error.",
        instead(broken_down),
    ),
    # Nonces.
    "nonce-missing": _nonce("nonce document", "answers without c_nonce", without("c_nonce")),
    "nonce-unknown-members": _nonce(
        "nonce document", "answers with members that nobody knows, as it may", _unknown_members
    ),
    "nonce-reused": _nonce(
        "nonce document", "gives a c_nonce that is used up", having(c_nonce="used-long-ago")
    ),
    "nonce-wrong-type": _nonce("nonce", "answers as text/plain", headed(content_type="text/plain")),
    "nonce-unavailable": _nonce("nonce", "ends in a server error", instead(broken_down)),
    # Credential responses.
    "credential-too-many-requests": _answer(
        "credential", "answers 429 with Retry-After", instead(too_many_requests)
    ),
    "credential-unavailable": _answer("credential", "ends in a server error", instead(broken_down)),
    "credential-slow": _answer("credential", f"takes {SLOW_S} seconds", slow),
    "credential-truncated": _answer("credential", "ends in the middle", truncated),
    "credential-oversized": _answer("credential", "answers 20 MB", oversized),
    "credential-wrong-type": _answer(
        "credential", "answers as text/html", headed(content_type="text/html")
    ),
    "credential-denied": _answer(
        "credential",
        "denies for good",
        instead(lambda: refused("credential_request_denied")),
    ),
    "credential-unknown-error": _answer(
        "credential", "refuses with an unknown code", instead(lambda: refused("no_such_code"))
    ),
    "credential-redirect": _answer(
        "credential",
        "redirects to another origin",
        instead(lambda: RedirectResponse(f"{ELSEWHERE}/credential", 307)),
    ),
    "credential-nonce-forever": _answer(
        "credential", "takes no c_nonce", instead(lambda: refused("invalid_nonce"))
    ),
    "credential-dpop-nonce-forever": _answer(
        "credential", "takes no DPoP nonce", instead(_asking_for_a_dpop_nonce)
    ),
    "credential-inflated": _answer(
        "credential document",
        "answers 20 MB that compress to little",
        having(padding="0" * OVERSIZE_BYTES),
    ),
    "credential-strings": _answer(
        "credential document",
        "answers with an array of strings, as drafts have it",
        _listed(lambda given: [one["credential"] for one in given]),
    ),
    "credential-repeated": _answer(
        "credential document",
        "gives one credential of a batch again in place of the others",
        _listed(lambda given: [given[0]] * len(given)),
    ),
    "credential-unknown-members": _answer(
        "credential document",
        "answers with members that nobody knows, as it may",
        _unknown_members,
    ),
    "batch-short": _answer(
        "credential document",
        "gives a credential less than was asked for, as it may",
        _listed(lambda given: given[:-1] or given),
    ),
    "credential-none": _answer(
        "credential document", "answers with an empty array", having(credentials=[])
    ),
    "credential-no-array": _answer(
        "credential document", "answers without credentials", without("credentials")
    ),
    "credential-too-many": _answer(
        "credential document",
        "gives a credential more than was asked for",
        _listed(lambda given: [*given, given[0]]),
    ),
    "credential-and-transaction": _answer(
        "credential document",
        "answers with credentials and a transaction_id",
        having(transaction_id="both", interval=5),
    ),
    "credential-plaintext": _answer(
        "encrypted credential",
        "answers in plaintext though encryption was asked for",
        lambda _: None,
    ),
    "credential-encrypted-for-another": _answer(
        "encryption key", "encrypts for another key", _another_jwk
    ),
    # Credentials.
    "credential-another-signature": _credential(
        "sd-jwt", "is signed by another key than its certificate's", _signed_by_another_key
    ),
    "credential-stranger": _credential(
        "sd-jwt", "is signed under an authority that nobody trusts", _by_a_stranger
    ),
    "credential-self-signed": _credential(
        "sd-jwt", "is signed with a certificate by the same key", _self_signed
    ),
    "credential-unsigned": _credential("sd-jwt", "has alg none and no signature", _unsigned),
    "credential-digest-mismatch": _credential(
        "sd-jwt", "has a disclosure that was altered", _altered_disclosure
    ),
    "credential-further-disclosure": _credential(
        "sd-jwt", "has a disclosure that nothing refers to", _further_disclosure
    ),
    "credential-repeated-disclosure": _credential(
        "sd-jwt", "has a disclosure twice", _repeated_disclosure
    ),
    "credential-key-binding": _credential(
        "sd-jwt", "ends in a key binding JWT", lambda sd_jwt: f"{sd_jwt}e30.e30.AA"
    ),
    "credential-disclosable-vct": _credential(
        "credential payload", "hides its type in a disclosure", _disclosable_vct
    ),
    "credential-bound-to-another-key": _credential(
        "holder jwk", "is bound to a key of somebody else", _another_jwk
    ),
    "credential-unbound": _credential("credential payload", "is bound to no key", without("cnf")),
    "credential-expired": _credential(
        "credential payload",
        "has expired on arrival",
        lambda payload: {**payload, "iat": _in_hours(-48), "exp": _in_hours(-24)},
    ),
    "credential-not-yet-valid": _credential(
        "credential payload",
        "begins tomorrow",
        lambda payload: {**payload, "nbf": _in_hours(24)},
    ),
    "credential-another-type": _credential(
        "credential payload", "is of another type", having(vct="urn:example:other:1")
    ),
    "credential-another-issuer": _credential(
        "credential payload", "says to be from another issuer", having(iss=ELSEWHERE)
    ),
    "credential-another-audience": _credential(
        "credential payload", "is for another audience", having(aud=ELSEWHERE)
    ),
    "credential-drafts-typ": _credential(
        "credential header", "has the typ of drafts, vc+sd-jwt", having(typ="vc+sd-jwt")
    ),
    "credential-wrong-typ": _credential(
        "credential header", "has another typ in its header", having(typ="JWT")
    ),
    "credential-no-certificate": _credential(
        "credential header", "has no certificate in its header", without("x5c")
    ),
    # Deferred credentials, and notifications.
    "deferred-no-interval": _answer(
        "transaction document", "defers without interval", without("interval")
    ),
    "deferred-no-wait": _answer(
        "transaction document", "defers with an interval of 0", having(interval=0)
    ),
    "deferred-no-transaction": _answer(
        "transaction document", "defers without transaction_id", without("transaction_id")
    ),
    "deferred-too-many-requests": _deferred(
        "deferred_credential", "answers 429 with Retry-After", instead(too_many_requests)
    ),
    "deferred-another-transaction": _deferred(
        "deferred document",
        "answers with another transaction_id",
        lambda answer: (
            having(transaction_id="another")(answer) if "transaction_id" in answer else answer
        ),
    ),
    "deferred-forgotten": _deferred(
        "deferred_credential",
        "does not know the transaction",
        instead(lambda: refused("invalid_transaction_id")),
    ),
    "deferred-unavailable": _deferred(
        "deferred_credential", "ends in a server error", instead(broken_down)
    ),
    "notification-unavailable": _notification("ends in a server error", instead(broken_down)),
    "notification-slow": _notification(f"takes {SLOW_S} seconds", slow),
    "notification-refused": _notification(
        "does not know the notification_id", instead(lambda: refused("invalid_notification_id"))
    ),
    # Status.
    "status-list-unavailable": Fault(
        "credential_issuer",
        "status_list",
        "The status list ends in a server error.",
        instead(broken_down),
    ),
    "status-list-another-signature": Fault(
        "credential_issuer",
        "status list",
        "The status list is signed by another key than its certificate's.",
        _signed_by_another_key,
    ),
}
