"""What was right in drafts 11 to 15 of OpenID4VCI, and is wrong in 1.0: messages, and all rules."""

import json
from typing import Final

from wallet.compat.metadata import (
    PUBLISHED_FORMAT,
    appended_path,
    authorization_server,
    binding_methods,
    claims_as_map,
    credentials_supported,
    display_outside_metadata,
    kind_of,
    logo_url,
    openid_configuration,
    proof_types,
    subject_in_definition,
    suites,
    types_outside_definition,
    vc_sd_jwt,
)
from wallet.compat.rules import (
    CONFIGURATIONS,
    STATUS,
    Facts,
    Place,
    Rule,
    elements,
    in_each_configuration,
    members,
    renamed,
    text,
    without,
)
from wallet.records import JsonObject

PRE_AUTHORIZED_CODE: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
DEFAULT_INTERVAL_S: Final = 5

# Credential Offer.


def offered_under_credentials(offer: JsonObject, _facts: Facts) -> JsonObject:
    """`credentials`; an object among them is called by its format and type."""
    if "credential_configuration_ids" in offer or not elements(offer.get("credentials")):
        return offer
    ids = [kind_of(one) if isinstance(one, dict) else one for one in elements(offer["credentials"])]
    return {**without(offer, "credentials"), "credential_configuration_ids": ids}


def offered_by_type(message: JsonObject, facts: Facts) -> JsonObject:
    """An id that is a format and type is replaced by the id of the configuration that has them."""
    known = members(facts.metadata.get(CONFIGURATIONS))
    by_kind = {kind_of(members(one)): name for name, one in reversed([*known.items()])}
    ids = [
        one if text(one) in known else by_kind.get(text(one), one)
        for one in elements(message.get("credential_configuration_ids"))
    ]
    return {**message, "credential_configuration_ids": ids}


def user_pin_required(offer: JsonObject, _facts: Facts) -> JsonObject:
    """`user_pin_required`: a transaction code of digits."""
    grants = members(offer.get("grants"))
    grant = members(grants.get(PRE_AUTHORIZED_CODE))
    if "user_pin_required" not in grant or "tx_code" in grant:
        return offer
    code = {"tx_code": {"input_mode": "numeric"}} if grant["user_pin_required"] is True else {}
    changed = {**without(grant, "user_pin_required"), **code}
    return {**offer, "grants": {**grants, PRE_AUTHORIZED_CODE: changed}}


def user_pin(parameters: JsonObject, _facts: Facts) -> JsonObject:
    """The transaction code is sent as `user_pin`."""
    return renamed(parameters, "tx_code", "user_pin")


# Authorization and Token.


def details_by_format(parameters: JsonObject, facts: Facts) -> JsonObject:
    """`authorization_details` that name format and type."""
    try:
        details = json.loads(text(parameters.get("authorization_details")))
    except ValueError:
        return parameters
    asked = [
        {**without(one, "credential_configuration_id"), **by_types(facts.configuration)}
        if one.get("credential_configuration_id") == facts.credential_configuration_id
        else one
        for one in map(members, elements(details))
    ]
    return {**parameters, "authorization_details": json.dumps(asked, separators=(",", ":"))}


def no_identifiers(token: JsonObject, facts: Facts) -> JsonObject:
    """`authorization_details` without `credential_identifiers`, for the credential asked for."""
    details = elements(token.get("authorization_details"))
    configuration = facts.configuration
    published = configuration.get(PUBLISHED_FORMAT, configuration.get("format"))

    def tells_nothing(one: JsonObject) -> bool:
        named, format_ = one.get("credential_configuration_id"), one.get("format")
        asked = named == facts.credential_configuration_id if named else format_ == published
        return (
            one.get("type") == "openid_credential"
            and "credential_identifiers" not in one
            and bool(named or format_)
            and asked
        )

    kept = [one for one in details if not tells_nothing(members(one))]
    if len(kept) == len(details):
        return token
    rest = without(token, "authorization_details")
    return {**rest, "authorization_details": kept} if kept else rest


# Nonce, Credential and Deferred Credential.


def nonce_elsewhere(message: JsonObject, _facts: Facts) -> JsonObject:
    """`c_nonce` in the token response, in a credential response or in a refusal."""
    nonce = text(members(message.get("latest")).get("c_nonce"))
    return {**message, "c_nonce": nonce} if nonce else message


def invalid_proof(answer: JsonObject, _facts: Facts) -> JsonObject:
    """A fresh `c_nonce` in a refusal of the key proof: it was the nonce that was wrong."""
    refused = answer.get("error") in ("invalid_proof", "invalid_or_missing_proof")
    if not refused or not text(answer.get("c_nonce")):
        return answer
    return {**answer, "error": "invalid_nonce"}


def single_proof(request: JsonObject, _facts: Facts) -> JsonObject:
    """A lone key proof as `proof`."""
    proofs = members(request.get("proofs"))
    (kind, found), *others = [*proofs.items()] or [("", ())]
    if others or len(elements(found)) != 1:
        return request
    proof = {"proof_type": kind, kind: elements(found)[0]}
    return {**without(request, "proofs"), "proof": proof}


def single_proof_without_batch(request: JsonObject, facts: Facts) -> JsonObject:
    """As `single_proof`, of an issuer that does not say it knows `proofs`."""
    if "batch_credential_issuance" in facts.metadata:
        return request
    return single_proof(request, facts)


def by_format(configuration: JsonObject) -> JsonObject:
    """What names a credential in a request of drafts 13 and 14: its format and type."""
    definition = without(members(configuration.get("credential_definition")), "credentialSubject")
    named = {name: configuration[name] for name in ("vct", "doctype") if name in configuration}
    return {
        "format": configuration.get(PUBLISHED_FORMAT, configuration.get("format")),
        **named,
        **({"credential_definition": definition} if definition else {}),
    }


def by_types(configuration: JsonObject) -> JsonObject:
    """As `by_format`, in drafts 11 and 12."""
    named = by_format(configuration)
    definition = renamed(members(named.get("credential_definition")), "type", "types")
    if not definition:
        return named
    if named["format"] == "jwt_vc_json":
        return {"format": named["format"], **definition}
    return {**named, "credential_definition": definition}


def asked_by_format(request: JsonObject, facts: Facts) -> JsonObject:
    """The credential is asked for by format and type, where there is no identifier for it."""
    if "credential_configuration_id" not in request or not facts.configuration:
        return request
    return {**by_format(facts.configuration), **without(request, "credential_configuration_id")}


def asked_by_types(request: JsonObject, facts: Facts) -> JsonObject:
    """As `asked_by_format`, with `types`."""
    if "credential_configuration_id" not in request or not facts.configuration:
        return request
    return {**by_types(facts.configuration), **without(request, "credential_configuration_id")}


def encryption_algorithm(request: JsonObject, _facts: Facts) -> JsonObject:
    """`alg` of the response's encryption beside its key."""
    encryption = members(request.get("credential_response_encryption"))
    algorithm = members(encryption.get("jwk")).get("alg")
    if not text(algorithm) or "alg" in encryption:
        return request
    return {**request, "credential_response_encryption": {**encryption, "alg": algorithm}}


def single_credential(answer: JsonObject, _facts: Facts) -> JsonObject:
    """`credential`."""
    if "credential" not in answer or "credentials" in answer:
        return answer
    credentials = [{"credential": answer["credential"]}]
    return {**without(answer, "credential"), "credentials": credentials}


def bare_credentials(answer: JsonObject, _facts: Facts) -> JsonObject:
    """`credentials` that are not wrapped in objects."""
    found = elements(answer.get("credentials"))
    wrapped = [one if "credential" in members(one) else {"credential": one} for one in found if one]
    return {**answer, "credentials": wrapped} if found else answer


def no_interval(answer: JsonObject, _facts: Facts) -> JsonObject:
    """A transaction without an `interval`: five seconds."""
    if answer.get(STATUS) != 202 or "transaction_id" not in answer or "interval" in answer:
        return answer
    return {**answer, "interval": DEFAULT_INTERVAL_S}


def pending_as_error(answer: JsonObject, facts: Facts) -> JsonObject:
    """Error `issuance_pending` of a deferred issuance."""
    if answer.get("error") != "issuance_pending" or not facts.transaction_id:
        return answer
    interval = answer.get("interval", DEFAULT_INTERVAL_S)
    return {STATUS: 202, "transaction_id": facts.transaction_id, "interval": interval}


def typed_vc_sd_jwt(expected: JsonObject, _facts: Facts) -> JsonObject:
    """`typ` of an SD-JWT VC before draft -06; until draft -18 both were to be taken."""
    typ = elements(expected.get("typ"))
    if "dc+sd-jwt" not in typ or "vc+sd-jwt" in typ:
        return expected
    return {**expected, "typ": [*typ, "vc+sd-jwt"]}


# By draft.

APPENDED_PATH: Final = Rule(
    "appended well-known path", Place.METADATA_URLS, "drafts 11 to 15", appended_path
)
OPENID_CONFIGURATION: Final = Rule(
    "openid-configuration", Place.METADATA_URLS, "OpenID Connect Discovery", openid_configuration
)
DISPLAY_OUTSIDE_METADATA: Final = Rule(
    "display and claims outside credential_metadata",
    Place.ISSUER_METADATA,
    "draft 15, section 11.2.3",
    in_each_configuration(display_outside_metadata),
)
PROOF_TYPES: Final = Rule(
    "no proof types",
    Place.ISSUER_METADATA,
    "draft 11, section 10.2.3.1",
    in_each_configuration(proof_types),
)
LOGO_URL: Final = Rule(
    "url of a logo instead of uri", Place.ISSUER_METADATA, "draft 13, section 11.2.3", logo_url
)
NO_IDENTIFIERS: Final = Rule(
    "authorization_details without credential_identifiers",
    Place.TOKEN_RESPONSE,
    "draft 13, section 6.2",
    no_identifiers,
)
SINGLE_PROOF: Final = Rule(
    "proof instead of proofs", Place.CREDENTIAL_REQUEST, "draft 13, section 7.2", single_proof
)
TYPED_VC_SD_JWT: Final = Rule(
    "typ vc+sd-jwt", Place.EXPECTED, "SD-JWT VC, drafts -05 to -18, section 3.2.1", typed_vc_sd_jwt
)

_EVERY: Final = (
    APPENDED_PATH,
    OPENID_CONFIGURATION,
    Rule(
        "alg beside the encryption key",
        Place.CREDENTIAL_REQUEST,
        "draft 15, section 8.2",
        encryption_algorithm,
    ),
    Rule("issuance_pending", Place.CREDENTIAL_RESPONSE, "draft 15, section 9.3", pending_as_error),
    Rule("no interval", Place.CREDENTIAL_RESPONSE, "draft 15, section 8.3", no_interval),
    TYPED_VC_SD_JWT,
)
_SINGLE_PROOF_WITHOUT_BATCH: Final = Rule(
    "proof instead of proofs, without batch",
    Place.CREDENTIAL_REQUEST,
    "draft 15, section 8.2",
    single_proof_without_batch,
)
_UNTIL_14: Final = (
    Rule(
        "format vc+sd-jwt",
        Place.ISSUER_METADATA,
        "draft 14, appendix A.3.1",
        in_each_configuration(vc_sd_jwt),
    ),
    Rule(
        "claims as a map",
        Place.ISSUER_METADATA,
        "draft 14, appendix A.3.2",
        in_each_configuration(claims_as_map),
    ),
    Rule(
        "credentialSubject in the credential_definition",
        Place.ISSUER_METADATA,
        "draft 14, appendix A.1.1.2",
        in_each_configuration(subject_in_definition),
    ),
    LOGO_URL,
    DISPLAY_OUTSIDE_METADATA,
    Rule(
        "c_nonce without a nonce endpoint",
        Place.NONCE,
        "draft 14, sections 6.2 and 7.3",
        nonce_elsewhere,
    ),
    Rule(
        "invalid_proof with a c_nonce",
        Place.CREDENTIAL_RESPONSE,
        "draft 14, section 7.3.2",
        invalid_proof,
    ),
    Rule(
        "credential instead of credentials",
        Place.CREDENTIAL_RESPONSE,
        "draft 14, section 7.3",
        single_credential,
    ),
)
_ASKED_BY_FORMAT: Final = Rule(
    "format instead of a configuration id",
    Place.CREDENTIAL_REQUEST,
    "draft 13, section 7.2",
    asked_by_format,
)

DRAFT_15: Final = (*_EVERY, DISPLAY_OUTSIDE_METADATA, _SINGLE_PROOF_WITHOUT_BATCH)
DRAFT_14: Final = (
    *_EVERY,
    *_UNTIL_14,
    _ASKED_BY_FORMAT,
    _SINGLE_PROOF_WITHOUT_BATCH,
    Rule("bare credentials", Place.CREDENTIAL_RESPONSE, "draft 14, section 7.3", bare_credentials),
)
DRAFT_13: Final = (*_EVERY, *_UNTIL_14, NO_IDENTIFIERS, _ASKED_BY_FORMAT, SINGLE_PROOF)
DRAFT_11: Final = (
    Rule(
        "credentials in the offer",
        Place.OFFER,
        "draft 11, section 4.1.1",
        offered_under_credentials,
    ),
    Rule("user_pin_required", Place.OFFER, "draft 11, section 4.1.1", user_pin_required),
    Rule("offered by type", Place.OFFERED, "draft 11, section 4.1.1", offered_by_type),
    Rule(
        "credentials_supported in the metadata",
        Place.ISSUER_METADATA,
        "draft 11, section 10.2.3",
        credentials_supported,
    ),
    Rule(
        "a single authorization_server",
        Place.ISSUER_METADATA,
        "draft 11, section 10.2.3",
        authorization_server,
    ),
    Rule(
        "types outside the credential_definition",
        Place.ISSUER_METADATA,
        "draft 11, appendix E.1.1.2",
        in_each_configuration(types_outside_definition),
    ),
    Rule(
        "cryptographic_suites_supported in the metadata",
        Place.ISSUER_METADATA,
        "draft 11, section 10.2.3.1",
        in_each_configuration(suites),
    ),
    PROOF_TYPES,
    Rule(
        "binding methods did and mso",
        Place.ISSUER_METADATA,
        "draft 11, section 10.2.3.1",
        in_each_configuration(binding_methods),
    ),
    *_EVERY,
    *_UNTIL_14,
    NO_IDENTIFIERS,
    Rule(
        "authorization_details by format",
        Place.AUTHORIZATION_REQUEST,
        "draft 11, section 5.1.1",
        details_by_format,
    ),
    Rule("user_pin instead of tx_code", Place.TOKEN_REQUEST, "draft 11, section 6.1", user_pin),
    Rule(
        "format and types instead of a configuration id",
        Place.CREDENTIAL_REQUEST,
        "draft 11, section 7.2",
        asked_by_types,
    ),
    SINGLE_PROOF,
)
