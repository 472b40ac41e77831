"""The programs of other people, as processes of Node.js."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).with_name("programs")


def start(name: str, settings: Mapping[str, Any], **environment: str) -> subprocess.Popen[str]:
    """A program with its settings."""
    return subprocess.Popen(
        ["node", PROGRAMS / f"{name}.mjs", json.dumps(settings)],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def server(name: str, settings: Mapping[str, Any], **environment: str) -> Iterator[None]:
    """A server, once it says that it is ready."""
    with start(name, settings, **environment) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n", f"{name} did not start"
        try:
            yield
        finally:
            process.kill()
