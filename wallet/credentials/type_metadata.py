"""SD-JWT VC Type Metadata (SD-JWT VC, section 4): what a type is called, and its claims.

It is read into the words of OpenID4VCI's `credential_metadata`, so that one place draws cards. SVG
templates are let be: this wallet draws simple renderings only.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pydantic import Field, ValidationError

from wallet.credentials.claims_path import has_claim
from wallet.oauth.documents import Document, pointer
from wallet.records import Json, JsonObject
from wallet.strict import MAX_DEPTH, json_object

CHAIN_LIMIT: Final = 5
"""Types that may extend each other, one more than which is no honest hierarchy."""

_HASHES: Final = ("sha512", "sha384", "sha256")
"""Those of Subresource Integrity, the strongest first."""


class TypePicture(Document):
    """`logo` or `background_image` of a simple rendering."""

    uri: str
    integrity: str | None = Field(default=None, alias="uri#integrity")


class SimpleRendering(Document):
    """`rendering.simple`."""

    logo: TypePicture | None = None
    background_image: TypePicture | None = None
    background_color: str | None = None
    text_color: str | None = None


class Rendering(Document):
    """`rendering` of a type's display."""

    simple: SimpleRendering = SimpleRendering()


class TypeDisplay(Document):
    """An element of `display`; older drafts say `lang` for `locale`."""

    name: str | None = None
    label: str | None = None
    description: str | None = None
    locale: str | None = None
    lang: str | None = None
    rendering: Rendering = Rendering()


class TypeClaim(Document):
    """An element of `claims`."""

    path: Sequence[str | int | None] = Field(min_length=1, max_length=MAX_DEPTH)
    mandatory: bool = False
    display: Sequence[TypeDisplay] = ()


class TypeMetadata(Document):
    """The document of one type."""

    vct: str
    extends: str | None = None
    extends_integrity: str | None = Field(default=None, alias="extends#integrity")
    display: Sequence[TypeDisplay] = ()
    claims: Sequence[TypeClaim] = ()


def read_type_metadata(body: bytes, vct: str, integrity: str | None) -> TypeMetadata:
    """The document of the type `vct`, pinned by `vct#integrity` or `extends#integrity`.

    Raises:
        ValueError: It is altered, another type's, or no Type Metadata; says why.
    """
    if integrity is not None and not has_integrity(body, integrity):
        message = "it is not the document that was pinned by its hash"
        raise ValueError(message)
    try:
        metadata = TypeMetadata.model_validate(json_object(body))
    except ValidationError as error:
        raise ValueError(pointer(error)) from None
    if metadata.vct != vct:
        message = f"it is of the type {metadata.vct[:100]!r}"
        raise ValueError(message)
    return metadata


def has_integrity(data: bytes, integrity: str) -> bool:
    """Whether `data` has one of the hashes of integrity metadata (W3C SRI, section 3.3.4).

    As there, only the strongest kind that is named counts.
    """
    named = [one.partition("?")[0].partition("-")[::2] for one in integrity.split()]
    for algorithm in _HASHES:
        digests = [digest for name, digest in named if name == algorithm]
        if digests:
            own = hashlib.new(algorithm, data).digest()
            return any(hmac.compare_digest(own, _decoded(digest)) for digest in digests)
    return False


def credential_metadata(chain: Sequence[TypeMetadata]) -> JsonObject:
    """`credential_metadata` (OpenID4VCI 1.0, appendix B.2) of a type and those it extends.

    A type's own `display` stands in place of an extended one's; a claim that both describe is the
    type's own (SD-JWT VC, section 4.5).

    Args:
        chain: The type first, then what it extends.
    """
    claims: dict[tuple[str | int | None, ...], TypeClaim] = {}
    for one in chain:
        for claim in one.claims:
            claims.setdefault(tuple(claim.path), claim)
    display = next((one.display for one in chain if one.display), ())
    return {
        "display": [_display(one) for one in display],
        "claims": [
            {
                "path": list(path),
                "mandatory": claim.mandatory,
                "display": [_named(one, one.label) for one in claim.display],
            }
            for path, claim in claims.items()
        ],
    }


def missing_claims(metadata: JsonObject, claims: JsonObject, technical: Collection[str]) -> int:
    """How many mandatory claims of a type are not in a credential; `technical` ones do not count.

    Args:
        metadata: What `credential_metadata` gave.
        claims: Of the credential, without the technical ones.
        technical: The names of those.
    """
    described: Any = metadata["claims"]
    mandatory = [one["path"] for one in described if one["mandatory"]]
    return sum(path[0] not in technical and not has_claim(claims, path) for path in mandatory)


def _display(one: TypeDisplay) -> JsonObject:
    simple = one.rendering.simple
    pictures = {"logo": simple.logo, "background_image": simple.background_image}
    colors = {"background_color": simple.background_color, "text_color": simple.text_color}
    return {
        **_named(one, one.name),
        **({"description": one.description} if one.description else {}),
        **{name: value for name, value in colors.items() if value},
        # A picture that is pinned by its hash is left out: pictures are read anew, not kept.
        **{
            name: {"uri": picture.uri}
            for name, picture in pictures.items()
            if picture is not None and picture.integrity is None
        },
    }


def _named(one: TypeDisplay, name: str | None) -> Mapping[str, Json]:
    said = {"name": name, "locale": one.locale or one.lang}
    return {key: value for key, value in said.items() if value}


def _decoded(digest: str) -> bytes:
    try:
        return base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        return b""
