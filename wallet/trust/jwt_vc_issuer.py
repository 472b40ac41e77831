"""JWT VC Issuer Metadata: an issuer's keys at its own domain (SD-JWT VC, section 5)."""

from collections.abc import Mapping
from typing import Final, TypeVar

from pydantic import ValidationError

from wallet.errors import PeerBrokeProtocol
from wallet.oauth.documents import Document, pointer
from wallet.ports import HttpResponse
from wallet.trust.key_sets import JWK_SET, KeySet, read_json
from wallet.urls import read_identifier, well_known

RULE: Final = "SD-JWT VC, section 5"

D = TypeVar("D", bound=Document)


class JwtVcIssuer(Document):
    """The document."""

    issuer: str
    jwks: KeySet | None = None
    jwks_uri: str | None = None


def is_web_issuer(issuer: str) -> bool:
    """Whether an issuer is called by a URL at which its keys can be looked for."""
    if not issuer.startswith(("https://", "http://")):
        return False
    try:
        read_identifier(issuer)
    except PeerBrokeProtocol:
        return False
    return True


def metadata_url(issuer: str) -> str:
    """Where the document of `issuer` is: a terminating "/" goes (section 5.1)."""
    return well_known(issuer.removesuffix("/"), "jwt-vc-issuer")


def read_jwt_vc_issuer(response: HttpResponse, issuer: str) -> KeySet | str:
    """The keys of `issuer`, or the URL where they are.

    Raises:
        ValueError: It is no such document, another issuer's, or names its keys in no or two ways.
    """
    document = _read(JwtVcIssuer, read_json(response))
    if document.issuer != issuer:
        message = f"it is that of {document.issuer[:200]!r}"
        raise ValueError(message)
    match document.jwks, document.jwks_uri:
        case KeySet() as keys, None:
            return keys
        case None, str(uri):
            return uri
        case _:
            message = "it has not exactly one of jwks and jwks_uri"
            raise ValueError(message)


def read_key_set(response: HttpResponse) -> KeySet:
    """The key set at a `jwks_uri`. Raises `ValueError`."""
    return _read(KeySet, read_json(response, JWK_SET))


def _read(model: type[D], document: Mapping[str, object]) -> D:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ValueError(pointer(error)) from None
