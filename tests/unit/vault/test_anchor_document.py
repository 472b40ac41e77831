"""A trust anchor and its document: the same after a round trip, or refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from wallet.errors import LocalFailure
from wallet.records import TrustAnchor
from wallet.vault.backup import Backup, readable
from wallet.vault.document import anchor_document, anchor_of
from wallet.vault.store import TRUST_ANCHOR, Put

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
CERTIFICATE = TrustAnchor("00ff", "certificate", "Root", "AAAA", NOW, NOW)
ISSUER = TrustAnchor("01", "issuer", "did:web:a", "did:web:a", None, NOW, trusted=False)


@pytest.mark.parametrize("anchor", [CERTIFICATE, ISSUER])
def test_round_trip(anchor: TrustAnchor) -> None:
    assert anchor_of(anchor_document(anchor)) == anchor


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"kind": "another"},
        {"kind": None},
        {"name": 1},
        {"value": None},
        {"added_at": "yesterday"},
        {"expires_at": "2026-01-02T03:04:05"},
        {"more": True},
    ],
)
def test_damaged(changes: dict[str, Any]) -> None:
    document = {**json.loads(anchor_document(CERTIFICATE)), **changes}
    with pytest.raises(LocalFailure) as caught:
        anchor_of(json.dumps(document).encode())
    assert caught.value.code == "store_damaged"


def test_a_backup_with_one_that_cannot_be_read() -> None:
    record = Put(TRUST_ANCHOR, "00ff", b"{}")
    with pytest.raises(LocalFailure) as caught:
        readable(Backup("0123456789abcdef", 1, NOW, "", (record,)))
    assert caught.value.code == "backup_unreadable"
