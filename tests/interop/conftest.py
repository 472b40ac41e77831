"""Programs of other people, and a wallet that trusts the authority of their TLS certificates."""

import shutil
from pathlib import Path

import pytest

from tests.interop.programs import PROGRAMS
from tests.interop.wallet_command import WalletCommand
from tests.support.certificates import TlsAuthority

HERE = Path(__file__).parent
MISSING = not shutil.which("node") or not PROGRAMS.with_name("node_modules").exists()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if MISSING and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="needs Node.js, and `npm ci` in tests/interop"))


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsAuthority:
    return TlsAuthority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def wallet(tmp_path: Path, tls: TlsAuthority) -> WalletCommand:
    return WalletCommand(tmp_path, tls.file)
