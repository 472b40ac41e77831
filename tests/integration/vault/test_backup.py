"""Backups of a whole vault: restored, killed on the way, refused, and single credentials."""

import hashlib
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.disks import fill, small_disk
from tests.support.keyrings import FileKeyring
from tests.support.records import record
from tests.support.signatures import signing_input, verify
from tests.support.steps import KEYRING, killed_at_each_step
from wallet.errors import LocalFailure
from wallet.records import CredentialRecord, Flow, HolderKey, Secret
from wallet.vault import Vault, os_keyring
from wallet.vault import backup as module
from wallet.vault.backup import read_backup
from wallet.vault.restoring import prepare, put_in_place
from wallet.vault.store import Put

PASSPHRASE = Secret("correct horse")
SETTINGS = 'language = ["de"]\n'

Use = Callable[[Path], FileKeyring]
Content = tuple[tuple[CredentialRecord, ...], tuple[Flow, ...]]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Let the keyring of a case be the system's."""

    def used(case: Path) -> FileKeyring:
        case.mkdir(exist_ok=True)
        service = FileKeyring(case / KEYRING)
        monkeypatch.setattr(os_keyring, "_backends", lambda: [service])
        return service

    return used


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The container of our own, without the seconds that a derivation takes; age has its tests."""
    _make_quick(monkeypatch.setattr)


def _make_quick(put: Callable[[object, str, object], None]) -> None:
    put(module, "has_age", lambda: False)
    put(module, "_MEMORY_KIB", 64)


async def made(case: Path, number: int) -> dict[str, HolderKey]:
    """A vault with credentials, each with a key, and a flow with a key of its own."""
    keys = {}
    vault = await Vault.create(case / "vault", None)
    for n in range(number):
        key = await vault.create_key(("ES256", "ES384", "EdDSA")[n % 3])
        await vault.add(record(n, key.key_id))
        keys[key.key_id] = key
    key = await vault.create_key("ES256")
    keys[key.key_id] = key
    await vault.save(Flow("flow", (key.key_id,), {"at": "deferred", "transaction_id": "sentinel"}))
    await vault.close()
    return keys


async def content(vault: Vault) -> Content:
    return await vault.all(), await vault.flows()


async def content_of(folder: Path) -> Content:
    vault = await Vault.open(folder)
    try:
        return await content(vault)
    finally:
        await vault.close()


async def backed_up(case: Path, name: str = "wallet.age") -> Content:
    vault = await Vault.open(case / "vault")
    await vault.backup(case / name, PASSPHRASE, SETTINGS)
    found = await content(vault)
    await vault.close()
    return found


async def nothing_is_open() -> None:
    pass


async def restored(
    case: Path,
    backup: Path,
    passphrase: Secret[str] = PASSPHRASE,
    *,
    replace_present: bool = False,
    release: Callable[[], Awaitable[None]] = nothing_is_open,
) -> tuple[Vault, str]:
    folder = case / "vault"
    name, settings = await prepare(
        folder, backup, passphrase, None, replace_present=replace_present
    )
    await release()
    return await put_in_place(folder, name, None), settings


async def put_many(case: Path, number: int) -> dict[str, HolderKey]:
    """As `made`, in one commit: what is proved here is not the writing."""
    from wallet.vault.document import document_of
    from wallet.vault.holder_keys import new_key

    keys, puts = {}, []
    for n in range(number):
        algorithm = ("ES256", "ES384", "EdDSA")[n % 3]
        der, public = new_key(algorithm)
        keys[f"key{n}"] = HolderKey(f"key{n}", algorithm, public)
        one = record(n, f"key{n}")
        puts += [
            Put("holder_key", f"key{n}", der),
            Put("credential", one.id, document_of(one), one.key_ids),
        ]
    der, public = new_key("ES256")
    keys["pending"] = HolderKey("pending", "ES256", public)
    flow = Put("flow", "flow", b'{"at": "deferred"}', ("pending",))
    vault = await Vault.create(case / "vault", None)
    await vault._commit(*puts, Put("holder_key", "pending", der), flow)
    await vault.close()
    return keys


async def test_a_thousand_credentials_on_a_fresh_profile(tmp_path: Path, use: Use) -> None:
    """Equal records in their order, every key signs, the flow goes on; the age container."""
    first, second = tmp_path / "first", tmp_path / "second"
    use(first)
    keys = await put_many(first, 1000)
    before = await backed_up(first)
    assert len(before[0]) == 1000
    assert before[1] == (Flow("flow", ("pending",), {"at": "deferred"}),)
    sealed = (first / "wallet.age").read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1")
    assert b"sentinel" not in sealed
    use(second)
    vault, settings = await restored(second, first / "wallet.age")
    assert settings == SETTINGS
    assert await content(vault) == before
    for key in keys.values():
        text = signing_input(key)
        verify(key, await vault.sign(key.key_id, text), text)
    await vault.add(record(5000))
    await vault.close()
    assert len((await content_of(second / "vault"))[0]) == 1001
    assert sorted(one.name for one in second.iterdir()) == [KEYRING, "vault"]
    assert not list((second / "vault").glob("restored-*"))


# --- a restoration that is killed -----------------------------------------------------------------


async def restores(case: Path) -> None:
    _make_quick(setattr)
    vault, _ = await restored(case, case / "wallet.age", replace_present=True)
    await vault.close()


def databases(case: Path) -> set[str]:
    return {
        hashlib.sha256(one.read_bytes()).hexdigest() for one in (case / "vault").rglob("wallet.db")
    }


@pytest.mark.usefixtures("quick")
async def test_a_restoration_killed_at_each_step(tmp_path: Path, use: Use) -> None:
    """The old vault opens, or the restored one; and the old database is there, whatever came."""
    template = tmp_path / "template"
    use(template)
    await made(template, 2)
    backup = await backed_up(template)
    vault = await Vault.open(template / "vault")
    await vault.remove("credential-0")
    await vault.add(record(7))
    old = await content(vault)
    await vault.close()
    [kept] = databases(template)
    cases = killed_at_each_step(restores, template, tmp_path / "cases")
    assert len(cases) > 60
    found = []
    for case in cases:
        use(case)
        assert kept in databases(case), case.name
        assert Vault.door(case / "vault") == "closed"
        assert kept in databases(case), case.name
        found.append(await content_of(case / "vault"))
    turn = found.index(backup)
    assert found == [old] * turn + [backup] * (len(found) - turn)
    assert 0 < turn < len(found) - 5

    # What was set aside is a vault, too.
    [aside] = (cases[-1] / "vault").glob("set-aside-*")
    assert await content_of(aside) == old


@pytest.mark.usefixtures("quick")
async def test_restoring_again_after_a_kill(tmp_path: Path, use: Use) -> None:
    """Without looking at the door first: what was begun is finished, and the next set aside."""
    template = tmp_path / "template"
    use(template)
    await made(template, 1)
    backup = await backed_up(template)
    cases = killed_at_each_step(restores, template, tmp_path / "cases")
    halfway = [case for case in cases if (case / "vault" / "wallet.restoring").exists()]
    assert len(halfway) > 5
    for case in halfway:
        use(case)
        await restores(case)
        assert await content_of(case / "vault") == backup
        for aside in (case / "vault").glob("set-aside-*"):
            assert await content_of(aside) == backup, case.name


@pytest.mark.usefixtures("quick")
async def test_what_a_killed_restoration_left_goes_with_the_next(tmp_path: Path, use: Use) -> None:
    keyring = use(tmp_path / "case")
    folder = tmp_path / "case" / "vault"
    await made(tmp_path / "case", 1)
    backup = await backed_up(tmp_path / "case")
    entries = set(keyring.entries)
    old, young = (folder / f"restored-{when}-abcd" for when in ("20260101T000000Z", "9"))
    await (await Vault.create(old, None)).close()
    of_old = set(keyring.entries) - entries
    await (await Vault.create(young, None)).close()
    await restores(tmp_path / "case")
    assert (old.exists(), young.exists()) == (False, True)
    assert of_old.isdisjoint(keyring.entries)
    assert await content_of(young) == ((), ())
    assert await content_of(folder) == backup


@pytest.mark.usefixtures("quick")
async def test_a_door_that_is_looked_at_during_a_restoration(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that looks at the door does not move the files, too."""
    from wallet.vault import replacing, restoring

    use(tmp_path / "case")
    await made(tmp_path / "case", 1)
    await backed_up(tmp_path / "case")
    seen = []

    def take_over(folder: Path, fresh: Path, aside: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(replacing, "finish", lambda _: None)
            replacing.take_over(folder, fresh, aside)
        with pytest.raises(LocalFailure) as caught:
            Vault.door(folder)
        seen.append(caught.value.code)
        replacing.finish(folder)

    monkeypatch.setattr(restoring, "take_over", take_over)
    await restores(tmp_path / "case")
    assert seen == ["store_in_use"]


# --- what a restoration does not do without being asked -------------------------------------------


async def refusal(
    case: Path, name: str = "wallet.age", passphrase: Secret[str] = PASSPHRASE
) -> str:
    with pytest.raises(LocalFailure) as caught:
        await restored(case, case / name, passphrase)
    return caught.value.code


@pytest.mark.usefixtures("quick")
async def test_a_vault_that_is_there_is_not_replaced_unasked(tmp_path: Path, use: Use) -> None:
    case = tmp_path / "case"
    use(case)
    await made(case, 1)
    await backed_up(case)
    assert await refusal(case) == "store_present"
    vault = await Vault.open(case / "vault")
    await vault.add(record(1))
    await vault.close()
    assert await refusal(case) == "backup_older"
    assert await refusal(case, passphrase=Secret("another horse")) == "backup_passphrase_wrong"
    assert await refusal(case, "no such file") == "backup_unreadable"
    (case / "empty").write_bytes(b"")
    assert await refusal(case, "empty") == "backup_unreadable"
    assert len((await content_of(case / "vault"))[0]) == 2
    assert not [one for one in (case / "vault").iterdir() if one.is_dir()]


@pytest.mark.usefixtures("quick")
async def test_an_open_vault_is_not_replaced(tmp_path: Path, use: Use) -> None:
    case = tmp_path / "case"
    use(case)
    await made(case, 1)
    await backed_up(case)
    vault = await Vault.open(case / "vault")
    with pytest.raises(LocalFailure, match="store_in_use"):
        await restores(case)
    assert len(await vault.all()) == 1
    await vault.close()
    assert not [one for one in (case / "vault").iterdir() if one.is_dir()]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("lost", ["wallet.db", "key files", "damaged key files"])
async def test_a_damaged_vault_is_set_aside_when_asked(tmp_path: Path, use: Use, lost: str) -> None:
    case = tmp_path / "case"
    use(case)
    await made(case, 1)
    before = await backed_up(case)
    if lost == "wallet.db":
        (case / "vault" / "wallet.db").write_bytes(b"damaged")
    for name in ("wallet.keys", "wallet.keys.copy") if lost != "wallet.db" else ():
        path = case / "vault" / name
        path.unlink() if lost == "key files" else path.write_bytes(b"damaged")
    kept = (case / "vault" / "wallet.db").read_bytes()
    assert await refusal(case) == "store_present"
    assert (case / "vault" / "wallet.db").read_bytes() == kept
    await restores(case)
    assert await content_of(case / "vault") == before
    [aside] = (case / "vault").glob("set-aside-*")
    assert (aside / "wallet.db").read_bytes() == kept


@pytest.mark.usefixtures("quick")
async def test_a_record_that_cannot_be_read_stops_it_before_anything_moves(
    tmp_path: Path, use: Use
) -> None:
    case = tmp_path / "case"
    use(case)
    await made(case, 1)
    await backed_up(case)
    read = read_backup(case / "wallet.age", PASSPHRASE)
    bad = replace(read, records=(*read.records, Put("holder_key", "bad", b"no key")))
    module.write_backup(case / "wallet.age", PASSPHRASE, bad)
    before = sorted(one.name for one in (case / "vault").iterdir())
    with pytest.raises(LocalFailure, match="holder_key bad in it cannot be read"):
        await restores(case)
    assert sorted(one.name for one in (case / "vault").iterdir()) == before


# --- a full disk ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_a_disk_that_is_full_gets_no_half_backup(tmp_path: Path, use: Use) -> None:
    case = tmp_path / "case"
    use(case)
    await made(case, 3)
    vault = await Vault.open(case / "vault")
    with small_disk(tmp_path / "small", "64k") as disk:
        (disk / "wallet.age").write_text("the backup of yesterday")
        fill(disk)
        with pytest.raises(LocalFailure, match="store_unwritable"):
            await vault.backup(disk / "wallet.age", PASSPHRASE)
        assert (disk / "wallet.age").read_text() == "the backup of yesterday"
        assert sorted(one.name for one in disk.iterdir()) == ["filler", "wallet.age"]
    await vault.close()


@pytest.mark.usefixtures("quick")
async def test_a_restoration_on_a_full_disk_leaves_the_vault(tmp_path: Path, use: Use) -> None:
    case = tmp_path / "case"
    use(case)
    await made(case, 2)
    before = await backed_up(case)
    with small_disk(tmp_path / "small", "800k") as disk:
        shutil.copytree(case / "vault", disk / "vault")
        fill(disk)
        with pytest.raises(LocalFailure, match="store_unwritable"):
            await restored(disk, case / "wallet.age", replace_present=True)
        assert await content_of(disk / "vault") == before
        assert not list((disk / "vault").glob("restored-*"))


# --- single credentials ---------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
async def test_one_credential_goes_from_one_vault_to_another(tmp_path: Path, use: Use) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    use(first)
    keys = await made(first, 3)
    vault = await Vault.open(first / "vault")
    one = await vault.get("credential-1")
    await vault.export_credential("credential-1", first / "one", PASSPHRASE)
    with pytest.raises(LocalFailure, match="credential_not_found"):
        await vault.export_credential("none", first / "none", PASSPHRASE)
    await vault.close()
    assert not (first / "none").exists()
    exported = read_backup(first / "one", PASSPHRASE).records
    assert [(one.kind, one.id) for one in exported] == [
        ("holder_key", one.key_ids[0]),
        ("credential", "credential-1"),
    ]
    use(second)
    vault = await Vault.create(second / "vault", None)
    assert await vault.import_credentials(first / "one", PASSPHRASE) == ("credential-1",)
    assert await vault.import_credentials(first / "one", PASSPHRASE) == ()
    assert await vault.all() == (one,)
    text = signing_input(keys[one.key_ids[0]])
    verify(keys[one.key_ids[0]], await vault.sign(one.key_ids[0], text), text)
    with pytest.raises(LocalFailure, match="backup_passphrase_wrong"):
        await vault.import_credentials(first / "one", Secret("another horse"))
    await vault.close()


@pytest.mark.usefixtures("quick")
async def test_the_credentials_of_a_backup_come_to_those_that_are_here(
    tmp_path: Path, use: Use
) -> None:
    """What is here stays as it is; no flow and no setting comes with them."""
    case = tmp_path / "case"
    use(case)
    await made(case, 3)
    await backed_up(case)
    vault = await Vault.open(case / "vault")
    key_ids = (await vault.get("credential-1")).key_ids
    for number in (0, 2):
        await vault.remove(f"credential-{number}")
    await vault.end("flow")
    taken = await vault.import_credentials(case / "wallet.age", PASSPHRASE)
    assert set(taken) == {"credential-0", "credential-2"}
    assert {one.id for one in await vault.all()} == {f"credential-{n}" for n in range(3)}
    assert (await vault.get("credential-1")).key_ids == key_ids
    assert await vault.flows() == ()
    for one in await vault.all():
        assert await vault.sign(one.key_ids[0], b"message")
    await vault.close()
    assert len((await content_of(case / "vault"))[0]) == 3
