"""Stores of the past open, with everything in them; see `tests/vectors/stores`."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.records import keyless, record
from tests.support.signatures import signing_input, verify
from wallet.errors import LocalFailure
from wallet.records import HolderKey, Secret
from wallet.vault import Vault, os_keyring
from wallet.vault.slots import VERSION, read_key_file
from wallet.vault.store import SCHEMA_VERSION

STORES = Path(__file__).parents[2] / "vectors" / "stores"
FOLDERS = sorted(one.name for one in STORES.iterdir() if one.is_dir())
PASSPHRASE = Secret("correct horse")
CODES = {
    folder: Secret(code)
    for folder, code in re.findall(
        r"^\| `(v\d+)` .* `([0-9A-Z-]{34})` \|$",
        (STORES / "README.md").read_text("utf-8"),
        re.MULTILINE,
    )
}


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> list[object]:
        raise LocalFailure("keyring_unavailable")

    monkeypatch.setattr(os_keyring, "_backends", none)


@pytest.fixture(params=FOLDERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / name, tmp_path / "vault"))


async def has_everything(vault: Vault, public: Path) -> None:
    """The records are those that went in, and each key is the one that its issuer knows."""
    cards = await vault.all()
    assert [keyless(one) for one in cards] == [record(1), record(0)]
    known = json.loads(public.read_text())
    for card in cards:
        key = HolderKey(card.key_ids[0], known[card.id]["alg"], known[card.id]["jwk"])
        text = signing_input(key)
        verify(key, await vault.sign(card.key_ids[0], text), text)


def test_there_is_a_store_of_every_version() -> None:
    assert [f"v{number}" for number in range(1, SCHEMA_VERSION + 1)] == FOLDERS


async def test_it_opens_and_goes_on_as_one_of_today(folder: Path) -> None:
    assert Vault.door(folder) == "locked"
    for _ in range(2):
        vault = await Vault.open(folder, PASSPHRASE)
        await has_everything(vault, folder / "public_keys.json")
        await vault.close()
    document = json.loads((folder / "wallet.keys").read_text())
    assert document["version"] == VERSION
    file = read_key_file(folder / "wallet.keys")
    assert file is not None
    assert len(file.data_keys) == 1
    assert not (folder / "wallet.db.new").exists()

    vault = await Vault.open(folder, PASSPHRASE)
    key = await vault.create_key("ES384")
    await vault.add(record(2, key.key_id))
    await vault.rotate()
    await vault.remove("credential-2")
    await has_everything(vault, folder / "public_keys.json")
    code = await vault.new_recovery_code(derivation_ms=0)
    await vault.close()
    vault = await Vault.open(folder, recovery_code=code)
    await has_everything(vault, folder / "public_keys.json")
    await vault.close()


async def test_another_passphrase_changes_nothing(folder: Path) -> None:
    kept = {name: (folder / name).read_bytes() for name in ("wallet.db", "wallet.keys")}
    with pytest.raises(LocalFailure, match="passphrase_wrong"):
        await Vault.open(folder, Secret("another horse"))
    assert {name: (folder / name).read_bytes() for name in kept} == kept


async def test_its_recovery_code_opens_it(name: str, folder: Path) -> None:
    if name == "v1":
        assert name not in CODES  # there were none then
        return
    vault = await Vault.open(folder, recovery_code=CODES[name])
    await has_everything(vault, folder / "public_keys.json")
    await vault.confirm_recovery(CODES[name])
    assert (await vault.protection()).recovery_confirmed
    await vault.close()


async def test_a_damaged_one_is_not_upgraded(folder: Path) -> None:
    database = folder / "wallet.db"
    whole = database.read_bytes()
    for at in (0, len(whole) // 8192 * 4096, len(whole) - 4096):
        flipped = whole[: at + 100] + bytes([whole[at + 100] ^ 1]) + whole[at + 101 :]
        database.write_bytes(flipped)
        with pytest.raises(LocalFailure, match="store_damaged"):
            await Vault.open(folder, PASSPHRASE)
        assert database.read_bytes() == flipped
    database.write_bytes(whole)
    await (await Vault.open(folder, PASSPHRASE)).close()
