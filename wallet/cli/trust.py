"""The command about whom the wallet trusts."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from wallet.app import Wallet
from wallet.cli.opening import open_present, open_wallet
from wallet.cli.output import line, note, print_json
from wallet.errors import LocalFailure
from wallet.records import TrustAnchor


async def trust(wallet: Wallet, arguments: argparse.Namespace) -> None:
    """List the trust anchors, add or remove one."""
    whom: str | None = arguments.whom
    if (whom is None) is not (arguments.action == "list"):
        raise LocalFailure("settings_invalid", "trust add and remove take one name, list none")
    if whom is None:
        await open_wallet(wallet)
        _print(await wallet.trusted(), as_json=arguments.json)
    elif arguments.action == "add":
        await open_wallet(wallet, may_create=True)
        _print(await _added(wallet, whom), as_json=arguments.json)
    else:
        await open_present(wallet)
        anchor = await _named(wallet, whom)
        await wallet.distrust(anchor.id)
        if arguments.json:
            print_json({"removed": anchor.id})
        else:
            note(f"{anchor.name} is no longer trusted. What is stored stays as it is.")


async def _added(wallet: Wallet, whom: str) -> Sequence[TrustAnchor]:
    """Who is trusted now: the certificates of a file, or an issuer."""
    if whom.startswith(("https://", "http://", "did:")):
        return [await wallet.trust_issuer(whom)]
    return await wallet.trust_certificates(await asyncio.to_thread(_read, whom))


def _read(file: str) -> bytes:
    try:
        return Path(file).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        raise LocalFailure("trust_anchor_unreadable", f"{file}: {type(error).__name__}") from None


async def _named(wallet: Wallet, fingerprint: str) -> TrustAnchor:
    """The one trust anchor in the store whose fingerprint begins so; its name will do, too."""
    begins = fingerprint.replace(":", "").lower()
    found = [
        one
        for one in await wallet.trusted()
        if not one.file and (one.id.startswith(begins) or one.name == fingerprint)
    ]
    if len(found) != 1:
        detail = f"{len(found)} in the store are called {fingerprint[:100]}"
        raise LocalFailure("trust_anchor_not_found", detail)
    return found[0]


def _print(anchors: Sequence[TrustAnchor], *, as_json: bool) -> None:
    if as_json:
        print_json([_json(one) for one in anchors])
        return
    if not anchors:
        note("This wallet trusts nobody yet: it asks you about every issuer.")
    for one in anchors:
        until = f"until {one.expires_at:%Y-%m-%d}" if one.expires_at else ""
        source = f"by the setting trust_anchor, {one.file}" if one.file else ""
        line("  ".join(part for part in (one.id, one.kind, one.name, until, source) if part))


def _json(anchor: TrustAnchor) -> dict[str, str | None]:
    return {
        "id": anchor.id,
        "kind": anchor.kind,
        "name": anchor.name,
        "expires_at": anchor.expires_at.isoformat() if anchor.expires_at else None,
        "settings_file": anchor.file or None,
    }
