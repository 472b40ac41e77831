"""Where the wallet shows itself: in a window, or in the browser where there can be none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = """#!{python}
import sys
open({seen!r}, "w").write(" ".join(sys.argv[1:]))
"""


def started(folder: Path, **environment: str) -> subprocess.Popen[str]:
    names = ("PATH", "PYTHONPATH", "LANG")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "wallet", "--data-folder", str(folder / "data"),
         "--browser-command", "true"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "HOME": str(folder), **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "there is no display"),
        ({"DISPLAY": ":1", "FLET_CLIENT_URL": "file:///nowhere"}, "client cannot be had"),
    ],
)
def test_no_window(environment: dict[str, str], why: str, tmp_path: Path) -> None:
    process = started(tmp_path, **environment)
    assert process.stdout
    assert process.stderr
    while not (line := process.stdout.readline()).startswith("ready "):
        assert line, process.stderr.read()
    process.terminate()
    _, told = process.communicate(timeout=20)
    assert why in told
    assert "using the browser" in told
    assert process.returncode == 0


def test_a_window(tmp_path: Path) -> None:
    client = tmp_path / "client" / "flet"
    client.parent.mkdir()
    client.write_text(CLIENT.format(python=sys.executable, seen=str(tmp_path / "seen")))
    client.chmod(0o755)
    process = started(tmp_path, DISPLAY=":1", FLET_VIEW_PATH=str(client.parent))
    _, told = process.communicate(timeout=30)
    assert process.returncode == 0, told
    assert str(Path(__file__).parents[3] / "assets") in (tmp_path / "seen").read_text()
