"""From a signed payload and its disclosures to claims (RFC 9901, section 7.1)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wallet.records import Json, JsonObject
from wallet.strict import MAX_DEPTH, base64url, base64url_encode, json_value

HASHES: Final = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
"""IANA "Named Information Hash Algorithm" names that may stand in `_sd_alg`."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Disclosure:
    """One disclosure.

    Attributes:
        encoded: As received; its digest is over these characters.
        name: The claim's name; None for an array element.
        value: The claim's value, possibly with further digests inside.
    """

    encoded: str = field(repr=False)
    name: str | None
    value: Json = field(repr=False)


def read_disclosure(encoded: str) -> Disclosure:
    """Decode a disclosure (RFC 9901, section 4.2).

    Raises:
        ValueError: Not base64url of a JSON array of two or three elements, or a name that is
            reserved.
    """
    content = json_value(base64url(encoded))
    if not isinstance(content, list) or not content or not isinstance(content[0], str):
        message = "a disclosure is not an array that begins with a salt"
        raise ValueError(message)
    if len(content) == 2:
        return Disclosure(encoded, None, content[1])
    if len(content) != 3 or not isinstance(content[1], str):
        message = "a disclosure has neither two nor three elements"
        raise ValueError(message)
    if content[1] in ("_sd", "...", "_sd_alg"):
        message = f"a disclosure is named {content[1]}"
        raise ValueError(message)
    return Disclosure(encoded, content[1], content[2])


@dataclass
class Processing:
    """Puts disclosures where their digests stand; each digest and disclosure exactly once."""

    by_digest: Mapping[str, Disclosure]
    seen: set[str] = field(default_factory=set)
    paths: dict[str, Path] = field(default_factory=dict)

    def _take(self, digest: Json) -> Disclosure | None:
        if not isinstance(digest, str):
            message = "a digest is not a text"
            raise ValueError(message)
        if digest in self.seen:
            message = "a digest occurs twice"
            raise ValueError(message)
        self.seen.add(digest)
        return self.by_digest.get(digest)

    def value(self, value: Json, path: Path) -> Json:
        """`value` with everything disclosed in it, and without the traces of disclosure."""
        if len(path) > MAX_DEPTH:
            message = f"claims nested deeper than {MAX_DEPTH}"
            raise ValueError(message)
        if isinstance(value, dict):
            return self._object(value, path)
        if isinstance(value, list):
            return self._array(value, path)
        return value

    def _object(self, members: Mapping[str, Any], path: Path) -> JsonObject:
        if "..." in members:
            message = 'a member is named "..."'
            raise ValueError(message)
        if path and "_sd_alg" in members:
            message = "_sd_alg below the top level"
            raise ValueError(message)
        plain = {
            name: self.value(value, (*path, name))
            for name, value in members.items()
            if name not in ("_sd", "_sd_alg")
        }
        digests = members.get("_sd", [])
        if not isinstance(digests, list):
            message = "_sd is not an array"
            raise ValueError(message)
        for digest in digests:
            disclosure = self._take(digest)
            if disclosure is None:
                continue
            if disclosure.name is None or disclosure.name in plain:
                message = "a disclosure is for an array element or for a claim already there"
                raise ValueError(message)
            place = (*path, disclosure.name)
            self.paths[disclosure.encoded] = place
            plain[disclosure.name] = self.value(disclosure.value, place)
        return plain

    def _array(self, elements: Sequence[Any], path: Path) -> Sequence[Json]:
        kept: list[Json] = []
        for element in elements:
            place = (*path, len(kept))
            if not (isinstance(element, dict) and "..." in element):
                kept.append(self.value(element, place))
                continue
            if len(element) != 1:
                message = 'an array element holds "..." and more'
                raise ValueError(message)
            disclosure = self._take(element["..."])
            if disclosure is None:
                continue
            if disclosure.name is not None:
                message = "an array element's disclosure has a name"
                raise ValueError(message)
            self.paths[disclosure.encoded] = place
            kept.append(self.value(disclosure.value, place))
        return kept


@dataclass(frozen=True)
class Processed:
    """The processed payload.

    Attributes:
        claims: The payload with every disclosure in its place.
        paths: For each disclosure as received, the claim it discloses.
    """

    claims: JsonObject = field(repr=False)
    paths: Mapping[str, Path] = field(repr=False)


def process(payload: JsonObject, encoded: Sequence[str]) -> Processed:
    """Process a verified payload with the disclosures that came with it.

    Raises:
        ValueError: Any reason to reject of RFC 9901, section 7.1, in words.
    """
    algorithm = payload.get("_sd_alg", "sha-256")
    if not isinstance(algorithm, str) or algorithm not in HASHES:
        message = "_sd_alg names no known hash algorithm"
        raise ValueError(message)
    by_digest: dict[str, Disclosure] = {}
    for one in encoded:
        digest = base64url_encode(hashlib.new(HASHES[algorithm], one.encode("ascii")).digest())
        if digest in by_digest:
            message = "a disclosure occurs twice"
            raise ValueError(message)
        by_digest[digest] = read_disclosure(one)
    processing = Processing(by_digest)
    claims = processing.value(payload, ())
    if len(processing.paths) != len(by_digest):
        message = "a disclosure matches no digest: it was altered or added"
        raise ValueError(message)
    if not isinstance(claims, dict):
        message = "the payload is not an object"
        raise ValueError(message)
    return Processed(claims, processing.paths)
