"""Protection and backup, in a window over a real vault."""

from pathlib import Path

from tests.support.fakeclient import FakeClient
from tests.support.simulator import Simulator
from tests.unit.gui.test_screens import Desk, desk, issuer, opened, pasted
from wallet.errors import MEANINGS
from wallet.records import Secret

__all__ = ["desk", "issuer"]


async def at_protection(desk: Desk) -> FakeClient:
    client = await opened(desk)
    await client.tap("nav-settings")
    await client.tap("settings-protection")
    await client.see("protection-how")
    return client


async def test_another_passphrase(desk: Desk) -> None:
    client = await at_protection(desk)
    await client.type("protect-present", "wrong horse")
    await client.type("protect-first", "another horse")
    await client.type("protect-again", "another cart")
    await client.tap("protect-go")
    await client.read(MEANINGS["passphrases_differ"].sentence)
    await client.type("protect-again", "another horse")
    await client.tap("protect-go")
    await client.read("not the passphrase of this wallet")
    await client.type("protect-present", "correct horse")
    await client.tap("protect-go")
    await client.read("From now on the new passphrase opens your wallet.")
    await desk.wallet.close()
    await desk.wallet.open(Secret("another horse"))


async def test_a_recovery_code_is_shown_once_and_confirmed(desk: Desk) -> None:
    client = await at_protection(desk)
    await client.read("You have no recovery code yet.")
    await client.tap("recovery-make")
    row = await client.see("recovery-code")
    groups = [chip.content.value for chip in row.controls]
    assert [len(group) for group in groups] == [4] * 7
    await client.tap("recovery-confirm")
    await client.read("That is not the recovery code")
    await client.type("recovery-last", groups[-1].lower())
    await client.tap("recovery-confirm")
    await client.read("You have a recovery code.")
    await client.gone("recovery-code")
    assert (await desk.wallet.protection()).recovery_confirmed
    await desk.wallet.close()
    await desk.wallet.open(recovery_code=Secret("-".join(groups)))


async def test_a_backup_there_and_back(desk: Desk, issuer: Simulator, tmp_path: Path) -> None:
    client = await opened(desk)
    await pasted(client, issuer.offer())
    await client.tap("contact-go")
    await client.tap("review-accept")
    await client.tap("result-done")
    [card] = await desk.wallet.cards()
    await client.tap("nav-settings")
    await client.tap("settings-protection")
    file = tmp_path / "backup.age"
    await client.type("backup-path", str(file))
    await client.type("backup-first", "backup horse")
    await client.type("backup-again", "backup horse")
    await client.tap("backup-save")
    await client.read("Saved and read back")
    await desk.wallet.remove(card.id)
    await client.type("restore-path", str(file))
    await client.type("restore-passphrase", "wrong horse")
    await client.type("restore-own", "restored horse")
    await client.tap("restore-go")
    await client.tap("restore-cancel")
    await client.tap("restore-go")
    await client.tap("restore-confirm")
    await client.read("does not open this backup")
    assert await desk.wallet.cards() == ()  # the present one is still open
    await client.type("restore-passphrase", "backup horse")
    await client.tap("restore-go")
    await client.tap("restore-confirm")
    await client.see("card-0")
    assert [one.id for one in await desk.wallet.cards()] == [card.id]
    await desk.wallet.close()
    await desk.wallet.open(Secret("restored horse"))


async def test_the_recovery_code_opens_a_wallet_whose_passphrase_is_lost(desk: Desk) -> None:
    await desk.wallet.create(Secret("forgotten horse"))
    code = await desk.wallet.new_recovery_code()
    await desk.wallet.close()
    client = await desk.open()
    await client.tap("door-lost")
    await client.type("door-code", "0000-0000")
    await client.tap("door-recover")
    await client.read(MEANINGS["recovery_wrong"].sentence)
    await client.type("door-code", code.reveal())
    await client.tap("door-recover")
    await client.read("You came in by the recovery code.")
    await client.type("protect-first", "another horse")
    await client.type("protect-again", "another horse")
    await client.tap("protect-go")
    await client.read("From now on the new passphrase opens your wallet.")
    await desk.wallet.close()
    await desk.wallet.open(Secret("another horse"))


async def test_until_there_is_a_recovery_code_the_wallet_says_so(desk: Desk) -> None:
    client = await opened(desk)
    await client.tap("cards-recovery")
    await client.see("recovery-make")


async def test_a_backup_on_a_fresh_computer(desk: Desk, tmp_path: Path) -> None:
    await desk.wallet.create(Secret("correct horse"))
    await desk.wallet.backup(tmp_path / "backup.age", Secret("backup horse"))
    await desk.wallet.close()
    (tmp_path / "wallet").rename(tmp_path / "old")
    client = await desk.open()
    await client.tap("door-lost")
    await client.type("restore-path", str(tmp_path / "backup.age"))
    await client.type("restore-passphrase", "backup horse")
    await client.type("restore-own", "restored horse")
    await client.tap("restore-go")
    await client.see("empty-add")
