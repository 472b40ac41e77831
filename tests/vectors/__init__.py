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


def wrapped(name: str) -> Any:
    """A JSON file with line breaks in strings that were put in for display."""
    return json.loads(_one_line((FOLDER / name).read_text()))


def http_answer(name: str) -> HttpResponse:
    """A `*.txt` file: a whole HTTP answer, without the line breaks that were put in for display."""
    head, body = re.split(r"\n\s*\n", (FOLDER / name).read_text().strip(), maxsplit=1)
    status, *lines = head.splitlines()
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    code = int(status.split()[1])
    return HttpResponse("https://peer.example/", code, headers, _one_line(body).encode())


def _one_line(text: str) -> str:
    return re.sub(r'"[^"]*"', lambda string: re.sub(r"\n\s*", "", string[0]), text)
