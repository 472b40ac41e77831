"""The certificate that mobile documents are signed under is there, and in time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reference_servers.credential_issuer import certificates
from reference_servers.credential_issuer.certificates import document_signer, signing_key
from reference_servers.credential_issuer.database import Base
from reference_servers.storage import open_database


def test_it_is_made_once_and_again_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = open_database(f"sqlite:///{tmp_path / 'state.db'}", Base)
    signing_key(sessions, "https://issuer.example", tmp_path)
    first = document_signer(sessions, tmp_path).certificate
    assert document_signer(sessions, tmp_path).certificate == first
    monkeypatch.setattr(certificates, "RENEWED", timedelta(days=366))
    second = document_signer(sessions, tmp_path)
    assert second.certificate != first
    assert second.certificate.public_key() == second.key.public_key()
    assert second.certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=364)
