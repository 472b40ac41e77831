"""What a Data Integrity proof is worth, found out in a process that can be killed."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wallet.records import JsonObject

TIMEOUT_S: Final = 20.0
"""Of a clock on the wall: a busy computer is given time, a poisoned document is not."""

_READER: Final = Path(__file__).with_name("proof_reader.py")


@dataclass(frozen=True)
class Verdict:
    """What `proof_reader` said.

    Attributes:
        outcome: "good", "bad", "unfit", or "too_costly" where it did not come to an end.
        reason: Why.
    """

    outcome: str
    reason: str


def verdict(document: JsonObject, keys: Sequence[JsonObject]) -> Verdict:
    """The verdict on a document with one proof; blocks for half a second, at most `TIMEOUT_S`."""
    request = json.dumps({"document": document, "keys": [dict(key) for key in keys]})
    costly = Verdict("too_costly", "its proof takes more than a credential's may")
    try:
        done = subprocess.run(  # noqa: S603 - a program of our own
            [sys.executable, "-I", _READER],
            input=request.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return costly
    if done.returncode != 0:
        return costly
    outcome, reason = json.loads(done.stdout)
    return Verdict(str(outcome), str(reason))
