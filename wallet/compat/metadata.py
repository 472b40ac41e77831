"""Where metadata was, and what it was like, in drafts 11 to 15 of OpenID4VCI."""

from collections.abc import Sequence
from typing import Final

from wallet.compat.rules import (
    CONFIGURATIONS,
    Facts,
    elements,
    in_each_configuration,
    members,
    renamed,
    text,
    without,
)
from wallet.records import Json, JsonObject

PUBLISHED_FORMAT: Final = "published_format"
"""Member of a configuration that keeps its `format` where a rule changed it: to ask by it."""

W3C_FORMATS: Final = ("jwt_vc_json", "jwt_vc_json-ld", "ldp_vc")
JOSE_ALGORITHMS: Final = ("ES256", "ES384", "ES512", "EdDSA", "Ed25519")

# Where metadata is.


def appended_path(message: JsonObject, _facts: Facts) -> JsonObject:
    """`<identifier>/.well-known/<name>`, after the right places."""
    identifier, name = text(message.get("identifier")), text(message.get("name"))
    return _also_at(message, f"{identifier.removesuffix('/')}/.well-known/{name}")


def openid_configuration(message: JsonObject, _facts: Facts) -> JsonObject:
    """Authorization Server Metadata where OpenID Connect Discovery has it."""
    if message.get("name") != "oauth-authorization-server":
        return message
    issuer = text(message.get("identifier")).removesuffix("/")
    return _also_at(message, f"{issuer}/.well-known/openid-configuration")


def _also_at(message: JsonObject, url: str) -> JsonObject:
    urls = elements(message.get("urls"))
    return message if url in urls else {**message, "urls": [*urls, url]}


# Credential Issuer Metadata.


def kind_of(credential: JsonObject) -> str:
    """The format and type of an offered or supported credential, in whatever draft's members."""
    definition = members(credential.get("credential_definition"))
    types = next(
        (
            ".".join(text(one) for one in elements(found))
            for found in (credential.get("types"), definition.get("types"), definition.get("type"))
            if elements(found)
        ),
        "",
    )
    name = text(credential.get("doctype")) or text(credential.get("vct")) or types
    return f"{text(credential.get(PUBLISHED_FORMAT, credential.get('format')))}:{name}"


def credentials_supported(metadata: JsonObject, _facts: Facts) -> JsonObject:
    """`credentials_supported`, an array of configurations or an object of them."""
    metadata = renamed(metadata, "credentials_supported", CONFIGURATIONS)
    found = elements(metadata.get(CONFIGURATIONS))
    if not found or not all(isinstance(one, dict) for one in found):
        return metadata
    configurations = {
        text(one.get("id")) or kind_of(one): without(one, "id")
        for one in reversed([members(one) for one in found])
    }
    return {**metadata, CONFIGURATIONS: dict(reversed(configurations.items()))}


def authorization_server(metadata: JsonObject, _facts: Facts) -> JsonObject:
    """`authorization_server`, the only one."""
    server = metadata.get("authorization_server")
    if not text(server) or "authorization_servers" in metadata:
        return metadata
    return {**without(metadata, "authorization_server"), "authorization_servers": [server]}


def types_outside_definition(configuration: JsonObject) -> JsonObject:
    """`types`, `@context` and `credentialSubject` of a W3C credential in the configuration."""
    if configuration.get("format") not in W3C_FORMATS:
        return configuration
    outside = {
        name: configuration[name]
        for name in ("types", "@context", "credentialSubject")
        if name in configuration
    }
    definition = {**members(configuration.get("credential_definition")), **outside}
    if "types" not in definition:
        return configuration
    return {
        **without(configuration, *outside),
        "credential_definition": renamed(definition, "types", "type"),
    }


def suites(configuration: JsonObject) -> JsonObject:
    """`cryptographic_suites_supported`."""
    return renamed(
        configuration, "cryptographic_suites_supported", "credential_signing_alg_values_supported"
    )


def proof_types(configuration: JsonObject) -> JsonObject:
    """No proof types with their algorithms, although the credential is bound to a key."""
    bound = elements(configuration.get("cryptographic_binding_methods_supported"))
    given = configuration.get("proof_types_supported", configuration.get("proof_types"))
    if isinstance(given, dict) or not (bound or elements(given)):
        return configuration
    named = elements(configuration.get("credential_signing_alg_values_supported"))
    algorithms = [one for one in named if one in JOSE_ALGORITHMS] or ["ES256"]
    types = [one for one in elements(given) if text(one)] or ["jwt"]
    supported = {text(one): {"proof_signing_alg_values_supported": algorithms} for one in types}
    return {**without(configuration, "proof_types"), "proof_types_supported": supported}


def binding_methods(configuration: JsonObject) -> JsonObject:
    """`did`, for every method, and `mso`, for the key of a mobile document."""
    methods = elements(configuration.get("cryptographic_binding_methods_supported"))
    meant: dict[Json, tuple[Json, ...]] = {"did": ("did:jwk", "did:key"), "mso": ("cose_key",)}
    if not any(isinstance(one, str) and one in meant for one in methods):
        return configuration
    changed = [
        other
        for one in methods
        for other in (meant.get(one, (one,)) if isinstance(one, str) else (one,))
    ]
    return {**configuration, "cryptographic_binding_methods_supported": changed}


def vc_sd_jwt(configuration: JsonObject) -> JsonObject:
    """Format `vc+sd-jwt`."""
    if configuration.get("format") != "vc+sd-jwt":
        return configuration
    return {**configuration, "format": "dc+sd-jwt", PUBLISHED_FORMAT: "vc+sd-jwt"}


def claims_as_map(configuration: JsonObject) -> JsonObject:
    """`claims` as objects within each other, with `order` beside them."""
    claims = configuration.get("claims")
    if not isinstance(claims, dict):
        return configuration
    depth = 2 if configuration.get("format") == "mso_mdoc" else 1
    described = _in_order(_descriptions(claims, ()), configuration.get("order"), 0, depth)
    return {**without(configuration, "order"), "claims": described}


def subject_in_definition(configuration: JsonObject) -> JsonObject:
    """The claims of a W3C credential as `credentialSubject` of its definition."""
    definition = members(configuration.get("credential_definition"))
    subject = definition.get("credentialSubject")
    if not isinstance(subject, dict) or "claims" in configuration:
        return configuration
    order = configuration.get("order", definition.get("order"))
    described = _in_order(_descriptions(subject, ("credentialSubject",)), order, 1, 2)
    return {
        **without(configuration, "order"),
        "credential_definition": without(definition, "credentialSubject", "order"),
        "claims": described,
    }


def _descriptions(claims: JsonObject, above: tuple[str | None, ...]) -> list[JsonObject]:
    """Objects within each other as an array of claims descriptions."""
    found: list[JsonObject] = []
    for name, value in claims.items():
        path = (*above, name)
        if isinstance(value, list | tuple):
            for one in value:
                found += _descriptions(members(one), (*path, None))
            continue
        said = {
            what: told
            for what, told in members(value).items()
            if (what == "display" and isinstance(told, list | tuple))
            or (what == "mandatory" and isinstance(told, bool))
        }
        below = {
            what: inner
            for what, inner in members(value).items()
            if isinstance(inner, dict) or (isinstance(inner, list | tuple) and what != "display")
        }
        if said or not below:
            found.append({"path": list(path), **said})
        found += _descriptions(below, path)
    return found


def _in_order(
    described: list[JsonObject], order: Json, start: int, end: int
) -> Sequence[JsonObject]:
    """The descriptions as `order` has them, by the part of their paths that it names."""
    places = {text(name): place for place, name in reversed([*enumerate(elements(order))])}

    def place(one: JsonObject) -> int:
        named = "~".join(text(part) for part in elements(one["path"])[start:end])
        return places.get(named, len(places))

    return sorted(described, key=place)


def logo_url(metadata: JsonObject, _facts: Facts) -> JsonObject:
    """`url` and `alternative_text` of a logo, of the issuer and of each configuration."""

    def one(display: Json) -> Json:
        shown = members(display)
        if not isinstance(shown.get("logo"), dict):
            return display
        logo = renamed(members(shown["logo"]), "url", "uri")
        return {**shown, "logo": renamed(logo, "alternative_text", "alt_text")}

    def all_of(holder: JsonObject) -> JsonObject:
        if not elements(holder.get("display")):
            return holder
        return {**holder, "display": [one(display) for display in elements(holder["display"])]}

    return in_each_configuration(all_of)(all_of(metadata), _facts)


def display_outside_metadata(configuration: JsonObject) -> JsonObject:
    """`display` and `claims` in the configuration instead of its `credential_metadata`."""
    outside = {name: configuration[name] for name in ("display", "claims") if name in configuration}
    if not outside or "credential_metadata" in configuration:
        return configuration
    return {**without(configuration, *outside), "credential_metadata": outside}
