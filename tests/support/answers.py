"""Answers of a peer, for the readers."""

import json
from typing import Any

from wallet.ports import HttpResponse

URL = "https://peer.example/endpoint"


def answer(
    body: Any = None, status: int = 200, media_type: str = "application/json", **headers: str
) -> HttpResponse:
    """An answer with `body`: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(URL, status, {"content-type": media_type, **names}, data)
