"""A message before and after each rule."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wallet.compat.profiles import NOTHING_KNOWN
from wallet.compat.rules import STATUS, Facts
from wallet.records import Secret

ISSUER = "https://issuer.example/tenant"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CARD = {"format": "dc+sd-jwt", "published_format": "vc+sd-jwt", "vct": "urn:card"}
DEGREE = {
    "format": "ldp_vc",
    "credential_definition": {"@context": ["urn:context"], "type": ["VC", "Degree"]},
}
LOG = '[ "ZENROOM JSON LOG START", "J64 HEAP: cGFzc3dvcmQ=" ]'


@dataclass(frozen=True)
class Pair:
    before: dict[str, Any]
    after: dict[str, Any]
    facts: Facts = NOTHING_KNOWN


def knowing(configuration: dict[str, Any], **facts: Any) -> Facts:
    """That `configuration` is asked for, as "card"."""
    metadata = {
        "credential_issuer": ISSUER,
        "credential_configurations_supported": {"card": configuration},
        **facts.pop("metadata", {}),
    }
    return Facts(metadata=metadata, credential_configuration_id="card", **facts)


def configured(before: dict[str, Any], after: dict[str, Any]) -> Pair:
    """A pair of one configuration of the issuer's metadata."""
    name = "credential_configurations_supported"
    return Pair({name: {"card": before}}, {name: {"card": after}})


PAIRS: dict[str, list[Pair]] = {
    "appended well-known path": [
        Pair(
            {
                "identifier": ISSUER + slash,
                "name": "openid-credential-issuer",
                "urls": ["https://issuer.example/.well-known/openid-credential-issuer/tenant"],
            },
            {
                "identifier": ISSUER + slash,
                "name": "openid-credential-issuer",
                "urls": [
                    "https://issuer.example/.well-known/openid-credential-issuer/tenant",
                    "https://issuer.example/tenant/.well-known/openid-credential-issuer",
                ],
            },
        )
        for slash in ("", "/")
    ],
    "openid-configuration": [
        Pair(
            {"identifier": ISSUER, "name": "oauth-authorization-server", "urls": []},
            {
                "identifier": ISSUER,
                "name": "oauth-authorization-server",
                "urls": ["https://issuer.example/tenant/.well-known/openid-configuration"],
            },
        )
    ],
    "offer as parameters": [
        Pair(
            {"credential_configuration_ids": "one,two", "credential_issuer": ISSUER},
            {
                "credential_offer": f'{{"credential_issuer": "{ISSUER}",'
                ' "credential_configuration_ids": ["one", "two"]}'
            },
        )
    ],
    "credentials in the offer": [
        Pair(
            {
                "credential_issuer": ISSUER,
                "credentials": [
                    "UniversityDegree_JWT",
                    {"format": "mso_mdoc", "doctype": "org.iso.18013.5.1.mDL"},
                    {"format": "jwt_vc_json", "types": ["VerifiableCredential", "Degree"]},
                    {"format": "ldp_vc", "credential_definition": {"types": ["VC", "Degree"]}},
                ],
            },
            {
                "credential_issuer": ISSUER,
                "credential_configuration_ids": [
                    "UniversityDegree_JWT",
                    "mso_mdoc:org.iso.18013.5.1.mDL",
                    "jwt_vc_json:VerifiableCredential.Degree",
                    "ldp_vc:VC.Degree",
                ],
            },
        )
    ],
    "offered by type": [
        Pair(
            {"credential_configuration_ids": ["ldp_vc:VC.Degree", "card", "neither"]},
            {"credential_configuration_ids": ["card", "card", "neither"]},
            knowing(DEGREE),
        )
    ],
    "user_pin_required": [
        Pair(
            {
                "grants": {
                    "authorization_code": {},
                    "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
                        "pre-authorized_code": "code",
                        "user_pin_required": needed,
                    },
                }
            },
            {
                "grants": {
                    "authorization_code": {},
                    "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
                        "pre-authorized_code": "code",
                        **tx_code,
                    },
                }
            },
        )
        for needed, tx_code in ((True, {"tx_code": {"input_mode": "numeric"}}), (False, {}))
    ],
    "user_pin instead of tx_code": [
        Pair(
            {"pre-authorized_code": "code", "tx_code": "0042"},
            {"pre-authorized_code": "code", "user_pin": "0042"},
        )
    ],
    "credentials_supported in the metadata": [
        Pair(
            {
                "credentials_supported": [
                    {"format": "ldp_vc", "id": "Degree", "types": ["VC", "Degree"]},
                    {"format": "jwt_vc_json", "types": ["VC", "Degree"]},
                    {"format": "mso_mdoc", "doctype": "mDL"},
                ]
            },
            {
                "credential_configurations_supported": {
                    "Degree": {"format": "ldp_vc", "types": ["VC", "Degree"]},
                    "jwt_vc_json:VC.Degree": {"format": "jwt_vc_json", "types": ["VC", "Degree"]},
                    "mso_mdoc:mDL": {"format": "mso_mdoc", "doctype": "mDL"},
                }
            },
        ),
        Pair(  # draft 12
            {"credentials_supported": {"card": {"format": "mso_mdoc"}}},
            {"credential_configurations_supported": {"card": {"format": "mso_mdoc"}}},
        ),
    ],
    "a single authorization_server": [
        Pair(
            {"authorization_server": "https://as.example"},
            {"authorization_servers": ["https://as.example"]},
        )
    ],
    "types outside the credential_definition": [
        configured(
            {
                "format": "ldp_vc",
                "@context": ["urn:context"],
                "types": ["VC", "Degree"],
                "credentialSubject": {"gpa": {}},
            },
            {
                "format": "ldp_vc",
                "credential_definition": {
                    "type": ["VC", "Degree"],
                    "@context": ["urn:context"],
                    "credentialSubject": {"gpa": {}},
                },
            },
        )
    ],
    "cryptographic_suites_supported in the metadata": [
        configured(
            {"cryptographic_suites_supported": ["ES256"]},
            {"credential_signing_alg_values_supported": ["ES256"]},
        )
    ],
    "no proof types": [
        configured(
            {
                "cryptographic_binding_methods_supported": ["jwk"],
                "credential_signing_alg_values_supported": named,
            },
            {
                "cryptographic_binding_methods_supported": ["jwk"],
                "credential_signing_alg_values_supported": named,
                "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": found}},
            },
        )
        for named, found in (
            (["Ed25519Signature2018"], ["ES256"]),
            (["ES384", "ES256K"], ["ES384"]),
        )
    ]
    + [
        configured(  # draft 12
            {"proof_types": ["jwt", "cwt"]},
            {
                "proof_types_supported": {
                    "jwt": {"proof_signing_alg_values_supported": ["ES256"]},
                    "cwt": {"proof_signing_alg_values_supported": ["ES256"]},
                }
            },
        )
    ],
    "binding methods did and mso": [
        configured(
            {"cryptographic_binding_methods_supported": ["did", "jwk", "mso"]},
            {
                "cryptographic_binding_methods_supported": [
                    "did:jwk",
                    "did:key",
                    "jwk",
                    "cose_key",
                ]
            },
        )
    ],
    "format vc+sd-jwt": [
        configured(
            {"format": "vc+sd-jwt", "vct": "urn:card"},
            {"format": "dc+sd-jwt", "vct": "urn:card", "published_format": "vc+sd-jwt"},
        )
    ],
    "claims as a map": [
        configured(
            {
                "format": "vc+sd-jwt",
                "order": ["address", "name"],
                "claims": {
                    "name": {
                        "mandatory": True,
                        "value_type": "string",
                        "display": [{"name": "Name"}],
                    },
                    "display": {},
                    "address": {"display": [{"name": "Home"}], "street": {}, "city": {}},
                    "degrees": [{"title": {"mandatory": True}}],
                },
            },
            {
                "format": "vc+sd-jwt",
                "claims": [
                    {"path": ["address"], "display": [{"name": "Home"}]},
                    {"path": ["address", "street"]},
                    {"path": ["address", "city"]},
                    {"path": ["name"], "mandatory": True, "display": [{"name": "Name"}]},
                    {"path": ["display"]},
                    {"path": ["degrees", None, "title"], "mandatory": True},
                ],
            },
        ),
        configured(
            {
                "format": "mso_mdoc",
                "order": ["n~b"],
                "claims": {"n": {"a": {}, "b": {}}, "m": {"c": {}}},
            },
            {
                "format": "mso_mdoc",
                "claims": [{"path": ["n", "b"]}, {"path": ["n", "a"]}, {"path": ["m", "c"]}],
            },
        ),
    ],
    "credentialSubject in the credential_definition": [
        configured(
            {
                "format": "jwt_vc_json",
                "order": ["gpa"],
                "credential_definition": {
                    "type": ["VC"],
                    "credentialSubject": {"name": {"mandatory": True}, "gpa": {}},
                },
            },
            {
                "format": "jwt_vc_json",
                "credential_definition": {"type": ["VC"]},
                "claims": [
                    {"path": ["credentialSubject", "gpa"]},
                    {"path": ["credentialSubject", "name"], "mandatory": True},
                ],
            },
        )
    ],
    "url of a logo instead of uri": [
        Pair(
            {
                "display": [{"logo": {"url": "https://a.example/logo", "alternative_text": "A"}}],
                "credential_configurations_supported": {
                    "card": {"display": [{"name": "Card", "logo": {"url": "https://b.example"}}]}
                },
            },
            {
                "display": [{"logo": {"uri": "https://a.example/logo", "alt_text": "A"}}],
                "credential_configurations_supported": {
                    "card": {"display": [{"name": "Card", "logo": {"uri": "https://b.example"}}]}
                },
            },
        )
    ],
    "display and claims outside credential_metadata": [
        configured(
            {"display": [{"name": "Card"}], "claims": [{"path": ["name"]}]},
            {
                "credential_metadata": {
                    "display": [{"name": "Card"}],
                    "claims": [{"path": ["name"]}],
                }
            },
        )
    ],
    "paths without credentialSubject": [
        configured(
            {
                "format": "ldp_vc",
                "credential_metadata": {
                    "claims": [{"path": ["gpa"]}, {"path": ["credentialSubject", "name"]}]
                },
            },
            {
                "format": "ldp_vc",
                "credential_metadata": {
                    "claims": [
                        {"path": ["credentialSubject", "gpa"]},
                        {"path": ["credentialSubject", "name"]},
                    ]
                },
            },
        )
    ],
    "authorization_details by format": [
        Pair(
            {
                "client_id": "wallet",
                "authorization_details": '[{"type":"openid_credential",'
                f'"credential_configuration_id":"card","locations":["{ISSUER}"]}}]',
            },
            {
                "client_id": "wallet",
                "authorization_details": '[{"type":"openid_credential",'
                f'"locations":["{ISSUER}"],"format":"ldp_vc","credential_definition":'
                '{"@context":["urn:context"],"types":["VC","Degree"]}}]',
            },
            knowing(DEGREE),
        )
    ],
    "authorization_details only": [
        Pair(
            {"client_id": "wallet", "scope": "card", "resource": ISSUER},
            {
                "client_id": "wallet",
                "authorization_details": '[{"type":"openid_credential",'
                f'"credential_configuration_id":"card","locations":["{ISSUER}"]}}]',
            },
            knowing(CARD),
        )
    ],
    "no + for a space": [Pair({"body": "a=b+c%2Bd"}, {"body": "a=b%20c%2Bd"})],
    "raw colons": [
        Pair(
            {"query": "client_id=did%3Adyne%3Aa&request_uri=urn%3Aietf%3Aparams%3Ab%2Fc"},
            {"query": "client_id=did:dyne:a&request_uri=urn:ietf:params:b%2Fc"},
        )
    ],
    "no state": [
        Pair(
            {"code": "c"},
            {"code": "c", "state": "ours"},
            Facts(state=Secret("ours"), redirect_is_unique=True),
        ),
        Pair(
            {"error": "server_error"},
            {"error": "server_error", "state": "ours"},
            Facts(state=Secret("ours"), redirect_is_unique=True),
        ),
    ],
    "log in error_description": [
        Pair({"error": "server_error", "error_description": LOG}, {"error": "server_error"})
    ],
    "bearer after DPoP": [Pair({"token_types": ["dpop"]}, {"token_types": ["dpop", "bearer"]})],
    "expires_in as a time": [
        Pair(
            {"expires_in": int(NOW.timestamp()) + left},
            {"expires_in": max(0, left)},
            Facts(now=NOW),
        )
        for left in (3600, -20)
    ],
    "authorization_details without credential_identifiers": [
        Pair(
            {
                "access_token": "token",
                "authorization_details": [
                    {
                        "type": "openid_credential",
                        "credential_configuration_id": "card",
                        "claims": {"id": "123456789"},
                    },
                ],
            },
            {"access_token": "token"},
            knowing(CARD),
        ),
        Pair(
            {
                "authorization_details": [
                    {"type": "openid_credential", "format": "vc+sd-jwt", "vct": "urn:card"},
                    {"type": "other"},
                ],
            },
            {"authorization_details": [{"type": "other"}]},
            knowing(CARD),
        ),
    ],
    "c_nonce without a nonce endpoint": [
        Pair(
            {"latest": {"access_token": "token", "c_nonce": "fresh"}},
            {"latest": {"access_token": "token", "c_nonce": "fresh"}, "c_nonce": "fresh"},
        )
    ],
    "bearer in lower case": [
        Pair({"scheme": "Bearer"}, {"scheme": "bearer"}, Facts(token={"token_type": "bearer"}))
    ],
    "proof instead of proofs": [
        Pair(
            {"credential_configuration_id": "card", "proofs": {kind: ["one"]}},
            {
                "credential_configuration_id": "card",
                "proof": {"proof_type": kind, kind: "one"},
            },
        )
        for kind in ("jwt", "attestation")
    ],
    "proof instead of proofs, without batch": [
        Pair({"proofs": {"jwt": ["one"]}}, {"proof": {"proof_type": "jwt", "jwt": "one"}})
    ],
    "format instead of a configuration id": [
        Pair(
            {"credential_configuration_id": "card", "proofs": {}},
            {"format": "vc+sd-jwt", "vct": "urn:card", "proofs": {}},
            knowing(CARD),
        ),
        Pair(
            {"credential_configuration_id": "card"},
            {"format": "mso_mdoc", "doctype": "mDL"},
            knowing({"format": "mso_mdoc", "doctype": "mDL"}),
        ),
        Pair({"credential_configuration_id": "card"}, DEGREE, knowing(DEGREE)),
    ],
    "format and types instead of a configuration id": [
        Pair(
            {"credential_configuration_id": "card"},
            {
                "format": "ldp_vc",
                "credential_definition": {"@context": ["urn:context"], "types": ["VC", "Degree"]},
            },
            knowing(DEGREE),
        ),
        Pair(
            {"credential_configuration_id": "card"},
            {"format": "jwt_vc_json", "types": ["VC"]},
            knowing({"format": "jwt_vc_json", "credential_definition": {"type": ["VC"]}}),
        ),
        Pair(
            {"credential_configuration_id": "card"},
            {"format": "mso_mdoc", "doctype": "mDL"},
            knowing({"format": "mso_mdoc", "doctype": "mDL"}),
        ),
    ],
    "format besides": [
        Pair(
            {"credential_configuration_id": "card"},
            {"format": "ldp_vc", "credential_configuration_id": "card"},
            knowing(DEGREE),
        )
    ],
    "alg beside the encryption key": [
        Pair(
            {"credential_response_encryption": {"jwk": {"alg": "ECDH-ES"}, "enc": "A128GCM"}},
            {
                "credential_response_encryption": {
                    "jwk": {"alg": "ECDH-ES"},
                    "enc": "A128GCM",
                    "alg": "ECDH-ES",
                }
            },
        )
    ],
    "credential instead of credentials": [
        Pair(
            {STATUS: 200, "credential": credential, "notification_id": "n"},
            {STATUS: 200, "credentials": [{"credential": credential}], "notification_id": "n"},
        )
        for credential in ("text", {"@context": ["urn:context"]})
    ],
    "bare credentials": [
        Pair(
            {"credentials": ["one", {"@context": []}, {"credential": "two"}]},
            {
                "credentials": [
                    {"credential": "one"},
                    {"credential": {"@context": []}},
                    {"credential": "two"},
                ]
            },
        )
    ],
    "invalid_proof with a c_nonce": [
        Pair(
            {STATUS: 400, "error": error, "c_nonce": "fresh"},
            {STATUS: 400, "error": "invalid_nonce", "c_nonce": "fresh"},
        )
        for error in ("invalid_proof", "invalid_or_missing_proof")
    ],
    "no interval": [
        Pair(
            {STATUS: 202, "transaction_id": "t"},
            {STATUS: 202, "transaction_id": "t", "interval": 5},
        )
    ],
    "issuance_pending": [
        Pair(
            {STATUS: 400, "error": "issuance_pending", **interval},
            {STATUS: 202, "transaction_id": "t", "interval": interval.get("interval", 5)},
            Facts(transaction_id="t"),
        )
        for interval in ({}, {"interval": 60})
    ],
    "typ vc+sd-jwt": [Pair({"typ": ["dc+sd-jwt"]}, {"typ": ["dc+sd-jwt", "vc+sd-jwt"]})],
    "type for vct": [Pair({"type_claims": ["vct"]}, {"type_claims": ["vct", "type"]})],
    "keys in the metadata": [
        Pair(
            {"keys": []},
            {"keys": [{"kty": "EC", "x": "x"}]},
            knowing(
                CARD,
                chosen=True,
                metadata={
                    "jwks": {
                        "keys": [
                            {"kty": "EC", "x": "x"},
                            {"kty": "EC", "x": "x", "d": "private"},
                            {"kty": "oct", "k": "shared"},
                        ]
                    }
                },
            ),
        )
    ],
    "not bound": [Pair({"bound": True}, {"bound": False}, knowing(DEGREE))],
    "mandatory claims left out": [Pair({"promised": [["gpa"]]}, {"promised": []})],
}
