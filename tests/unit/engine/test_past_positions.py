"""Rows that earlier wallets wrote are read as positions of today; see `tests/vectors/journal`."""

from pathlib import Path
from typing import Any

import pytest

from tests.vectors import FOLDER, vector
from wallet.engine.past_positions import of_today
from wallet.engine.pending import pending_of
from wallet.engine.positions import (
    Asked,
    Authorized,
    Consent,
    Issued,
    Kept,
    Position,
    Redirected,
    consent_of,
    flow_of,
    position_of,
)
from wallet.errors import LocalFailure
from wallet.records import Flow

STAGES = sorted(Path(one).stem for one in (FOLDER / "journal").glob("*.json"))


def read(stage: str) -> Position:
    return position_of(Flow("flow", (), vector(f"journal/{stage}.json")))


def test_there_is_a_row_of_every_stage() -> None:
    assert STAGES == ["asked", "asking", "authorized", "consent", "issued", "kept", "redirected"]


@pytest.mark.parametrize("stage", STAGES)
def test_it_is_read_and_written_as_one_of_today(stage: str) -> None:
    position = read(stage)
    consent = consent_of(position)
    assert consent.credential_configuration_ids == ("card",)
    assert consent.grant.grant_type == "authorization_code"
    flow = flow_of("flow", position)
    assert of_today(flow.document) == flow.document
    assert flow_of("flow", position_of(flow)) == flow
    assert (pending_of(flow, ["en"]) is None) == (stage == "kept")


@pytest.mark.parametrize("stage", ["asked", "redirected"])
def test_the_client_is_the_one_that_asked(stage: str) -> None:
    assert consent_of(read(stage)).client.client_id == "my-client"


def test_each_stands_where_it_stood() -> None:
    kinds = {stage: type(read(stage)) for stage in STAGES}
    later = dict.fromkeys(("authorized", "asking", "issued", "kept"), Authorized)
    earlier = {"consent": Consent, "asked": Asked, "redirected": Redirected}
    assert kinds == {**later, **earlier}
    for stage in ("authorized", "asking"):  # it asks anew, with a new key
        position = read(stage)
        assert isinstance(position, Authorized)
        assert position.credentials == ()


def test_what_was_issued_is_there_still() -> None:
    position, old = read("issued"), vector("journal/issued.json")
    assert isinstance(position, Authorized)
    [issued] = position.credentials
    assert isinstance(issued, Issued)
    [key] = issued.asking.keys
    assert key.key_id == old["asking"]["key"]["key_id"]
    assert flow_of("flow", position).key_ids == (key.key_id,)
    assert b"notification-1" in issued.answer.body


def test_what_was_kept_is_still_to_be_told() -> None:
    position = read("kept")
    assert isinstance(position, Authorized)
    [kept] = position.credentials
    assert isinstance(kept, Kept)
    assert kept.notice is not None
    assert kept.notice.event == "credential_accepted"


@pytest.mark.parametrize(
    "document", [{}, {"stage": 5}, {"stage": "issued"}, {"stage": "kept", "authorized": []}]
)
def test_what_is_no_row_is_damage(document: dict[str, Any]) -> None:
    flow = Flow("flow", (), document)
    with pytest.raises(LocalFailure, match="store_damaged"):
        position_of(flow)
    pending = pending_of(flow, ["en"])
    assert pending is not None
    assert not pending.readable
