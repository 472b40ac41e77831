"""The recovery code opens the vault whatever became of keyring, passphrase and key file."""

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.keyrings import FileKeyring
from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import Vault, os_keyring
from wallet.vault.slots import read_key_file

PASSPHRASE = Secret("correct horse")


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileKeyring:
    service = FileKeyring(tmp_path / "keyring.json")
    monkeypatch.setattr(os_keyring, "_backends", lambda: [service])
    return service


@pytest.fixture
async def made(tmp_path: Path, keyring: FileKeyring) -> tuple[Path, Secret[str]]:
    """A vault that the keyring opens, and its recovery code."""
    vault = await Vault.create(tmp_path / "vault", None)
    await vault.add(record(0, (await vault.create_key("ES256")).key_id))
    code = await vault.new_recovery_code(derivation_ms=0)
    await vault.close()
    return tmp_path / "vault", code


async def refusal(
    folder: Path, passphrase: Secret[str] | None = None, code: Secret[str] | None = None
) -> str:
    with pytest.raises(LocalFailure) as caught:
        await Vault.open(folder, passphrase, recovery_code=code)
    return caught.value.code


async def opens(
    folder: Path, passphrase: Secret[str] | None = None, code: Secret[str] | None = None
) -> None:
    """The vault opens with what it held, and its key signs."""
    vault = await Vault.open(folder, passphrase, recovery_code=code)
    [card] = await vault.all()
    assert card == record(0, card.key_ids[0])
    assert await vault.sign(card.key_ids[0], b"message")
    await vault.close()


def emptied(keyring: FileKeyring) -> None:
    keyring.entries = {}


def changed(keyring: FileKeyring) -> None:
    keyring.entries = {
        name: text if name.endswith("/generation") else "A" * 43 + "="
        for name, text in keyring.entries.items()
    }


def garbled(keyring: FileKeyring) -> None:
    keyring.entries = dict.fromkeys(keyring.entries, "\u2028 no base64")


@pytest.mark.parametrize("happened", [emptied, changed, garbled])
async def test_a_keyring_that_was_emptied_or_changed(
    made: tuple[Path, Secret[str]], keyring: FileKeyring, happened: Callable[[FileKeyring], None]
) -> None:
    """The code opens it; the keyring is set up anew, so the next time it opens by itself."""
    folder, code = made
    happened(keyring)
    assert await refusal(folder) == "keyring_entry_missing"
    await opens(folder, code=code)
    await opens(folder)
    await opens(folder, code=code)  # which it still does


async def test_a_keyring_that_is_gone(
    made: tuple[Path, Secret[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No backend, one that forgets everything, one that always fails: the code, each time."""
    fail, null = (import_module(f"keyring.backends.{name}") for name in ("fail", "null"))

    folder, code = made
    kept = (folder / "wallet.keys").read_bytes()

    def none() -> list[object]:
        raise LocalFailure("keyring_unavailable", "keyring is set to keyring.backends.null")

    for backends, refused in (
        (none, "keyring_unavailable"),
        (lambda: [null.Keyring()], "keyring_entry_missing"),
        (lambda: [fail.Keyring()], "keyring_unavailable"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(os_keyring, "_backends", backends)
            assert await refusal(folder) == refused
            await opens(folder, code=code)
            assert await refusal(folder) == refused
    assert (folder / "wallet.keys").read_bytes() == kept  # nothing weaker took its slot's place
    await opens(folder)


async def test_a_passphrase_that_was_forgotten(
    made: tuple[Path, Secret[str]], keyring: FileKeyring
) -> None:
    """The passphrase stays until there is another: opening by the code weakens nothing."""
    folder, code = made
    vault = await Vault.open(folder)
    await vault.protect(PASSPHRASE, derivation_ms=0)
    await vault.close()
    assert await refusal(folder) == "passphrase_needed"
    assert await refusal(folder, Secret("what was it?")) == "passphrase_wrong"
    vault = await Vault.open(folder, recovery_code=code)
    assert (await vault.protection()).passphrase
    await vault.close()
    assert await refusal(folder) == "passphrase_needed"
    await opens(folder, PASSPHRASE)

    emptied(keyring)
    assert await refusal(folder, PASSPHRASE) == "keyring_entry_missing"
    vault = await Vault.open(folder, recovery_code=code)
    await vault.protect(Secret("another horse"), derivation_ms=0)
    await vault.close()
    assert await refusal(folder, PASSPHRASE) == "passphrase_wrong"
    await opens(folder, Secret("another horse"))
    await opens(folder, code=code)


async def test_the_code_as_people_type_it(made: tuple[Path, Secret[str]]) -> None:
    folder, code = made
    text = code.reveal()
    for typed in (text.lower(), text.replace("-", " "), f"  {text.replace('-', '')}\n"):
        await opens(folder, code=Secret(typed))
    slip = text[:-3] + ("0" if text[-3] != "0" else "1") + text[-2:]
    for wrong in ("", slip, text[:-1], text + "0", f"U{text[1:]}"):
        assert await refusal(folder, code=Secret(wrong)) == "recovery_wrong"
    assert not (folder / "wallet.tries").exists()  # a slip of the pen costs no try


async def test_a_new_code_ends_the_old_one(made: tuple[Path, Secret[str]]) -> None:
    folder, code = made
    vault = await Vault.open(folder)
    await vault.confirm_recovery(code)
    assert (await vault.protection()).recovery_confirmed
    second = await vault.new_recovery_code(derivation_ms=0)
    assert not (await vault.protection()).recovery_confirmed
    with pytest.raises(LocalFailure, match="recovery_wrong"):
        await vault.confirm_recovery(code)
    assert not (await vault.protection()).recovery_confirmed
    await vault.confirm_recovery(second)
    await vault.close()
    assert await refusal(folder, code=code) == "recovery_wrong"
    vault = await Vault.open(folder, recovery_code=second)
    assert (await vault.protection()).recovery_confirmed
    await vault.close()


async def test_without_a_code_none_opens_it(tmp_path: Path, keyring: FileKeyring) -> None:
    from wallet.vault.recovery import new_code

    vault = await Vault.create(tmp_path / "vault", None)
    assert not (await vault.protection()).recovery
    with pytest.raises(LocalFailure, match="recovery_wrong"):
        await vault.confirm_recovery(new_code())
    await vault.close()
    assert await refusal(tmp_path / "vault", code=new_code()) == "recovery_wrong"


async def test_a_store_that_was_put_back_opens_by_the_code(
    made: tuple[Path, Secret[str]], tmp_path: Path
) -> None:
    """A holder who restored an old copy of the folder gets in, and from then on without it."""
    folder, code = made
    shutil.copytree(folder, tmp_path / "old")
    vault = await Vault.open(folder)
    await vault.add(record(1))
    await vault.close()
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "old", folder)
    assert await refusal(folder) == "store_rolled_back"
    await opens(folder, code=code)
    await opens(folder)


async def test_the_code_is_nowhere_on_the_disk(made: tuple[Path, Secret[str]]) -> None:
    folder, code = made
    text = code.reveal()
    for file in folder.iterdir():
        content = file.read_bytes()
        assert text.encode() not in content
        assert text.replace("-", "").encode() not in content
    file_ = read_key_file(folder / "wallet.keys")
    assert file_ is not None
    assert text not in repr(file_)
