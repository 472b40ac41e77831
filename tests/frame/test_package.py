"""The package as it is installed elsewhere."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.frame.checkout import ROOT


def test_a_wheel_carries_fonts_templates_and_pictures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "wallet/__main__.py",
        "wallet/assets/icon.png",
        "wallet/assets/fonts/OFL.txt",
        "wallet/assets/fonts/Inter-Regular.otf",
        "reference_servers/authorization_server/templates/login.html",
        "reference_servers/credential_issuer/static/style.css",
        "reference_servers/demo/portraits/erika.jpg",
    } <= names
    assert not [name for name in names if name.startswith("tests/")]
