"""What the formats have in common that hold W3C credentials (VCDM 1.1 and 2.0, section 4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from wallet.credentials.contract import Expected, Findings
from wallet.records import Json, JsonObject
from wallet.trust.holder_keys import canonical, names_of

BASE_CONTEXT: Final = "https://www.w3.org/2018/credentials/v1"
BASE_TYPE: Final = "VerifiableCredential"
SUBJECT: Final = "credentialSubject"

_DATE_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)


@dataclass(frozen=True)
class Credential:
    """A credential of the data model.

    Attributes:
        vc: As it was received.
        contexts: Its `@context`, those that are URLs.
        types: Its `type`, the base type first or not.
        subjects: Its `credentialSubject`, one or several.
    """

    vc: JsonObject = field(repr=False)
    contexts: tuple[str, ...]
    types: tuple[str, ...]
    subjects: tuple[JsonObject, ...] = field(repr=False)

    @property
    def kind(self) -> str:
        """Its most special type."""
        return next((name for name in reversed(self.types) if name != BASE_TYPE), BASE_TYPE)

    @property
    def status(self) -> JsonObject:
        """Its `credentialStatus`, under its name; {} without one."""
        name = "credentialStatus"
        return {name: self.vc[name]} if name in self.vc else {}

    def claims(self, bound_to: Mapping[str, str] | None) -> JsonObject:
        """The subject's claims where path pointers find them, without the name of the key."""
        holder = names_of((bound_to,)) if bound_to else {}

        def told(one: Json) -> Json:
            if not isinstance(one, dict):
                return one
            named = one.get("id")
            if not isinstance(named, str) or canonical(named) not in holder:
                return one
            return {name: value for name, value in one.items() if name != "id"}

        subject = self.vc[SUBJECT]
        each = [told(one) for one in subject] if isinstance(subject, list) else told(subject)
        return {SUBJECT: each}


def read_credential(vc: JsonObject, bases: Sequence[str] = (BASE_CONTEXT,)) -> Credential:
    """Read a credential whose first context is one of `bases`.

    Raises:
        ValueError: A property is missing or of the wrong kind.
    """
    contexts = _each(vc, "@context")
    if contexts[0] not in bases or not all(isinstance(one, str | dict) for one in contexts):
        message = f"@context does not begin with {' or '.join(bases)}"
        raise ValueError(message)
    types = [one for one in _each(vc, "type") if isinstance(one, str)]
    if BASE_TYPE not in types or len(types) != len(_each(vc, "type")):
        message = f"type is no array of texts with {BASE_TYPE}"
        raise ValueError(message)
    subject = vc.get(SUBJECT)
    each = subject if isinstance(subject, list) else [subject]
    subjects = [one for one in each if isinstance(one, dict) and one]
    if not subjects or len(subjects) != len(each):
        message = "credentialSubject is neither an object nor an array of them"
        raise ValueError(message)
    return Credential(
        vc,
        tuple(one for one in contexts if isinstance(one, str)),
        tuple(types),
        tuple(subjects),
    )


def issuer_of(vc: JsonObject) -> str:
    """The `issuer`, or its `id`. Raises `ValueError` where it has none."""
    issuer = vc.get("issuer")
    named = issuer.get("id") if isinstance(issuer, Mapping) else issuer
    if not isinstance(named, str) or not named:
        message = "it names no issuer"
        raise ValueError(message)
    return named


def date_time(value: Json) -> datetime:
    """A date and time with its offset. Raises `ValueError` for anything else."""
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        message = "a date is not a date and time with its offset"
        raise ValueError(message)
    return datetime.fromisoformat(value)


def check_type(credential: Credential, expected: Expected, findings: Findings) -> None:
    """`type`, and `@context` where it was asked for, hold what was asked for."""
    name, rule = "Type", "OpenID4VCI 1.0, appendices A.1.1.2, A.1.2.2 and A.1.3.2"
    definition = expected.configuration.get("credential_definition")
    members = definition if isinstance(definition, dict) else {}
    types, contexts = _texts(members.get("type")), _texts(members.get("@context"))
    if not types or not types <= {*credential.types}:
        got = ", ".join(credential.types)[:100]
        findings.failed("vct_mismatch", name, f"asked {sorted(types)}, got {got}", rule)
    elif not contexts <= {*credential.contexts}:
        findings.failed("vct_mismatch", name, "@context lacks some of what was asked", rule)
    else:
        findings.passed(name, f"is {', '.join(sorted(types))}, as asked", rule)


def check_subject(
    credential: Credential, expected: Expected, findings: Findings, sub: Json = None
) -> Mapping[str, str] | None:
    """The holder key that is the subject of the credential, by its did:jwk or did:key.

    Args:
        credential: What is checked.
        expected: With the keys.
        findings: Where it is told.
        sub: What names the subject besides.
    """
    name, rule = "Holder binding", "VCDM 1.1, section 6.3.1; OpenID4VCI 1.0, section 12.2.4"
    if not expected.holder_jwks:
        findings.skipped(name, "this credential is not bound to a key", rule)
        return None
    holder = names_of(expected.holder_jwks)
    identities = (sub, *(subject.get("id") for subject in credential.subjects))
    known = (canonical(one) for one in identities if isinstance(one, str))
    for one in known:
        if one in holder:
            findings.passed(name, "the subject is the key of this request's proof", rule)
            return holder[one]
    reason = "the subject is not the key of this request's proof"
    findings.failed("key_binding_mismatch", name, reason, rule)
    return None


def _each(vc: JsonObject, name: str) -> Sequence[Json]:
    values = vc.get(name)
    if not isinstance(values, list) or not values:
        message = f"{name} is no array, or empty"
        raise ValueError(message)
    return values


def _texts(value: Json) -> frozenset[str]:
    each = value if isinstance(value, list) else []
    return frozenset(one for one in each if isinstance(one, str))
