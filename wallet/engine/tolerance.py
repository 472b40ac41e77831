"""Where messages pass the rules for older drafts and for vendors, and the trace hears of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from wallet.compat import Facts, Place, ProfileName, tolerate, tolerate_answer
from wallet.engine.positions import Consent
from wallet.engine.run import Run
from wallet.ports import HttpResponse
from wallet.records import JsonObject, Secret


def facts_of(consent: Consent, run: Run, name: str = "") -> Facts:
    """What the rules may know of an issuance, and of one credential in it."""
    issuer = consent.issuer
    if consent.profile is ProfileName.FINAL:
        return Facts()  # nobody asks
    return Facts(
        metadata=issuer.model_dump(),
        credential_configuration_id=name,
        now=run.clock.now(),
        chosen=issuer.credential_issuer in run.policy.profiles,
    )


def tolerated(
    profile: ProfileName, place: Place, message: JsonObject, facts: Facts, run: Run
) -> JsonObject:
    """`message` after the rules for its place."""
    told = tolerate(profile, place, message, facts)
    run.trace.tolerate(told.names)
    return told.message


def tolerated_for_each(place: Place, message: JsonObject, consent: Consent, run: Run) -> JsonObject:
    """`message` after the rules for its place, with each credential that is asked for."""
    for name in consent.credential_configuration_ids:
        message = tolerated(consent.profile, place, message, facts_of(consent, run, name), run)
    return message


def parameters_of(message: JsonObject) -> Mapping[str, str]:
    """Parameters that went through the rules."""
    return {name: value for name, value in message.items() if isinstance(value, str)}


def tolerated_answer(
    profile: ProfileName, place: Place, answer: HttpResponse, facts: Sequence[Facts], run: Run
) -> HttpResponse:
    """An answer after the rules for its place; as it is where none applies."""
    for known in facts:
        status, body, names = tolerate_answer(profile, place, answer.status, answer.body, known)
        run.trace.tolerate(names)
        if names:
            answer = replace(answer, status=status, body=body)
    return answer


def tolerated_query(query: str, consent: Consent, state: Secret[str], run: Run) -> str:
    """The query of an authorization response after the rules; as it is where none applies."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=50)
    except ValueError:
        return query
    parameters = dict(pairs)
    unique = run.policy.unique_redirects
    facts = replace(facts_of(consent, run), state=state, redirect_is_unique=unique)
    place = Place.AUTHORIZATION_RESPONSE
    message = tolerated(consent.profile, place, parameters, facts, run)
    if message == parameters or len(parameters) != len(pairs):
        return query
    return urlencode(parameters_of(message))
