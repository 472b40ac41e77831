"""Whatever changes the keys survives a kill: rotation, an upgrade, a new protection."""

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.keyrings import FileKeyring
from tests.support.records import keyless, record
from tests.support.steps import KEYRING, killed_at_each_step
from wallet.errors import LocalFailure
from wallet.records import CredentialRecord, Flow, Secret
from wallet.strict import base64url_encode
from wallet.vault import Vault, os_keyring, renewal
from wallet.vault.failures import guarded
from wallet.vault.slots import (
    KeyFile,
    data_keys,
    read_key_file,
    seal_for_keyring,
    unseal,
    write_key_file,
)
from wallet.vault.store import Store

PASSPHRASE = Secret("correct horse")
STORES = Path(__file__).parents[2] / "vectors" / "stores"

Use = Callable[[Path], FileKeyring]
Content = tuple[tuple[CredentialRecord, ...], tuple[Flow, ...]]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Let the keyring of a case be the system's."""

    def used(case: Path) -> FileKeyring:
        service = FileKeyring(case / KEYRING)
        monkeypatch.setattr(os_keyring, "_backends", lambda: [service])
        return service

    return used


@pytest.fixture
async def template(tmp_path: Path, use: Use) -> Path:
    """Two credentials with keys, and a flow that names a third one."""
    case = tmp_path / "template"
    case.mkdir()
    use(case)
    vault = await Vault.create(case / "vault", None)
    for number in range(2):
        await vault.add(record(number, (await vault.create_key("ES256")).key_id))
    await vault.save(Flow("flow", ((await vault.create_key("EdDSA")).key_id,), {"at": "token"}))
    await vault.close()
    return case


async def content(folder: Path, passphrase: Secret[str] | None = None) -> Content:
    """Everything that the vault holds; each key has signed."""
    vault = await Vault.open(folder, passphrase)
    try:
        records, flows = await vault.all(), await vault.flows()
        keys = [key for one in records for key in one.key_ids] + [
            key for flow in flows for key in flow.key_ids
        ]
        for key_id in keys:
            assert await vault.sign(key_id, b"message")
        return records, flows
    finally:
        await vault.close()


def one_data_key(folder: Path) -> KeyFile:
    """The key file, once it and its copy agree on one data key and nothing is unfinished."""
    file = read_key_file(folder / "wallet.keys")
    assert file is not None
    assert len(file.data_keys) == 1
    assert (folder / "wallet.keys").read_bytes() == (folder / "wallet.keys.copy").read_bytes()
    assert not list(folder.glob("wallet.db.new*"))
    return file


def root_of(file: KeyFile, keyring: FileKeyring) -> bytearray:
    secret = bytearray(base64.b64decode(keyring.entries[file.entry(file.slots[0])]))
    return unseal(file, file.slots[0], keyring_secret=secret, wrong="keyring_entry_missing")


async def rotates(case: Path) -> None:
    vault = await Vault.open(case / "vault")
    await vault.rotate()
    await vault.close()


async def test_a_rotation_killed_at_each_step(template: Path, tmp_path: Path, use: Use) -> None:
    before = await content(template / "vault")
    cases = killed_at_each_step(rotates, template, tmp_path / "cases")
    assert len(cases) > 20
    for case in cases:
        use(case)
        assert await content(case / "vault") == before, case.name
        one_data_key(case / "vault")


async def test_the_old_data_key_opens_nothing_any_more(template: Path, use: Use) -> None:
    keyring, folder = use(template), template / "vault"
    file = one_data_key(folder)
    root = root_of(file, keyring)
    [old] = data_keys(file, root)
    Store.open(folder / "wallet.db", old).close()
    await rotates(template)
    [new] = data_keys(one_data_key(folder), root)
    assert new != old
    with pytest.raises(LocalFailure, match="store_damaged"):
        guarded(lambda: Store.open(folder / "wallet.db", old))
    Store.open(folder / "wallet.db", new).close()


async def test_the_vault_goes_on_after_a_rotation(template: Path) -> None:
    vault = await Vault.open(template / "vault")
    for number in range(2, 5):
        await vault.rotate()
        await vault.add(record(number, (await vault.create_key("ES384")).key_id))
    assert len(await vault.all()) == 5
    await vault.close()
    await content(template / "vault")


async def protects_anew(case: Path) -> None:
    vault = await Vault.open(case / "vault")
    await vault.protect(None)
    await vault.close()


async def test_a_new_protection_killed_at_each_step(
    template: Path, tmp_path: Path, use: Use
) -> None:
    """The keyring's old entry is needed until the key file names the new one."""
    before = await content(template / "vault")
    cases = killed_at_each_step(protects_anew, template, tmp_path / "cases")
    for case in cases:
        use(case)
        assert await content(case / "vault") == before, case.name
    secrets = [one for one in use(cases[-1]).entries if not one.endswith("/generation")]
    assert len(secrets) == 1


async def test_a_refused_protection_changes_nothing(template: Path, use: Use) -> None:
    entries = set(use(template).entries)
    vault = await Vault.open(template / "vault")
    with pytest.raises(LocalFailure, match="passphrase_too_short"):
        await vault.protect(Secret("short"), derivation_ms=0)
    await vault.close()
    assert set(use(template).entries) == entries
    await content(template / "vault")


async def test_a_passphrase_change_that_fails_during_the_derivation(
    template: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old passphrase still opens, with the keyring's half that belongs to it."""
    use(template)
    vault = await Vault.open(template / "vault")
    await vault.protect(PASSPHRASE, derivation_ms=0)
    monkeypatch.setattr(
        "wallet.vault.access.seal_for_passphrase", lambda *_, **__: (_ for _ in ()).throw(OSError)
    )
    with pytest.raises(LocalFailure, match="store_unwritable"):
        await vault.protect(Secret("another horse"), derivation_ms=0)
    await vault.close()
    await content(template / "vault", PASSPHRASE)


async def upgrades(case: Path) -> None:
    await (await Vault.open(case / "vault")).close()


@pytest.fixture
def first(tmp_path: Path, use: Use) -> Path:
    """The store of version 1, its passphrase slot exchanged for one that opens at once."""
    case = tmp_path / "first"
    shutil.copytree(STORES / "v1", case / "vault")
    keyring, keys = use(case), case / "vault" / "wallet.keys"
    file = read_key_file(keys)
    assert file is not None
    root = unseal(file, file.slots[0], text=PASSPHRASE, wrong="passphrase_wrong")
    slot = seal_for_keyring(file.wallet_id, root, bytearray(32))
    keyring.set_password(file.service, "", "A" * 43 + "=")
    document = json.loads(keys.read_text())
    document["slots"] = [
        {
            "type": "keyring",
            "parameters": {},
            "nonce": base64url_encode(slot.nonce),
            "wrapped": base64url_encode(slot.wrapped),
        }
    ]
    keys.write_text(json.dumps(document))
    return case


async def test_an_upgrade_killed_at_each_step(first: Path, tmp_path: Path, use: Use) -> None:
    cases = killed_at_each_step(upgrades, first, tmp_path / "cases")
    assert len(cases) > 15
    for case in cases:
        use(case)
        records, flows = await content(case / "vault")
        assert not flows
        assert [keyless(one) for one in records] == [record(1), record(0)], case.name
        one_data_key(case / "vault")


async def test_a_full_disk_ends_a_rotation_and_nothing_else(
    template: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(template)
    vault = await Vault.open(template / "vault")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "fill", full)
        with pytest.raises(LocalFailure, match="store_unwritable"):
            await vault.rotate()
    assert not list((template / "vault").glob("*.new*"))
    await vault.add(record(9, (await vault.create_key("ES256")).key_id))
    await vault.close()
    await content(template / "vault")


async def test_a_rotation_that_fails_halfway_is_finished_by_the_next_opening(
    template: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(template)
    before = await content(template / "vault")
    vault = await Vault.open(template / "vault")

    def write(path: Path, file: KeyFile) -> None:
        if len(file.data_keys) == 1:
            raise OSError(28, "No space left on device")
        write_key_file(path, file)

    with monkeypatch.context() as patch:
        patch.setattr(renewal, "write_key_file", write)
        with pytest.raises(LocalFailure, match="store_unwritable"):
            await vault.rotate()
    with pytest.raises(LocalFailure, match="the store is closed"):
        await vault.all()
    await vault.close()
    assert await content(template / "vault") == before
    one_data_key(template / "vault")


async def test_a_new_protection_that_the_store_cannot_note_is_one(
    template: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key file is written, so it counts; the next opening takes note of it."""
    keyring, folder = use(template), template / "vault"
    entries = keyring.entries
    old = shutil.copytree(folder, template / "old")
    vault = await Vault.open(folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", full)
        await vault.protect(PASSPHRASE, derivation_ms=0)
    await vault.close()
    await content(folder, PASSPHRASE)
    for name in ("wallet.keys", "wallet.keys.copy"):
        shutil.copy(old / name, folder / name)
    keyring.entries = entries | keyring.entries  # the old secret, too
    with pytest.raises(LocalFailure, match="store_rolled_back"):
        await Vault.open(folder)
