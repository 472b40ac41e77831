"""What a wallet asks for: scopes and `authorization_details`, against the issuers' metadata.

OpenID4VCI 1.0, section 5.1; RFC 9396. The metadata are read over HTTP, like everybody does.
"""

import json
import secrets
import ssl
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from reference_servers.authorization_server.leniency import Leniency

OPENID_CREDENTIAL: Final = "openid_credential"
CACHE_S: Final = 30.0


class InvalidAuthorizationDetailsError(OAuth2Error):  # type: ignore[misc]
    """RFC 9396, section 5."""

    error = "invalid_authorization_details"


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    """RFC 8707, section 2."""

    error = "invalid_target"


class TemporarilyUnavailableError(OAuth2Error):  # type: ignore[misc]
    """RFC 6749, section 4.1.2.1."""

    error = "temporarily_unavailable"
    status_code = 503


@dataclass(frozen=True)
class Wanted:
    """One credential somebody asks for.

    Attributes:
        credential_issuer: Credential Issuer Identifier.
        credential_configuration_id: Key of its metadata.
        configuration: That configuration.
        detail: The `authorization_details` element; None where it was asked for by scope.
        scope: The scope; empty where it was asked for by details.
    """

    credential_issuer: str
    credential_configuration_id: str
    configuration: Mapping[str, Any]
    detail: Mapping[str, Any] | None
    scope: str


class Issuers:
    """The metadata of the credential issuers this server works for, read when needed."""

    def __init__(self, identifiers: Sequence[str], tls: ssl.SSLContext) -> None:
        self.identifiers = identifiers
        self._tls = tls
        self._cache: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def metadata(
        self, resource: str | None = None, locations: Collection[object] | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Metadata by Credential Issuer Identifier.

        Args:
            resource: Of this issuer only.
            locations: Of those among these only.

        Raises:
            InvalidTargetError: The resource is none of them.
            TemporarilyUnavailableError: An issuer cannot be reached, or is another one.
        """
        if resource is not None and resource not in self.identifiers:
            raise InvalidTargetError("The resource is not a credential issuer of this server.")
        return {
            one: self._one(one)
            for one in (self.identifiers if resource is None else (resource,))
            if locations is None or one in locations
        }

    def _one(self, identifier: str) -> Mapping[str, Any]:
        read_at, document = self._cache.get(identifier, (0.0, {}))
        if document and time.monotonic() < read_at + CACHE_S:
            return document
        document = self._well_known(identifier, "openid-credential-issuer")
        if document.get("credential_issuer") != identifier:
            raise TemporarilyUnavailableError("The credential issuer is another one.")
        self._cache[identifier] = (time.monotonic(), document)
        return document

    def keys(self, identifier: str) -> KeySet:
        """What an issuer of this server signs with: its JWT VC Issuer Metadata (SD-JWT VC -11).

        Raises:
            TemporarilyUnavailableError: It cannot be reached, or is another one.
        """
        document = self._well_known(identifier, "jwt-vc-issuer")
        if document.get("issuer") != identifier:
            raise TemporarilyUnavailableError("The credential issuer is another one.")
        try:
            jwks = document["jwks"] if "jwks" in document else self._read(document["jwks_uri"])
            return KeySet.import_key_set({"keys": jwks["keys"]})
        except (JoseError, ValueError, KeyError, TypeError):
            raise TemporarilyUnavailableError("The credential issuer has no keys.") from None

    def _well_known(self, identifier: str, name: str) -> Mapping[str, Any]:
        parts = urlsplit(identifier)
        return self._read(f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}")

    def _read(self, url: str) -> dict[str, Any]:
        try:
            response = httpx.get(
                url,
                headers={"Accept": "application/json"},
                timeout=5,
                trust_env=False,
                verify=self._tls,
            )
            return dict(response.raise_for_status().json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError):
            raise TemporarilyUnavailableError("The credential issuer cannot be reached.") from None


def wanted(
    parameters: Mapping[str, str], issuers: Issuers, leniency: Leniency
) -> tuple[Wanted, ...]:
    """Everything a request asks for; unknown scopes are ignored (RFC 6749, section 3.3).

    Raises:
        InvalidScopeError: It asks for nothing there is.
        InvalidAuthorizationDetailsError: Its details are broken or name what there is not.
        InvalidTargetError: Its resource is no issuer of this server.
    """
    resource = parameters.get("resource")
    if resource not in issuers.identifiers and resource and leniency.forgives("unknown_resource"):
        resource = None
    value = parameters.get("authorization_details")
    details = elements(value, leniency) if value else []
    metadata = issuers.metadata(resource, _locations(details))
    by_details = tuple(_by_detail(element, metadata, leniency) for element in details)
    named = {(one.credential_issuer, one.credential_configuration_id) for one in by_details}
    scopes = (parameters.get("scope") or "").split()
    by_scope = tuple(
        Wanted(issuer, name, configuration, None, configuration["scope"])
        for issuer, document in metadata.items()
        for name, configuration in document["credential_configurations_supported"].items()
        if configuration.get("scope") in scopes and (issuer, name) not in named
    )
    if not by_details and not by_scope:
        raise InvalidScopeError("The request asks for no known credential.")
    if len({one.credential_issuer for one in by_details + by_scope}) > 1:
        raise InvalidScopeError("The request asks for credentials of several issuers.")
    return by_details + by_scope


def offered(names: object, credential_issuer: str, issuers: Issuers) -> tuple[Wanted, ...]:
    """What an issuer offers by a pre-authorized code; by scope where one names nothing else.

    Raises:
        InvalidRequestError: It has no such configurations.
    """
    [document] = issuers.metadata(credential_issuer).values()
    configurations = document["credential_configurations_supported"]
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) and name in configurations for name in names)
    ):
        raise InvalidRequestError("credential_configuration_ids are not of this issuer.")
    scopes = [one.get("scope") for one in configurations.values()]
    by_scope = all(scopes.count(configurations[name].get("scope")) == 1 for name in names)
    by_scope = by_scope and all("scope" in configurations[name] for name in names)
    return tuple(
        Wanted(
            credential_issuer,
            name,
            configurations[name],
            None if by_scope else _detail(credential_issuer, name),
            configurations[name]["scope"] if by_scope else "",
        )
        for name in dict.fromkeys(names)
    )


def _detail(credential_issuer: str, name: str) -> dict[str, Any]:
    return {
        "type": OPENID_CREDENTIAL,
        "locations": [credential_issuer],
        "credential_configuration_id": name,
    }


def grantable(asked: Sequence[Wanted]) -> list[dict[str, Any]]:
    """What a token may name of it: `authorization_details`, each with its identifiers."""
    return [
        {
            **(one.detail or _detail(one.credential_issuer, one.credential_configuration_id)),
            "credential_identifiers": [secrets.token_urlsafe(12)],
        }
        for one in asked
    ]


def narrowed(
    value: str,
    granted: Sequence[Mapping[str, Any]],
    credential_issuer: str,
    leniency: Leniency,
) -> list[dict[str, Any]]:
    """The part of `granted` that a token request names (OpenID4VCI 1.0, section 6.1.1).

    Raises:
        InvalidAuthorizationDetailsError: It is broken, or more than was consented to.
    """
    by_name = {detail["credential_configuration_id"]: detail for detail in granted}
    part = []
    for element in elements(value, leniency):
        name = element.get("credential_configuration_id")
        here = credential_issuer in element.get("locations", [credential_issuer])
        if not (here and isinstance(name, str) and name in by_name):
            raise InvalidAuthorizationDetailsError("That was not consented to.")
        part.append({**element, **by_name[name]})
    return part


def elements(value: str, leniency: Leniency) -> list[dict[str, Any]]:
    """The elements of an `authorization_details` parameter (RFC 9396, section 2)."""
    try:
        array = json.loads(value)
        # Part of it becomes JSON again: no half characters, no NaN.
        json.dumps(array, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise InvalidAuthorizationDetailsError("authorization_details is not JSON.") from None
    if not isinstance(array, list) or not array:
        raise InvalidAuthorizationDetailsError("authorization_details is not an array.")
    for element in array:
        if not isinstance(element, dict) or element.get("type") != OPENID_CREDENTIAL:
            raise InvalidAuthorizationDetailsError("An element is not of type openid_credential.")
        for name in ("locations", "claims"):
            if not isinstance(element.get(name, []), list):
                raise InvalidAuthorizationDetailsError(f"{name} is not an array.")
        if "credential_identifiers" in element and not leniency.forgives("sent_identifiers"):
            raise InvalidAuthorizationDetailsError("credential_identifiers are not the client's.")
    return array


def _locations(details: Sequence[Mapping[str, Any]]) -> Sequence[object] | None:
    """Where everything is that a request asks for; None where it does not say."""
    if not details or not all("locations" in element for element in details):
        return None
    return [location for element in details for location in element["locations"]]


def _by_detail(
    element: Mapping[str, Any], metadata: Mapping[str, Mapping[str, Any]], leniency: Leniency
) -> Wanted:
    locations = element.get("locations", list(metadata))
    name = element.get("credential_configuration_id")
    for issuer, document in metadata.items():
        configurations = document["credential_configurations_supported"]
        if issuer in locations and isinstance(name, str) and name in configurations:
            if (
                "locations" not in element
                and "authorization_servers" in document
                and not leniency.forgives("missing_locations")
            ):
                raise InvalidAuthorizationDetailsError("locations are missing.")
            return Wanted(issuer, name, configurations[name], element, "")
    raise InvalidAuthorizationDetailsError("There is no such credential at this location.")
