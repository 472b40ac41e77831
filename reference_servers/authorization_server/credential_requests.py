"""What a wallet asks for: scopes and `authorization_details`, against the issuers' metadata.

OpenID4VCI 1.0, section 5.1; RFC 9396. The metadata are read over HTTP, like everybody does.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidScopeError

OPENID_CREDENTIAL: Final = "openid_credential"
CACHE_S: Final = 30.0


class InvalidAuthorizationDetailsError(OAuth2Error):  # type: ignore[misc]
    """RFC 9396, section 5."""

    error = "invalid_authorization_details"


class TemporarilyUnavailableError(OAuth2Error):  # type: ignore[misc]
    """RFC 6749, section 4.1.2.1."""

    error = "temporarily_unavailable"


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

    def __init__(self, identifiers: Sequence[str]) -> None:
        self._identifiers = identifiers
        self._cache: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def metadata(self) -> Mapping[str, Mapping[str, Any]]:
        """Metadata by Credential Issuer Identifier.

        Raises:
            TemporarilyUnavailableError: An issuer cannot be reached, or is another one.
        """
        return {identifier: self._one(identifier) for identifier in self._identifiers}

    def _one(self, identifier: str) -> Mapping[str, Any]:
        read_at, document = self._cache.get(identifier, (0.0, {}))
        if document and time.monotonic() < read_at + CACHE_S:
            return document
        parts = urlsplit(identifier)
        url = (
            f"{parts.scheme}://{parts.netloc}/.well-known/openid-credential-issuer"
            f"{parts.path.rstrip('/')}"
        )
        try:
            response = httpx.get(
                url, headers={"Accept": "application/json"}, timeout=5, trust_env=False
            )
            document = dict(response.raise_for_status().json())
            if document["credential_issuer"] != identifier:
                raise TemporarilyUnavailableError("The credential issuer is another one.")
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            raise TemporarilyUnavailableError("The credential issuer cannot be reached.") from None
        self._cache[identifier] = (time.monotonic(), document)
        return document


def wanted(parameters: Mapping[str, str], issuers: Issuers) -> tuple[Wanted, ...]:
    """Everything a request asks for; unknown scopes are ignored (RFC 6749, section 3.3).

    Raises:
        InvalidScopeError: It asks for nothing there is.
        InvalidAuthorizationDetailsError: Its details are broken or name what there is not.
    """
    metadata = issuers.metadata()
    by_details = _by_details(parameters.get("authorization_details"), metadata)
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


def _by_details(value: str | None, metadata: Mapping[str, Mapping[str, Any]]) -> tuple[Wanted, ...]:
    if value is None:
        return ()
    try:
        elements = json.loads(value)
    except (ValueError, RecursionError):
        raise InvalidAuthorizationDetailsError("authorization_details is not JSON.") from None
    if not isinstance(elements, list) or not elements:
        raise InvalidAuthorizationDetailsError("authorization_details is not an array.")
    return tuple(_by_detail(element, metadata) for element in elements)


def _by_detail(element: Any, metadata: Mapping[str, Mapping[str, Any]]) -> Wanted:  # noqa: ANN401
    if not isinstance(element, dict) or element.get("type") != OPENID_CREDENTIAL:
        raise InvalidAuthorizationDetailsError("An element is not of type openid_credential.")
    locations = element.get("locations", list(metadata))
    if not isinstance(locations, list):
        raise InvalidAuthorizationDetailsError("locations is not an array.")
    name = element.get("credential_configuration_id")
    for issuer, document in metadata.items():
        configurations = document["credential_configurations_supported"]
        if issuer in locations and isinstance(name, str) and name in configurations:
            return Wanted(issuer, name, configurations[name], element, "")
    raise InvalidAuthorizationDetailsError("There is no such credential at this location.")
