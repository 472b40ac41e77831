"""Claims as an issuer hides them, from the inside out (RFC 9901, section 4.2)."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.support.jwts import b64

Path = tuple[str | int, ...]


@dataclass
class Hidden:
    """Claims with some of them in disclosures.

    Attributes:
        disclosures: In the order they were made, by the claim each is for.
    """

    disclosures: dict[Path, str] = field(default_factory=dict)
    _salts: Any = field(default_factory=count)

    def hide(
        self, value: Any, hides: Callable[[Path], bool], decoys: int = 0, path: Path = ()
    ) -> Any:
        """`value` with a digest for each claim that `hides` says, with `decoys` beside them."""
        if isinstance(value, dict):
            shown, digests = {}, [self._digest(f"decoy {next(self._salts)}") for _ in range(decoys)]
            for name, member in value.items():
                place = (*path, name)
                inner = self.hide(member, hides, decoys, place)
                if hides(place):
                    digests.append(self._disclosed(place, name, inner))
                else:
                    shown[name] = inner
            return {**shown, **({"_sd": sorted(digests)} if digests else {})}
        if isinstance(value, list):
            elements = []
            for number, element in enumerate(value):
                place = (*path, number)
                inner = self.hide(element, hides, decoys, place)
                elements.append({"...": self._disclosed(place, inner)} if hides(place) else inner)
            return elements
        return value

    def _disclosed(self, place: Path, *content: Any) -> str:
        disclosure = b64(json.dumps([f"salt {next(self._salts)}", *content]).encode())
        self.disclosures[place] = disclosure
        return self._digest(disclosure)

    @staticmethod
    def _digest(text: str) -> str:
        return b64(hashlib.sha256(text.encode()).digest())
