"""What a rule is, and the messages that rules read and change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from wallet.records import Json, JsonObject, Secret

CONFIGURATIONS: Final = "credential_configurations_supported"
STATUS: Final = ":status"
"""Member that carries an answer's HTTP status, where a rule reads or changes it."""


class Place(StrEnum):
    """The message a rule reads and changes: a JSON object, parameters, or parts as named here."""

    METADATA_URLS = "metadata URLs"
    """`identifier`, `name` and `urls`: where the document of that name is looked for, in order."""
    OFFER_LINK = "offer link"
    """The parameters of the link's query."""
    OFFER = "credential offer"
    ISSUER_METADATA = "issuer metadata"
    OFFERED = "offered credentials"
    """`credential_configuration_ids` of the offer, once the issuer's metadata is known."""
    AUTHORIZATION_REQUEST = "authorization request"
    """Its parameters, on their way to the pushed authorization request endpoint."""
    FORM = "form"
    """`body`: the encoded parameters of a request to the authorization server."""
    AUTHORIZATION_URL = "authorization URL"
    """`query`: the encoded parameters of the URL for the browser."""
    AUTHORIZATION_RESPONSE = "authorization response"
    """The parameters the browser came back with."""
    TOKEN_REQUEST = "token request"  # noqa: S105 - the name of a message
    TOKEN_TYPES = "token types"  # noqa: S105
    """`token_types`: which are taken for an answer to this request, lower case."""
    TOKEN_RESPONSE = "token response"  # noqa: S105
    NONCE = "nonce"
    """`latest`: the token response or the issuer's latest answer; then also a `c_nonce`, if any."""
    AUTHORIZATION_HEADER = "Authorization header"
    """`scheme`: as it is sent."""
    CREDENTIAL_REQUEST = "credential request"
    CREDENTIAL_RESPONSE = "credential response"
    """Also a refusal, and the answers of the deferred credential endpoint; with `STATUS`."""
    EXPECTED = "expected credential"
    """What verification expects: `typ` (any of an array), `type_claims` (the first that is there
    tells the type), `bound` (whether it must name the holder's key), `promised` (paths of the
    claims it must have), `keys` (JWKs of the issuer, for a credential without certificates)."""


@dataclass(frozen=True)
class Facts:
    """What a rule may know besides the message.

    Attributes:
        metadata: The issuer's metadata, after its own rules.
        credential_configuration_id: The credential that is asked for.
        state: The `state` of the authorization request.
        redirect_is_unique: Whether its `redirect_uri` was never used before and cannot be guessed.
        transaction_id: Of the deferred issuance that is asked for.
        token: The token response.
        now: Aware, UTC.
        chosen: Whether the holder set this profile for this issuer; otherwise it shows it.
    """

    metadata: JsonObject = field(default_factory=dict, repr=False)
    credential_configuration_id: str = ""
    state: Secret[str] | None = None
    redirect_is_unique: bool = False
    transaction_id: str = ""
    token: JsonObject = field(default_factory=dict, repr=False)
    now: datetime | None = None
    chosen: bool = False

    @property
    def configuration(self) -> JsonObject:
        """The configuration of the credential that is asked for; empty where there is none."""
        configurations = members(self.metadata.get(CONFIGURATIONS))
        return members(configurations.get(self.credential_configuration_id))


Change: TypeAlias = Callable[[JsonObject, Facts], JsonObject]


@dataclass(frozen=True)
class Rule:
    """One thing that is tolerated: a pure change of one message.

    Attributes:
        name: What the trace shows as tolerated; stable.
        place: The message.
        source: Where this was once right, or who does it.
        change: Gives the message as OpenID4VCI 1.0 has it (or, of what the wallet sends, as this
            peer has it); a message that is right already is given back as it is. Never raises.
    """

    name: str
    place: Place
    source: str
    change: Change


def members(value: Json) -> JsonObject:
    """`value`, if it is an object; an empty one otherwise."""
    return value if isinstance(value, Mapping) else {}


def elements(value: Json) -> Sequence[Json]:
    """`value`, if it is an array; an empty one otherwise."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Json) -> str:
    """`value`, if it is a string; an empty one otherwise."""
    return value if isinstance(value, str) else ""


def renamed(message: JsonObject, old: str, new: str) -> JsonObject:
    """`message` with the member `old` called `new`, unless there is one called so."""
    if old not in message or new in message:
        return message
    return {new if name == old else name: value for name, value in message.items()}


def without(message: JsonObject, *names: str) -> JsonObject:
    """`message` without some of its members."""
    return {name: value for name, value in message.items() if name not in names}


def in_each_configuration(change: Callable[[JsonObject], JsonObject]) -> Change:
    """A change of the issuer's metadata out of one of a credential configuration."""

    def whole(metadata: JsonObject, _facts: Facts) -> JsonObject:
        configurations = members(metadata.get(CONFIGURATIONS))
        if not configurations:
            return metadata
        changed = {
            name: change(one) if isinstance(one, Mapping) else one
            for name, one in configurations.items()
        }
        return {**metadata, CONFIGURATIONS: changed}

    return whole
