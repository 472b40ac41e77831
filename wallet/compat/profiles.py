"""Which rules apply to whom, and when a peer is met with them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlencode

from wallet.compat import didroom, drafts
from wallet.compat.rules import (
    CONFIGURATIONS,
    STATUS,
    Facts,
    Place,
    Rule,
    elements,
    members,
    text,
    without,
)
from wallet.records import JsonObject
from wallet.strict import json_object


class ProfileName(StrEnum):
    """What an issuer and its authorization server speak; the values of setting and journal."""

    FINAL = "1.0"
    MISPLACED = "misplaced-display"
    """1.0, or draft 15: all that shows is where its `display` and `claims` are."""
    DRAFT_15 = "draft-15"
    DRAFT_14 = "draft-14"
    DRAFT_13 = "draft-13"
    DRAFT_11 = "draft-11"
    """Draft 12, too."""
    DIDROOM = "didroom"


@dataclass(frozen=True)
class Profile:
    """What is tolerated of one kind of peer.

    Attributes:
        rules: In the order they are tried.
        one_at_a_time: Whether its authorization server takes one credential in a request and one
            flow of a client at a time.
    """

    rules: tuple[Rule, ...]
    one_at_a_time: bool = False


PROFILES: Final[Mapping[ProfileName, Profile]] = {
    ProfileName.FINAL: Profile(()),
    ProfileName.MISPLACED: Profile((drafts.DISPLAY_OUTSIDE_METADATA,)),
    ProfileName.DRAFT_15: Profile(drafts.DRAFT_15),
    ProfileName.DRAFT_14: Profile(drafts.DRAFT_14),
    ProfileName.DRAFT_13: Profile(drafts.DRAFT_13),
    ProfileName.DRAFT_11: Profile(drafts.DRAFT_11),
    ProfileName.DIDROOM: Profile(didroom.RULES, one_at_a_time=True),
}

NOTHING_KNOWN: Final = Facts()


@dataclass(frozen=True)
class Tolerated:
    """A message as it is read or sent on, and the names of the rules that changed it, in order."""

    message: JsonObject = field(repr=False)
    names: tuple[str, ...]


def tolerate(
    profile: ProfileName, place: Place, message: JsonObject, facts: Facts = NOTHING_KNOWN
) -> Tolerated:
    """`message` after the rules of `profile` for its place; never raises."""
    names: list[str] = []
    for rule in PROFILES[profile].rules:
        if rule.place is place and (changed := rule.change(message, facts)) != message:
            message = changed
            names.append(rule.name)
    return Tolerated(message, tuple(names))


def other_places(
    profile: ProfileName, identifier: str, name: str, urls: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """Where else the metadata of `identifier` may be, after a 404 at `urls`; each with its rule.

    Args:
        profile: What the issuer speaks.
        identifier: Of the issuer or the authorization server; read already.
        name: "openid-credential-issuer" or "oauth-authorization-server".
        urls: The right places.
    """
    message: JsonObject = {"identifier": identifier, "name": name, "urls": list(urls)}
    rules = [rule for rule in PROFILES[profile].rules if rule.place is Place.METADATA_URLS]
    return tuple(
        (text(url), rule.name)
        for rule in rules
        for url in elements(rule.change(message, NOTHING_KNOWN)["urls"])[len(urls) :]
    )


def tolerate_answer(
    profile: ProfileName, place: Place, status: int, body: bytes, facts: Facts = NOTHING_KNOWN
) -> tuple[int, bytes, tuple[str, ...]]:
    """The status and JSON body of an answer after the rules, and the names of those that applied.

    What is no strict JSON object, or needs no rule, is given back byte for byte.
    """
    try:
        document = json_object(body)
    except ValueError:
        return status, body, ()
    told = tolerate(profile, place, {**document, STATUS: status}, facts)
    if not told.names:
        return status, body, ()
    after = told.message[STATUS]
    upgraded = json.dumps(without(told.message, STATUS), ensure_ascii=False).encode()
    return after if isinstance(after, int) else status, upgraded, told.names


def tolerate_offer(
    body: bytes, chosen: Mapping[str, ProfileName]
) -> tuple[bytes, ProfileName, tuple[str, ...]]:
    """An offer after the rules, the profile of its issuer so far, and what was tolerated.

    Args:
        body: Its JSON; what is none, or needs no rule, is given back as it is.
        chosen: The holder's setting, by Credential Issuer Identifier.
    """
    try:
        offer = json_object(body)
    except ValueError:
        return body, ProfileName.FINAL, ()
    profile = chosen.get(text(offer.get("credential_issuer"))) or after_offer(offer)
    told = tolerate(profile, Place.OFFER, offer)
    upgraded = json.dumps(told.message, separators=(",", ":")).encode() if told.names else body
    return upgraded, profile, told.names


def tolerate_link(
    link: str, chosen: Mapping[str, ProfileName]
) -> tuple[str, ProfileName, tuple[str, ...]]:
    """An offer link after the rules; as `tolerate_offer`, also where it holds no offer."""
    scheme, _, query = link.strip().partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        return link, ProfileName.FINAL, ()
    parameters = dict(pairs)
    issuer = parameters.get("credential_issuer", "")
    flat = tolerate(chosen.get(issuer) or after_link(parameters), Place.OFFER_LINK, parameters)
    offer = text(flat.message.get("credential_offer")).encode("utf-8", "replace")
    upgraded, profile, names = tolerate_offer(offer, chosen)
    if not (flat.names or names) or len(parameters) != len(pairs):
        return link, profile, ()
    asked = {name: text(value) for name, value in flat.message.items()}
    asked["credential_offer"] = upgraded.decode()
    return f"{scheme}?{urlencode(asked)}", profile, (*flat.names, *names)


# Evidence. It counts where the setting leaves the choice to the wallet; a setting is never left.


def after_link(parameters: JsonObject) -> ProfileName:
    """What the parameters of an offer link show."""
    flat = {"credential_issuer", "credential_configuration_ids"} <= parameters.keys()
    return ProfileName.DIDROOM if flat else ProfileName.FINAL


def after_offer(offer: JsonObject) -> ProfileName:
    """What an offer shows."""
    old = "credentials" in offer and "credential_configuration_ids" not in offer
    return ProfileName.DRAFT_11 if old else ProfileName.FINAL


def after_not_found(profile: ProfileName) -> ProfileName:
    """What it shows that metadata is not where 1.0 has it: the older drafts appended the path."""
    return ProfileName.DRAFT_15 if profile is ProfileName.FINAL else profile


def after_metadata(profile: ProfileName, metadata: JsonObject, *, appended: bool) -> ProfileName:
    """What the issuer's metadata shows, before any rule.

    Args:
        profile: What was known before; kept where the metadata shows nothing.
        metadata: The document.
        appended: Whether it was found at the appended path, and not at the inserted one.
    """
    configurations = metadata.get(CONFIGURATIONS)
    each = [members(one) for one in members(configurations).values()]
    outside = any(
        "credential_metadata" not in one and ("display" in one or "claims" in one) for one in each
    )
    if {"credentials_supported", "authorization_server"} & metadata.keys() or elements(
        configurations
    ):
        return ProfileName.DRAFT_11
    if any(_is_old(one) for one in each):
        newer = {"batch_credential_issuance", "nonce_endpoint"} & metadata.keys()
        return ProfileName.DRAFT_14 if newer else ProfileName.DRAFT_13
    if appended and outside and _has_dyne_key(metadata):
        return ProfileName.DIDROOM
    if profile is ProfileName.FINAL and appended:
        return ProfileName.DRAFT_15
    return ProfileName.MISPLACED if profile is ProfileName.FINAL and outside else profile


def _is_old(configuration: JsonObject) -> bool:
    """Whether a configuration has what draft 15 took away."""
    definition = members(configuration.get("credential_definition"))
    return (
        configuration.get("format") == "vc+sd-jwt"
        or isinstance(configuration.get("claims"), Mapping)
        or "credentialSubject" in definition
    )


def after_refusal(
    profile: ProfileName, metadata: JsonObject, status: int, error: str
) -> ProfileName | None:
    """As what a refused credential request may be made once more; None for not at all.

    1.0 refuses with 400 and an error code (section 8.3.1.2). 422 without one is what servers give
    whose schema a request does not fit: DIDroom's, which show themselves by their key, and others
    that do not know `proofs`. An issuer that may speak draft 15 may miss `proof` in 1.0's words.
    """
    unknown = status == 422 and not error
    if unknown and profile in _UNSURE and _has_dyne_key(metadata):
        return ProfileName.DIDROOM
    if unknown and profile in (ProfileName.FINAL, ProfileName.MISPLACED):
        return ProfileName.DRAFT_15
    if profile is ProfileName.MISPLACED and error in _NO_PROOF:
        return ProfileName.DRAFT_15
    return None


_UNSURE: Final = (ProfileName.FINAL, ProfileName.MISPLACED, ProfileName.DRAFT_15)
_NO_PROOF: Final = ("invalid_proof", "invalid_credential_request", "invalid_request")


def _has_dyne_key(metadata: JsonObject) -> bool:
    """Whether the issuer's metadata has `jwks`, which 1.0 does not know, with a `did:dyne` key."""
    keys = elements(members(metadata.get("jwks")).get("keys"))
    return any(text(members(one).get("kid")).startswith("did:dyne:") for one in keys)
