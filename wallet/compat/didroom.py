"""What the servers of DIDroom do otherwise than OpenID4VCI 1.0, as they are deployed.

Seen in whole issuances with their microservices of November 2025, and in their source.
"""

import json
from typing import Final

from wallet.compat.drafts import (
    APPENDED_PATH,
    DISPLAY_OUTSIDE_METADATA,
    LOGO_URL,
    NO_IDENTIFIERS,
    OPENID_CONFIGURATION,
    PROOF_TYPES,
    SINGLE_PROOF,
)
from wallet.compat.metadata import PUBLISHED_FORMAT
from wallet.compat.rules import (
    Facts,
    Place,
    Rule,
    elements,
    in_each_configuration,
    members,
    text,
    without,
)
from wallet.records import JsonObject

SOURCE: Final = "DIDroom"
TEN_YEARS_S: Final = 315_360_000
"""No access token lives that long; a greater `expires_in` is a time."""


def offer_as_parameters(link: JsonObject, _facts: Facts) -> JsonObject:
    """The members of the offer are parameters of the link."""
    issuer, ids = link.get("credential_issuer"), text(link.get("credential_configuration_ids"))
    if not text(issuer) or not ids or {"credential_offer", "credential_offer_uri"} & link.keys():
        return link
    offer = {"credential_issuer": issuer, "credential_configuration_ids": ids.split(",")}
    return {"credential_offer": json.dumps(offer)}


def subject_left_out(configuration: JsonObject) -> JsonObject:
    """Paths of a W3C credential's claims begin below `credentialSubject`."""
    metadata = members(configuration.get("credential_metadata"))
    claims = elements(metadata.get("claims"))
    if configuration.get("format") != "ldp_vc":
        return configuration
    changed = [
        {**claim, "path": ["credentialSubject", *path]}
        if (path := elements(claim.get("path"))) and path[0] != "credentialSubject"
        else claim
        for claim in map(members, claims)
    ]
    if not changed:
        return configuration
    return {**configuration, "credential_metadata": {**metadata, "claims": changed}}


def details_only(parameters: JsonObject, facts: Facts) -> JsonObject:
    """A credential is asked for by `authorization_details` with `locations`; a scope is refused."""
    if "authorization_details" in parameters:
        return parameters
    asked = {
        "type": "openid_credential",
        "credential_configuration_id": facts.credential_configuration_id,
        "locations": [facts.metadata.get("credential_issuer")],
    }
    return {
        **without(parameters, "scope", "resource"),
        "authorization_details": json.dumps([asked], separators=(",", ":")),
    }


def plus_not_a_space(form: JsonObject, _facts: Facts) -> JsonObject:
    """A form's `+` is not read as a space; `%20` is."""
    return {**form, "body": text(form.get("body")).replace("+", "%20")}


def raw_colons(url: JsonObject, _facts: Facts) -> JsonObject:
    """A `request_uri` is compared as it is written: its colons must not be encoded."""
    return {**url, "query": text(url.get("query")).replace("%3A", ":")}


def no_state(response: JsonObject, facts: Facts) -> JsonObject:
    """The authorization response has no `state`.

    It is bound to this flow by a `redirect_uri` of its own and by PKCE; a wrong `state` stays
    wrong, and where the `redirect_uri` is not unique a missing one does, too.
    """
    if "state" in response or facts.state is None or not facts.redirect_is_unique:
        return response
    return {**response, "state": facts.state.reveal()}


def log_in_description(response: JsonObject, _facts: Facts) -> JsonObject:
    """`error_description` is the log of the server, with what the holder typed in it."""
    if "ZENROOM" not in text(response.get("error_description")):
        return response
    return without(response, "error_description")


def bearer_after_dpop(expected: JsonObject, _facts: Facts) -> JsonObject:
    """A DPoP proof is demanded for a token that is not bound to its key."""
    types = elements(expected.get("token_types"))
    return expected if "bearer" in types else {**expected, "token_types": [*types, "bearer"]}


def expires_at(token: JsonObject, facts: Facts) -> JsonObject:
    """`expires_in` is a time, in seconds since 1970."""
    told = token.get("expires_in")
    if isinstance(told, bool) or not isinstance(told, int | float) or facts.now is None:
        return token
    if told <= TEN_YEARS_S:
        return token
    return {**token, "expires_in": max(0, int(told - facts.now.timestamp()))}


def scheme_as_typed(header: JsonObject, facts: Facts) -> JsonObject:
    """The scheme must be written as the token type was."""
    if header.get("scheme") != "Bearer" or facts.token.get("token_type") != "bearer":
        return header
    return {**header, "scheme": "bearer"}


def format_besides(request: JsonObject, facts: Facts) -> JsonObject:
    """`format` must stand beside `credential_configuration_id`, whatever it says."""
    configuration = facts.configuration
    published = configuration.get(PUBLISHED_FORMAT, configuration.get("format"))
    if "credential_configuration_id" not in request or "format" in request or not text(published):
        return request
    return {"format": published, **request}


def type_for_vct(expected: JsonObject, _facts: Facts) -> JsonObject:
    """An SD-JWT VC without `vct` tells its type as `type`."""
    claims = elements(expected.get("type_claims"))
    if "vct" not in claims or "type" in claims:
        return expected
    return {**expected, "type_claims": [*claims, "type"]}


def keys_in_metadata(expected: JsonObject, facts: Facts) -> JsonObject:
    """The issuer's key is in its metadata, and nowhere else.

    An issuer could make anybody believe it that way, so this takes the holder's own word.
    """
    if not facts.chosen:
        return expected
    keys = [
        one
        for one in map(members, elements(members(facts.metadata.get("jwks")).get("keys")))
        if one.get("kty") in ("EC", "OKP") and "d" not in one
    ]
    return {**expected, "keys": keys} if keys else expected


def not_bound(expected: JsonObject, facts: Facts) -> JsonObject:
    """A key proof is demanded for an `ldp_vc` credential that names no key."""
    if facts.configuration.get("format") != "ldp_vc":
        return expected
    return {**expected, "bound": False}


def mandatory_left_out(expected: JsonObject, _facts: Facts) -> JsonObject:
    """`mandatory` is said of claims that are issued only where the holder's data has them."""
    return {**expected, "promised": []} if elements(expected.get("promised")) else expected


RULES: Final = (
    Rule("offer as parameters", Place.OFFER_LINK, SOURCE, offer_as_parameters),
    APPENDED_PATH,
    OPENID_CONFIGURATION,
    LOGO_URL,
    PROOF_TYPES,
    DISPLAY_OUTSIDE_METADATA,
    Rule(
        "paths without credentialSubject",
        Place.ISSUER_METADATA,
        SOURCE,
        in_each_configuration(subject_left_out),
    ),
    Rule("authorization_details only", Place.AUTHORIZATION_REQUEST, SOURCE, details_only),
    Rule("no + for a space", Place.FORM, SOURCE, plus_not_a_space),
    Rule("raw colons", Place.AUTHORIZATION_URL, SOURCE, raw_colons),
    Rule("no state", Place.AUTHORIZATION_RESPONSE, SOURCE, no_state),
    Rule("log in error_description", Place.AUTHORIZATION_RESPONSE, SOURCE, log_in_description),
    Rule("bearer after DPoP", Place.TOKEN_TYPES, SOURCE, bearer_after_dpop),
    Rule("expires_in as a time", Place.TOKEN_RESPONSE, SOURCE, expires_at),
    NO_IDENTIFIERS,
    Rule("bearer in lower case", Place.AUTHORIZATION_HEADER, SOURCE, scheme_as_typed),
    SINGLE_PROOF,
    Rule("format besides", Place.CREDENTIAL_REQUEST, SOURCE, format_besides),
    Rule("type for vct", Place.EXPECTED, SOURCE, type_for_vct),
    Rule("keys in the metadata", Place.EXPECTED, SOURCE, keys_in_metadata),
    Rule("not bound", Place.EXPECTED, SOURCE, not_bound),
    Rule("mandatory claims left out", Place.EXPECTED, SOURCE, mandatory_left_out),
)
