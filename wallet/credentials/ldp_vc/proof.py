"""What a Data Integrity proof is worth, found out in a process that can be killed."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wallet.records import JsonObject

TIMEOUT_S: Final = 20.0
"""Of a clock on the wall: a busy computer is given time, a poisoned document is not."""

_NEEDED: Final = ("SYSTEMROOT",)
"""What an interpreter cannot start without, on Windows."""
_READER: Final = Path(__file__).with_name("proof_reader.py")


@dataclass(frozen=True)
class Verdict:
    """What `proof_reader` said.

    Attributes:
        outcome: "good", "bad", "unfit", "too_costly" where it was killed before its end, or
            "unknown" where it never began.
        reason: Why.
    """

    outcome: str
    reason: str


def verdict(document: JsonObject, keys: Sequence[JsonObject]) -> Verdict:
    """The verdict on a document with one proof; blocks for half a second, at most `TIMEOUT_S`."""
    request = json.dumps({"document": document, "keys": [dict(key) for key in keys]})
    costly = Verdict("too_costly", "its proof takes more than a credential's may")
    unknown = Verdict("unknown", "the program that judges proofs did not run")
    try:
        done = subprocess.run(  # noqa: S603 - a program of our own
            [sys.executable, "-I", _READER],
            input=request.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
            env={name: os.environ[name] for name in _NEEDED if name in os.environ},
        )
        outcome, reason = json.loads(done.stdout or "[null, null]")
    except subprocess.TimeoutExpired:
        return costly
    except (OSError, ValueError):
        return unknown
    if done.returncode < 0:  # by a signal: it was at the end of its time
        return costly
    return Verdict(str(outcome), str(reason)) if done.returncode == 0 else unknown
