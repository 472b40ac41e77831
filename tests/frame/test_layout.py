"""What the checkout is made of."""

import hashlib
import json
import os
import re
import subprocess

import pytest

from tests.frame.checkout import ROOT

TOP_LEVEL = {
    "LICENSE",
    "README.md",
    "assets",
    "pyproject.toml",
    "reference_servers",
    "requirements.lock",
    "run",
    "tests",
    "wallet",
}


def test_the_top_level_holds_only_what_belongs_there() -> None:
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        names = {line.split("/")[0] for line in listed.stdout.splitlines()}
    else:
        names = {path.name for path in ROOT.iterdir()} - {"build", "__pycache__"}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("name", ["requirements.lock", "run", "pyproject.toml"])
def test_no_package_registry_is_named(name: str) -> None:
    assert not re.search(r"https?://|index-url|find-links", (ROOT / name).read_text())


def test_every_package_of_the_lock_has_a_hash() -> None:
    text = (ROOT / "requirements.lock").read_text()
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9._-]+==\S+( ;.*)? \\\n    --hash=sha256:[0-9a-f]{64}", package)


def test_every_program_of_the_other_lock_has_a_hash_and_no_address() -> None:
    lock = json.loads((ROOT / "tests" / "interop" / "package-lock.json").read_text())
    programs = [one for name, one in lock["packages"].items() if name]
    assert programs
    for one in programs:
        assert one["integrity"].startswith("sha512-")
        assert "resolved" not in one


def test_ci_calls_the_start_script() -> None:
    assert (ROOT / ".ci" / "run").read_text() == (
        '#!/bin/sh\ncd "$(dirname "$0")/.." && exec ./run test\n'
    )
    for name in ("run", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK)


def test_the_licence_is_unmodified() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == (
        "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    )
