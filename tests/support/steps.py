"""kill -9 before each file that a piece of work opens, makes, renames or removes.

The steps are found by an audit hook. What SQLite does between them are the kills of `killing` and
of the tests of the store.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.support.keyrings import FileKeyring
from wallet.vault import os_keyring

Work = Callable[[Path], Coroutine[Any, Any, None]]

_STEPS: Final = frozenset({"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod"})
KEYRING: Final = "keyring.json"


def killed_at_each_step(work: Work, template: Path, into: Path) -> list[Path]:
    """Do `work` on copies of `template` in `into`; each but the last was killed one step later."""
    names = [work.__module__, work.__name__, str(template), str(into)]
    subprocess.run([sys.executable, "-m", __name__, *names], check=True, timeout=120)
    return sorted(into.iterdir(), key=lambda case: int(case.name))


def _main(module: str, name: str, template: str, into: str) -> None:
    work: Work = getattr(import_module(module), name)
    for step in count(1):
        case = Path(shutil.copytree(template, Path(into) / str(step)))
        if (child := os.fork()) == 0:
            _die_at(step, case)
            service = FileKeyring(case / KEYRING)
            os_keyring._backends = lambda service=service: [service]  # type: ignore[misc]
            asyncio.run(work(case))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))


def _die_at(step: int, case: Path) -> None:
    left = step

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in _STEPS and str(arguments[0]).startswith(str(case)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    _main(*sys.argv[1:])
