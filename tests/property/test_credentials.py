"""Whatever an issuer hides, its holder finds where it belongs; whatever it signs has its answer."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.mutation import test_jwt_vc as jwt_vcs
from tests.mutation import test_sd_jwt_vc as sd_jwt_vcs
from tests.property.test_readers import bent, json_values
from tests.support.hiding import Hidden, Path
from tests.support.jwts import new_key, public_jwk, signed
from wallet.credentials.contract import Expected
from wallet.credentials.sd_jwt_vc import verification as sd_jwt_vc
from wallet.credentials.sd_jwt_vc.disclosures import process
from wallet.records import Secret
from wallet.report import Trust
from wallet.trust.issuer import Issuer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = new_key()
ISSUER = Issuer(Trust.UNKNOWN, "", (public_jwk(KEY),), ())
EXPECTED = Expected({"vct": "urn:type"}, (), (), NOW)

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(
    lambda name: name not in ("_sd", "...", "_sd_alg", "@context", "credentialStatus")
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)
trees = st.dictionaries(
    names.filter(lambda name: name not in sd_jwt_vc.TECHNICAL), values, max_size=5
)


@given(trees, st.randoms(use_true_random=False), st.integers(0, 2))
def test_sdj_04_what_was_hidden_is_found(claims: dict[str, Any], random: Any, decoys: int) -> None:
    hidden = Hidden()
    payload = hidden.hide(claims, lambda _: random.random() < 0.5, decoys)
    disclosures = list(hidden.disclosures.values())
    random.shuffle(disclosures)
    processed = process(payload, disclosures)
    assert processed.claims == claims
    assert processed.paths == {one: path for path, one in hidden.disclosures.items()}

    jwt = signed(
        {"alg": "ES256", "typ": "dc+sd-jwt"},
        {**payload, "iss": "https://issuer.example", "vct": "urn:type"},
        KEY,
    )
    credential = Secret("~".join([jwt, *disclosures, ""]))
    verified = sd_jwt_vc.verify(credential, ISSUER, EXPECTED)
    assert verified.claims == claims
    assert verified.report.checks[-1].reason == "openvc agrees"


@given(trees, st.data())
def test_sdj_05_what_belongs_nowhere_is_refused(
    claims: dict[str, Any], data: st.DataObject
) -> None:
    hidden = Hidden()

    def everything(path: Path) -> bool:
        return bool(path)

    payload = hidden.hide(claims, everything)
    assume(hidden.disclosures)
    disclosures = list(hidden.disclosures.values())
    place = data.draw(st.integers(0, len(disclosures) - 1))
    other = data.draw(st.text("ABCabc_-", min_size=1))
    assume(other not in disclosures)
    for changed in (
        [*disclosures, disclosures[place]],
        [*disclosures[:place], other, *disclosures[place + 1 :]],
    ):
        with pytest.raises(ValueError, match=r"."):
            process(payload, changed)


@given(bent(sd_jwt_vcs.PAYLOAD), bent(sd_jwt_vcs.HEADER))
def test_an_sd_jwt_vc_of_any_content(payload: Any, header: Any) -> None:
    head = header if isinstance(header, dict) else sd_jwt_vcs.HEADER
    assert sd_jwt_vcs.code(sd_jwt_vcs.credential(head, payload)) in {
        *sd_jwt_vcs.CODES,
        "audience_mismatch",
    }


@given(bent(jwt_vcs.PAYLOAD), bent(jwt_vcs.HEADER))
def test_a_jwt_vc_of_any_content(payload: Any, header: Any) -> None:
    head = header if isinstance(header, dict) else jwt_vcs.HEADER
    assert jwt_vcs.code(jwt_vcs.credential(head, payload)) in jwt_vcs.CODES


@given(json_values)
def test_a_jwt_vc_of_any_vc(vc: Any) -> None:
    text = jwt_vcs.credential(payload={**jwt_vcs.PAYLOAD, "vc": vc})
    assert jwt_vcs.code(text) == "credential_malformed"
