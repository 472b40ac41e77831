"""PKCE (RFC 7636)."""

import re

from wallet.app import SystemRandom
from wallet.oauth.pkce import pkce_of


def test_the_example_of_appendix_b() -> None:
    pkce = pkce_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert pkce.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert "dBjftJeZ" not in repr(pkce)


def test_the_wallets_verifiers_are_fresh_and_of_the_right_form() -> None:
    verifiers = {pkce_of(SystemRandom().token()).verifier.reveal() for _ in range(100)}
    assert len(verifiers) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier) for verifier in verifiers)
