"""kill -9 while the vault stores, removes, re-keys, changes its passphrase, backs up and restores.

A child process does seeded operations and says when each is done; it is killed at a random moment.
What the vault holds afterwards must be what the acknowledged operations made, or that and the one
which was under way.
"""

import asyncio
import itertools
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.records import record
from wallet.errors import LocalFailure
from wallet.records import Flow, Secret
from wallet.vault import Vault
from wallet.vault.restoring import prepare, put_in_place

PASSPHRASES = ("correct horse", "another horse")
BACKUP = Secret("backup horse")
OPERATIONS = ("add",) * 8 + ("remove",) * 3 + ("flow",) * 6 + ("rotate", "protect", "recovery")
SLOW = ("backup", "restore")


@dataclass(frozen=True)
class Model:
    """What the vault should hold."""

    credentials: frozenset[int] = frozenset()
    flows: frozenset[int] = frozenset()
    passphrase: int = 0
    saved: "Model | None" = None

    def after(self, operation: str, number: int, chance: random.Random) -> "Model":
        """The model after one operation."""
        match operation:
            case "add":
                return replace(self, credentials=self.credentials | {number})
            case "remove" if self.credentials:
                gone = chance.choice(sorted(self.credentials))
                return replace(self, credentials=self.credentials - {gone})
            case "flow" if self.flows and number % 2:
                return replace(self, flows=self.flows - {chance.choice(sorted(self.flows))})
            case "flow":
                return replace(self, flows=self.flows | {number})
            case "protect":
                return replace(self, passphrase=1 - self.passphrase)
            case "backup":
                return replace(self, saved=replace(self, saved=None))
            case "restore" if self.saved:
                return replace(self, credentials=self.saved.credentials, flows=self.saved.flows)
            case _:
                return self


def plan(seed: int) -> Iterator[tuple[str, Model, Model]]:
    """The operations of a seed: each with the model before and after it."""
    chance, model, number = random.Random(seed), Model(), 0
    while True:
        number += 1
        operation = chance.choice(SLOW if chance.random() < 0.03 else OPERATIONS)
        following = model.after(operation, number, chance)
        yield operation, model, following
        model = following


async def work(folder: Path, seed: int) -> None:
    """The child: do the operations until killed."""
    vault = await Vault.open(folder, Secret(PASSPHRASES[0]))
    print("ready", flush=True)
    file = folder.parent / "backup.age"
    for operation, before, after in plan(seed):
        for number in after.credentials - before.credentials if operation == "add" else ():
            key = await vault.create_key("ES256")
            await vault.add(record(number, key.key_id))
        for number in before.credentials - after.credentials if operation == "remove" else ():
            await vault.remove(f"credential-{number}")
        for number in after.flows - before.flows if operation == "flow" else ():
            await vault.save(Flow(str(number), (), {"n": number}))
        for number in before.flows - after.flows if operation == "flow" else ():
            await vault.end(str(number))
        if operation == "rotate":
            await vault.rotate()
        elif operation == "protect":
            await vault.protect(Secret(PASSPHRASES[after.passphrase]), derivation_ms=0)
        elif operation == "recovery":
            await vault.new_recovery_code(derivation_ms=0)
        elif operation == "backup":
            await vault.backup(file, BACKUP)
        elif operation == "restore" and before.saved:
            secret = Secret(PASSPHRASES[after.passphrase])
            name, _ = await prepare(
                folder, file, BACKUP, secret, replace_present=True, derivation_ms=0
            )
            await vault.close()
            vault = await put_in_place(folder, name, secret)
        print("done", flush=True)


async def held(folder: Path, passphrase: int) -> Model | None:
    """What the vault holds, read wholly; None where the passphrase is not its."""
    try:
        vault = await Vault.open(folder, Secret(PASSPHRASES[passphrase]))
    except LocalFailure as failure:
        if failure.code == "passphrase_wrong":
            (folder / "wallet.tries").unlink(missing_ok=True)
            return None
        raise
    try:
        cards, flows = await vault.all(), await vault.flows()
        for card in cards:
            assert card == record(int(card.id.rpartition("-")[2]), card.key_ids[0])
            await vault.sign(card.key_ids[0], b"message")
        numbers = frozenset(int(card.id.rpartition("-")[2]) for card in cards)
        return Model(numbers, frozenset(int(flow.id) for flow in flows), passphrase)
    finally:
        await vault.close()


async def one_kill(folder: Path, seed: int) -> tuple[str, int]:
    """Kill once; gives the operation that was under way and how many were acknowledged."""
    vault = await Vault.create(folder, Secret(PASSPHRASES[0]), derivation_ms=0)
    await vault.close()
    command = [sys.executable, "-m", "tests.soak.store_kills", str(folder), str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0.0, 1.2))  # noqa: ASYNC251 - any moment will do
    process.send_signal(signal.SIGKILL)
    done = process.stdout.read().count("done")
    process.stdout.close()
    process.wait()
    operation, before, after = next(itertools.islice(plan(seed), done, None))
    allowed = {replace(one, saved=None) for one in (before, after)}
    found = {one for index in (0, 1) if (one := await held(folder, index)) is not None}
    assert len(found) == 1, (seed, operation, found)
    assert found <= allowed, (seed, operation, found, allowed)
    return operation, done


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
