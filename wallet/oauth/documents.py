"""Reading the documents of a peer: JSON over HTTP into models that keep wire names."""

import re
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from wallet.errors import PeerBrokeProtocol, PeerRefused
from wallet.oauth.clock import asked_to_wait
from wallet.ports import HttpResponse
from wallet.records import Json, JsonObject
from wallet.strict import json_object
from wallet.urls import without_query


class Document(BaseModel):
    """A wire model: wire names, strict types, unknown members kept and ignored."""

    model_config = ConfigDict(
        strict=True,
        extra="allow",
        frozen=True,
        hide_input_in_errors=True,
        serialize_by_alias=True,
    )

    @model_serializer(mode="wrap")
    def _as_received(self, members: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only the members that were there: absent is not the same as null or a default."""
        known = type(self).model_fields
        there = {
            (known[name].alias or name) if name in known else name for name in self.model_fields_set
        }
        return {name: value for name, value in members(self).items() if name in there}

    def __repr__(self) -> str:
        """The name only: what a peer sends may be secret, its unknown members too."""
        return f"{type(self).__name__}(…)"

    __str__ = __repr__


D = TypeVar("D", bound=Document)

_BUSY: Final = (429, 503)
_CHALLENGE_ERROR: Final = re.compile(r'\berror\s*=\s*"([^"\\]*)"', re.IGNORECASE)


def pointer(error: ValidationError) -> str:
    """The first thing wrong with a document: its JSON pointer and what is wrong."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"/{'/'.join(str(part) for part in first['loc'])}: {first['msg']}"


def read_object(response: HttpResponse, code: str, rule: str) -> JsonObject:
    """The JSON object of an answer; anything else is `code`, broken by the peer."""
    if response.media_type != "application/json":
        raise PeerBrokeProtocol(
            code,
            f"Content-Type is {response.media_type or 'missing'}, not application/json",
            rule=rule,
            url=without_query(response.url),
        )
    try:
        return json_object(response.body)
    except ValueError as error:
        raise PeerBrokeProtocol(
            code, f"not strict JSON: {error}", rule=rule, url=without_query(response.url)
        ) from None


def read_document(model: type[D], document: JsonObject, code: str, rule: str, url: str) -> D:
    """`document` as `model`; `code` and the first wrong member's JSON pointer otherwise."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise PeerBrokeProtocol(code, pointer(error), rule=rule, url=without_query(url)) from None


def succeeded(response: HttpResponse, code: str) -> HttpResponse:
    """`response`, if it is a success; raises as `refuse` otherwise."""
    if not 200 <= response.status < 300:
        refuse(response, code)
    return response


def refuse(response: HttpResponse, code: str) -> NoReturn:
    """Raise what an answer other than success means.

    The peer's `error` and `error_description` (RFC 6749, section 5.2) or the `error` of its
    challenge (RFC 6750, section 3) are kept where they are readable; without them a status of 500
    and above is `server_error`, 404 is `not_found`. 429 and 503 are `busy` in any case, with the
    wait that the peer asks for.
    """
    members = _members(response)
    error = next(iter(errors_in(response)), "")
    description = _text(members.get("error_description"))
    detail = f"HTTP {response.status}" + (f": {description}" if description else "")
    if response.status in _BUSY:
        code = "busy"
        if (wait := asked_to_wait(response)) is not None:
            detail += f"; asks to wait {wait}"
    elif not error:
        code = (
            "server_error"
            if response.status >= 500
            else "not_found"
            if response.status == 404
            else code
        )
    raise PeerRefused(code, detail, url=without_query(response.url), peer_error=error)


def errors_in(response: HttpResponse) -> tuple[str, ...]:
    """The peer's own error codes: the one of its document, then those of its challenges."""
    own = _text(_members(response).get("error"))
    challenges = _CHALLENGE_ERROR.findall(response.headers.get("www-authenticate", ""))
    return tuple(error for error in (own, *challenges) if error)


def _members(response: HttpResponse) -> JsonObject:
    if response.media_type == "application/json":
        with suppress(ValueError):
            return json_object(response.body)
    return {}


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
