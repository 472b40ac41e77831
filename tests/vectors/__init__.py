"""Reads the published test vectors; their sources and licences stand in `README.md`."""

import json
import re
from pathlib import Path
from typing import Any

from wallet.ports import HttpResponse

FOLDER = Path(__file__).parent


def vector(name: str) -> Any:
    """A JSON file, e.g. "oid4vci-1.0/authorization_details.json"."""
    return json.loads((FOLDER / name).read_text())


def http_answer(name: str) -> HttpResponse:
    """A `*.txt` file: a whole HTTP answer, without the line breaks that were put in for display."""
    head, _, body = (FOLDER / name).read_text().strip().partition("\n\n")
    status, *lines = head.splitlines()
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    one_line = re.sub(r'"[^"]*"', lambda text: re.sub(r"\n\s*", "", text[0]), body)
    return HttpResponse("https://peer.example/", int(status.split()[1]), headers, one_line.encode())
