"""What somebody puts back or takes away: pages, rows, key files, the whole folder."""

import shutil
from itertools import combinations
from pathlib import Path

import pytest

from tests.support.keyrings import FileKeyring
from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Secret
from wallet.vault import Vault, os_keyring
from wallet.vault.failures import guarded
from wallet.vault.store import Delete, Put, Store

KEY = bytes(range(32))
PAGE = 4096
PASSPHRASE = Secret("correct horse")

Content = list[Put]


def content(path: Path) -> Content | None:
    """What the database holds; None where it is refused as damaged. Any other error fails."""
    try:
        store = guarded(lambda: Store.open(path, bytearray(KEY)))
    except LocalFailure as failure:
        if failure.code != "store_damaged":
            raise
        return None
    try:
        found = list(store.all())
        assert all(store.get(one.kind, one.id) == one.content for one in found)
        return found
    finally:
        store.close()


def pages(path: Path) -> list[bytes]:
    whole = path.read_bytes()
    return [whole[at : at + PAGE] for at in range(0, len(whole), PAGE)]


def mixed(path: Path, old: list[bytes], new: list[bytes], places: tuple[int, ...]) -> Path:
    """The new database, with the old pages in some places."""
    path.write_bytes(b"".join(old[n] if n in places else new[n] for n in range(len(new))))
    return path


# --- pages of an older database -------------------------------------------------------------------


def test_every_subset_of_the_pages_of_a_small_store(tmp_path: Path) -> None:
    path, mix = tmp_path / "wallet.db", tmp_path / "mix.db"
    store = Store.create(path, bytearray(KEY))
    store.write(Put("credential", "1", b"first"), Put("credential", "2", b"second"))
    old, before = pages(path), list(store.all())
    store.write(Put("credential", "1", b"first, changed"), Delete("credential", "2"))
    new, after = pages(path), list(store.all())
    store.close()
    assert len(old) == len(new)
    changed = [n for n in range(len(new)) if old[n] != new[n]]
    assert len(changed) >= 3
    whole = []
    for size in range(1, len(changed) + 1):
        for places in combinations(changed, size):
            found = content(mixed(mix, old, new, places))
            assert found in (None, before, after), places
            if found == before:
                whole.append(places)
    # Every page that holds something: an older store, whole. The keyring tells; see below.
    assert whole == [tuple(changed[1:]), tuple(changed)]


def test_single_pages_and_pairs_of_a_larger_store(tmp_path: Path) -> None:
    path, mix = tmp_path / "wallet.db", tmp_path / "mix.db"
    store = Store.create(path, bytearray(KEY))
    store.write(*(Put("credential", str(n), b"old" * 900) for n in range(12)))
    old = pages(path)
    store.write(*(Put("credential", str(n), b"new" * 900) for n in range(12)))
    new, after = pages(path), list(store.all())
    store.close()
    changed = [n for n in range(min(len(old), len(new))) if old[n] != new[n]]
    assert len(changed) >= 10
    damaged = 0
    tried = [*combinations(changed, 1), *combinations(changed, 2)]
    for places in tried:
        found = content(mixed(mix, old, new, places))
        assert found in (None, after), places
        damaged += found is None
    assert damaged > len(tried) * 0.8


def test_an_index_of_older_pages(tmp_path: Path) -> None:
    """Its table is the newer one: records that the index does not know would not be found."""
    path, mix = tmp_path / "wallet.db", tmp_path / "mix.db"
    store = Store.create(path, bytearray(KEY))
    store.write(*(Put("credential", str(n), b"content" * 500) for n in range(3)))
    old = pages(path)
    store.write(Delete("credential", "2"), Put("credential", "7", b"content" * 500))
    new, after = pages(path), list(store.all())
    roots = "SELECT rootpage FROM sqlite_schema WHERE type = 'index'"
    indexes = [page - 1 for (page,) in store._db.execute(roots)]
    store.close()
    assert len(indexes) == 2
    names, sequence = indexes
    assert content(mixed(mix, old, new, (names,))) is None
    assert content(mixed(mix, old, new, (names, sequence))) is None
    # The new record has the place and the number of the deleted one: this index says the same.
    assert content(mixed(mix, old, new, (sequence,))) == after


def test_pages_of_two_places_exchanged(tmp_path: Path) -> None:
    path, mix = tmp_path / "wallet.db", tmp_path / "mix.db"
    store = Store.create(path, bytearray(KEY))
    store.write(*(Put("credential", str(n), b"one" * 900) for n in range(4)))
    store.close()
    right = pages(path)
    for one, other in combinations(range(len(right)), 2):
        wrong = list(right)
        wrong[one], wrong[other] = right[other], right[one]
        mix.write_bytes(b"".join(wrong))
        assert content(mix) is None, (one, other)


# --- rows, by somebody with SQLCipher's key but not the seals' ------------------------------------

ROWS = {
    "a row is deleted": "DELETE FROM record WHERE id = 'a'",
    "every row is deleted": "DELETE FROM record",
    "the manifest is deleted": "DELETE FROM manifest",
    "a row is put back": "INSERT OR REPLACE INTO record SELECT * FROM old.record WHERE id = 'a'",
    "a deleted row is put back": "INSERT INTO record SELECT * FROM old.record WHERE id = 'gone'",
    "all rows are put back": "DELETE FROM record; INSERT INTO record SELECT * FROM old.record",
    "the manifest is put back": "INSERT OR REPLACE INTO manifest SELECT * FROM old.manifest",
    "a row is renamed": "UPDATE record SET id = 'z' WHERE id = 'a'",
    "a row is of another kind": "UPDATE record SET kind = 'flow' WHERE id = 'a'",
    "a version is set back": "UPDATE record SET version = 1 WHERE id = 'a'",
    "a row names no key": "UPDATE record SET keys = '[]' WHERE id = 'a'",
    "a row names nonsense": "UPDATE record SET keys = 'nonsense' WHERE id = 'a'",
    "two rows exchange what they hold": (
        "UPDATE record SET (tag, sealed) = (SELECT tag, sealed FROM record AS other "
        "WHERE other.id = iif(record.id = 'a', 'b', 'a')) WHERE id IN ('a', 'b')"
    ),
    "a row is copied": (
        "INSERT INTO record SELECT kind, 'copy', version, sequence + 9, keys, tag, sealed "
        "FROM record WHERE id = 'a'"
    ),
    "a tag is cut": "UPDATE record SET tag = CAST(substr(tag, 1, 20) AS BLOB) WHERE id = 'a'",
}


def with_rows(path: Path) -> tuple[Store, Path]:
    store = Store.create(path, bytearray(KEY))
    key = Put("holder_key", "k", b"key")
    store.write(key, *(Put("credential", name, b"1", ("k",)) for name in ("a", "b", "gone")))
    old = Path(shutil.copy(path, path.with_name("old.db")))
    store.write(Put("credential", "a", b"2", ("k",)), Delete("credential", "gone"))
    return store, old


@pytest.mark.parametrize("attack", ROWS)
def test_rows_that_are_put_back_or_taken_away(tmp_path: Path, attack: str) -> None:
    path = tmp_path / "wallet.db"
    store, old = with_rows(path)
    store._db.execute(f"ATTACH '{old}' AS old")
    for statement in ROWS[attack].split("; "):
        assert store._db.execute(statement).rowcount > 0
    store.close()
    assert content(path) is None


def test_a_sealed_content_that_was_exchanged(tmp_path: Path) -> None:
    """The tag stays, so the manifest agrees: reading the record tells."""
    path = tmp_path / "wallet.db"
    store, _ = with_rows(path)
    store._db.execute("UPDATE record SET sealed = CAST('x' AS BLOB) WHERE id = 'a'")
    store.close()
    store = Store.open(path, bytearray(KEY))
    with pytest.raises(LocalFailure, match="the credential a is not what the wallet wrote"):
        list(store.all())
    with pytest.raises(LocalFailure, match="store_damaged"):
        store.get("credential", "a")
    assert store.get("credential", "b") == b"1"
    store.close()


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileKeyring:
    service = FileKeyring(tmp_path / "keyring.json")
    monkeypatch.setattr(os_keyring, "_backends", lambda: [service])
    return service


@pytest.fixture
async def folder(tmp_path: Path, keyring: FileKeyring) -> Path:
    vault = await Vault.create(tmp_path / "vault", None)
    await vault.add(record(0, (await vault.create_key("ES256")).key_id))
    await vault.close()
    return tmp_path / "vault"


async def refusal(folder: Path, passphrase: Secret[str] | None = None) -> str:
    with pytest.raises(LocalFailure) as caught:
        await Vault.open(folder, passphrase)
    return caught.value.code


async def ids(folder: Path) -> list[str]:
    vault = await Vault.open(folder)
    try:
        return [one.id for one in await vault.all()]
    finally:
        await vault.close()


def put_back(folder: Path, old: Path, names: tuple[str, ...]) -> None:
    for name in names:
        shutil.copy(old / name, folder / name)


KEY_FILES = ("wallet.keys", "wallet.keys.copy")


@pytest.mark.parametrize("names", [("wallet.db",), ("wallet.db", *KEY_FILES)])
async def test_an_older_store_is_put_back(
    folder: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """The keyring has seen the newer one: the database alone, and the whole folder."""
    old = Path(shutil.copytree(folder, tmp_path / "old"))
    vault = await Vault.open(folder)
    await vault.remove("credential-0")
    await vault.add(record(1))
    await vault.close()
    new = Path(shutil.copytree(folder, tmp_path / "new"))
    put_back(folder, old, names)
    for _ in range(2):  # the refusal changes nothing
        assert await refusal(folder) == "store_rolled_back"
    put_back(folder, new, names)
    assert await ids(folder) == ["credential-1"]


async def test_sweeping_does_not_make_up_for_a_lost_commit(folder: Path) -> None:
    vault = await Vault.open(folder)
    await vault.create_key("ES256")  # named by nothing: the next opening sweeps it
    old = Path(shutil.copytree(folder, folder.with_name("old")))
    await vault.add(record(7))
    await vault.close()
    put_back(folder, old, ("wallet.db",))
    for _ in range(3):  # nor does trying again
        assert await refusal(folder) == "store_rolled_back"


async def test_a_commit_that_the_keyring_has_not_seen(folder: Path, keyring: FileKeyring) -> None:
    """Killed between the commit and its mirror: the store is newer, and the keyring catches up."""
    before = keyring.entries
    vault = await Vault.open(folder)
    await vault.add(record(1))
    await vault.close()
    after = keyring.entries
    [generation] = [name for name in after if name.endswith("/generation")]
    assert int(after[generation]) == int(before[generation]) + 1
    keyring.entries = before
    assert await ids(folder) == ["credential-1", "credential-0"]
    assert keyring.entries == after


async def test_a_keyring_that_fails_for_a_while_stops_nobody(
    folder: Path, keyring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = await Vault.open(folder)
    with monkeypatch.context() as patch:
        patch.setattr(os_keyring, "_backends", lambda: [None])
        await vault.add(record(1))
    await vault.add(record(2))
    await vault.close()
    assert len(await ids(folder)) == 3


@pytest.mark.parametrize("change", ["rotate", "protect"])
async def test_an_older_key_file_is_put_back(
    folder: Path, tmp_path: Path, keyring: FileKeyring, change: str
) -> None:
    entries = keyring.entries
    old = Path(shutil.copytree(folder, tmp_path / "old"))
    vault = await Vault.open(folder)
    await (vault.rotate() if change == "rotate" else vault.protect(None))
    await vault.close()
    new = Path(shutil.copytree(folder, tmp_path / "new"))
    put_back(folder, old, KEY_FILES)
    expected = "store_damaged" if change == "rotate" else "keyring_entry_missing"
    assert await refusal(folder) == expected
    if change == "protect":  # somebody has kept the keyring's old entry, too
        keyring.entries = entries | keyring.entries
        assert await refusal(folder) == "store_rolled_back"
    put_back(folder, new, KEY_FILES)
    assert await ids(folder) == ["credential-0"]
    put_back(folder, old, KEY_FILES[1:])  # only the copy: the other one counts, and is copied again
    assert await ids(folder) == ["credential-0"]
    assert (folder / "wallet.keys.copy").read_bytes() == (new / "wallet.keys").read_bytes()


async def test_an_old_passphrase_with_its_key_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a keyring too: the store knows which key file is the newest."""

    def none() -> list[object]:
        raise LocalFailure("keyring_unavailable")

    monkeypatch.setattr(os_keyring, "_backends", none)
    folder, old = tmp_path / "vault", tmp_path / "old"
    vault = await Vault.create(folder, PASSPHRASE, derivation_ms=0)
    shutil.copytree(folder, old)
    await vault.protect(Secret("another horse"), derivation_ms=0)
    await vault.close()
    assert await refusal(folder, PASSPHRASE) == "passphrase_wrong"
    new = Path(shutil.copytree(folder, tmp_path / "new"))
    put_back(folder, old, KEY_FILES)
    assert await refusal(folder, PASSPHRASE) == "store_rolled_back"
    (folder / "wallet.keys").write_bytes(b"")  # damaged, so that the old copy counts
    assert await refusal(folder, PASSPHRASE) == "store_rolled_back"
    put_back(folder, new, KEY_FILES)
    await (await Vault.open(folder, Secret("another horse"))).close()


async def test_a_key_file_of_the_middle_of_a_rotation(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names both data keys, and still is an older one."""
    from wallet.vault import renewal
    from wallet.vault.slots import KeyFile, write_key_file

    middle = tmp_path / "middle"
    middle.mkdir()

    def write(path: Path, file: KeyFile) -> None:
        write_key_file(path, file)
        if len(file.data_keys) == 2:
            put_back(middle, folder, KEY_FILES)

    monkeypatch.setattr(renewal, "write_key_file", write)
    vault = await Vault.open(folder)
    await vault.rotate()
    await vault.close()
    put_back(folder, middle, KEY_FILES)
    for _ in range(2):
        assert await refusal(folder) == "store_rolled_back"
    assert (folder / "wallet.keys").read_bytes() == (middle / "wallet.keys").read_bytes()
