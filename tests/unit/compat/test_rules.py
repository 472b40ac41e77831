"""Each rule before and after, and nowhere else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.test_readers import json_values
from tests.unit.compat.pairs import CARD, DEGREE, LOG, NOW, PAIRS, Pair, knowing
from wallet.compat import PROFILES, Facts, Place, ProfileName, tolerate
from wallet.compat.rules import STATUS, Rule
from wallet.records import Secret

RULES: dict[str, Rule] = {
    rule.name: rule for profile in PROFILES.values() for rule in profile.rules
}


every_pair = pytest.mark.parametrize(
    ("name", "pair"),
    [
        pytest.param(name, pair, id=f"{name} {place}")
        for name, pairs in PAIRS.items()
        for place, pair in enumerate(pairs)
    ],
)


def test_every_rule_has_its_pairs_and_a_name_of_its_own() -> None:
    assert set(PAIRS) == set(RULES)
    for profile in PROFILES.values():
        names = [rule.name for rule in profile.rules]
        assert len(set(names)) == len(names)
        assert all(RULES[rule.name] is rule for rule in profile.rules)
    assert all(rule.source for rule in RULES.values())


@every_pair
def test_before_and_after(name: str, pair: Pair) -> None:
    rule = RULES[name]
    assert rule.change(pair.before, pair.facts) == pair.after
    assert rule.change(pair.after, pair.facts) == pair.after  # right is right


@every_pair
def test_a_rule_is_told_in_its_profiles_and_silent_in_the_others(name: str, pair: Pair) -> None:
    place = RULES[name].place
    for profile, rules in PROFILES.items():
        told = tolerate(profile, place, pair.before, pair.facts)
        assert (name in told.names) == (RULES[name] in rules.rules), profile
    strict = tolerate(ProfileName.FINAL, place, pair.before, pair.facts)
    assert strict.message is pair.before
    assert strict.names == ()


inner = [
    value
    for pairs in PAIRS.values()
    for pair in pairs
    for value in [*pair.before.values(), *pair.after.values()]
]
bent = st.sampled_from(inner) | json_values
FACTS = [
    Facts(),
    knowing(CARD),
    knowing(DEGREE, now=NOW, transaction_id="t", token={"token_type": "bearer"}),
    knowing({"format": []}, metadata={"jwks": {"keys": [3, {"kty": []}]}}),
    Facts(metadata={"credential_configurations_supported": [1]}, credential_configuration_id="x"),
    Facts(state=Secret("ours"), redirect_is_unique=True),
]


members = sorted({name for pairs in PAIRS.values() for pair in pairs for name in pair.before})


@settings(
    max_examples=300,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of the rules
)
@given(
    profile=st.sampled_from(ProfileName),
    place=st.sampled_from(Place),
    message=st.dictionaries(st.sampled_from(members), bent, max_size=6),
    facts=st.sampled_from(FACTS),
)
def test_whatever_a_peer_sends(
    profile: ProfileName, place: Place, message: dict[str, Any], facts: Facts
) -> None:
    """No message makes a rule fail, and a message that went through the rules needs no more."""
    told = tolerate(profile, place, message, facts)
    again = tolerate(profile, place, told.message, facts)
    assert again.message == told.message
    assert (told.message == message) == (not told.names)


# What a rule must not do.


@pytest.mark.parametrize(
    ("message", "facts"),
    [
        ({"code": "c", "state": "theirs"}, Facts(state=Secret("ours"), redirect_is_unique=True)),
        ({"code": "c", "state": ""}, Facts(state=Secret("ours"), redirect_is_unique=True)),
        ({"code": "c"}, Facts(state=Secret("ours"), redirect_is_unique=False)),
        ({"code": "c"}, Facts(state=None, redirect_is_unique=True)),
    ],
)
def test_a_wrong_state_stays_wrong(message: dict[str, Any], facts: Facts) -> None:
    told = tolerate(ProfileName.DIDROOM, Place.AUTHORIZATION_RESPONSE, message, facts)
    assert told.message == message


def test_only_didroom_may_leave_the_state_out() -> None:
    facts = Facts(state=Secret("ours"), redirect_is_unique=True)
    for profile in set(ProfileName) - {ProfileName.DIDROOM}:
        told = tolerate(profile, Place.AUTHORIZATION_RESPONSE, {"code": "c"}, facts)
        assert "state" not in told.message


def test_what_the_holder_typed_is_not_passed_on() -> None:
    message = {"error": "server_error", "error_description": LOG, "state": "s"}
    told = tolerate(ProfileName.DIDROOM, Place.AUTHORIZATION_RESPONSE, message)
    assert told.message == {"error": "server_error", "state": "s"}
    kept = {"error": "access_denied", "error_description": "You said no."}
    assert tolerate(ProfileName.DIDROOM, Place.AUTHORIZATION_RESPONSE, kept).message == kept


def test_no_secret_shows_itself() -> None:
    facts = Facts(state=Secret("ours"), redirect_is_unique=True, token={"access_token": "token"})
    code = {"code": "sentinel"}
    told = tolerate(ProfileName.DIDROOM, Place.AUTHORIZATION_RESPONSE, code, facts)
    assert told.names == ("no state",)
    for word in ("sentinel", "ours", "token'"):
        assert word not in repr(told) + repr(facts)


def test_details_of_another_credential_are_left_for_the_reader_to_refuse() -> None:
    for details in (
        {"type": "openid_credential", "credential_configuration_id": "other"},
        {"type": "openid_credential", "format": "other", "vct": "urn:card"},
        {"type": "openid_credential"},
    ):
        token = {"authorization_details": [details]}
        for profile in (ProfileName.DRAFT_11, ProfileName.DRAFT_13, ProfileName.DIDROOM):
            told = tolerate(profile, Place.TOKEN_RESPONSE, token, knowing(CARD))
            assert told.message == token


@pytest.mark.parametrize("lifetime", [0, 3600, 31_536_000, True, "1795440023", None, 1.5])
def test_a_lifetime_stays_one(lifetime: Any) -> None:
    token = {"expires_in": lifetime}
    assert tolerate(ProfileName.DIDROOM, Place.TOKEN_RESPONSE, token, Facts(now=NOW)).names == ()


def test_several_proofs_stay_proofs() -> None:
    several: list[Any] = [{"jwt": ["one", "two"]}, {"jwt": []}, {}, {"jwt": ["1"], "di_vp": ["2"]}]
    for proofs in several:
        request = {"proofs": proofs}
        for profile in ProfileName:
            assert tolerate(profile, Place.CREDENTIAL_REQUEST, request).message == request


@pytest.mark.parametrize("profile", [ProfileName.DRAFT_14, ProfileName.DRAFT_15])
def test_an_issuer_that_knows_batches_knows_proofs(profile: ProfileName) -> None:
    facts = knowing({}, metadata={"batch_credential_issuance": {"batch_size": 2}})
    told = tolerate(profile, Place.CREDENTIAL_REQUEST, {"proofs": {"jwt": ["one"]}}, facts)
    assert told.message == {"proofs": {"jwt": ["one"]}}


def test_an_identifier_is_asked_for_as_it_is() -> None:
    facts = knowing(CARD)
    request: dict[str, Any] = {"credential_identifier": "id", "proofs": {"jwt": ["one"]}}
    for profile in (ProfileName.DRAFT_11, ProfileName.DRAFT_13, ProfileName.DRAFT_14):
        told = tolerate(profile, Place.CREDENTIAL_REQUEST, request, facts)
        assert told.message["credential_identifier"] == "id"
        assert "format" not in told.message


def test_a_scheme_is_written_as_the_token_type_was() -> None:
    for token_type in ("Bearer", "BEARER", "DPoP", "bearer "):
        facts = Facts(token={"token_type": token_type})
        header = {"scheme": "Bearer"}
        assert tolerate(ProfileName.DIDROOM, Place.AUTHORIZATION_HEADER, header, facts).names == ()
    bound = {"scheme": "DPoP"}
    facts = Facts(token={"token_type": "bearer"})
    assert tolerate(ProfileName.DIDROOM, Place.AUTHORIZATION_HEADER, bound, facts).names == ()


def test_vc_04_a_key_in_the_metadata_takes_the_word_of_the_holder() -> None:
    [pair] = PAIRS["keys in the metadata"]
    shown = replace(pair.facts, chosen=False)
    assert tolerate(ProfileName.DIDROOM, Place.EXPECTED, pair.before, shown).names == ()


def test_a_metadata_member_that_is_right_wins() -> None:
    both: dict[str, Any] = {
        "credential_configurations_supported": {
            "card": {
                "display": [{"name": "Old"}],
                "credential_metadata": {"display": [{"name": "New"}]},
            }
        }
    }
    for profile in ProfileName:
        assert tolerate(profile, Place.ISSUER_METADATA, both).message == both


def test_a_pending_issuance_is_the_one_that_was_asked_for() -> None:
    answer: dict[str, Any] = {STATUS: 400, "error": "issuance_pending", "transaction_id": "another"}
    asked = Facts(transaction_id="ours")
    told = tolerate(ProfileName.DRAFT_15, Place.CREDENTIAL_RESPONSE, answer, asked)
    assert told.message["transaction_id"] == "ours"
    nobody = tolerate(ProfileName.DRAFT_15, Place.CREDENTIAL_RESPONSE, answer)
    assert nobody.names == ()
