"""The commands."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from traceback import extract_tb
from typing import Final

from wallet.app import Door, Wallet
from wallet.cli.arguments import ACCEPTED, GRANTS
from wallet.cli.holder import TerminalHolder, read_standard_input
from wallet.cli.opening import NO_WALLET, open_present, open_wallet, remind
from wallet.cli.output import (
    card_json,
    catalogue_json,
    error_json,
    line,
    note,
    pending_json,
    print_card,
    print_catalogue,
    print_error,
    print_json,
    print_list,
    print_pending,
    print_received,
    print_settings,
    received_json,
    status_line,
    summary_json,
    write_trace,
)
from wallet.cli.trust import trust
from wallet.cli.vault_commands import VAULT_COMMANDS, Command, create
from wallet.errors import HolderDeclined, LocalFailure, WalletError
from wallet.policy import GrantType
from wallet.records import Received, Secret
from wallet.trace import Trace


def run(wallet: Wallet, arguments: argparse.Namespace) -> int:
    """Run one command and return the process's exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal need not know every letter
    try:
        asyncio.run(_run(wallet, arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return tell(HolderDeclined("cancelled"), as_json=arguments.json)
    except BrokenPipeError:  # who reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except WalletError as error:
        return tell(error, as_json=arguments.json)
    except Exception as error:  # noqa: BLE001 - a traceback would quote what must stay secret
        return tell(LocalFailure("internal", _place(error)), as_json=arguments.json)
    return 0


def tell(error: WalletError, *, as_json: bool) -> int:
    """Print an error as the caller reads it; gives its exit code."""
    if as_json:
        print_json(error_json(error))
    else:
        print_error(error)
    return WalletError.exit_code if error.code == "internal" else error.exit_code


def _place(error: Exception) -> str:
    frame = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


async def _run(wallet: Wallet, arguments: argparse.Namespace) -> None:
    command = COMMANDS[arguments.command]
    async with wallet:
        await command(wallet, arguments)
        if sys.stderr.isatty() or not arguments.json:
            await remind(wallet)


async def _add(wallet: Wallet, arguments: argparse.Namespace) -> None:
    offer = None if arguments.issuer else await _offer(wallet, arguments)
    await open_wallet(wallet, may_create=True)
    holder = _holder(
        wallet,
        arguments,
        agreed=arguments.yes,
        configurations=tuple(arguments.configuration),
        grant_type=GRANTS.get(arguments.grant),
        typed=None if arguments.tx_code is None else Secret(arguments.tx_code),
    )
    with _traced(arguments.trace) as trace:
        if offer is None:
            names = arguments.configuration
            received = await wallet.add_from(arguments.issuer, names, holder, trace)
        else:
            received = await wallet.add(offer, holder, trace)
    await _print(wallet, received, arguments)


def _holder(
    wallet: Wallet,
    arguments: argparse.Namespace,
    *,
    agreed: bool = True,
    configurations: tuple[str, ...] = (),
    grant_type: GrantType | None = None,
    typed: Secret[str] | None = None,
) -> TerminalHolder:
    prints = getattr(arguments, "print_url", True)
    open_url = None if prints else wallet.open_in_browser
    accepted = ACCEPTED.get(getattr(arguments, "accept_issuer", None) or "", ())
    return TerminalHolder(agreed, configurations, grant_type, typed, open_url, accepted)


@contextmanager
def _traced(file: Path | None) -> Iterator[Trace]:
    """A trace that is written into `file`, however the run ends."""
    trace = Trace()
    try:
        yield trace
    finally:
        if file is not None:
            write_trace(trace, file)


async def _print(wallet: Wallet, received: Received, arguments: argparse.Namespace) -> None:
    if arguments.json:
        credentials = {card.id: await wallet.credential(card.id) for card in received.cards}
        print_json(received_json(received, credentials))
    else:
        print_received(received)


async def _refresh(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet, LocalFailure("credential_not_found", NO_WALLET))
    with _traced(arguments.trace) as trace:
        received = await wallet.refresh(arguments.id, _holder(wallet, arguments), trace)
    await _print(wallet, received, arguments)


async def _issuer(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_wallet(wallet, may_create=True)
    holder = _holder(wallet, arguments, agreed=arguments.yes)
    catalogue = await wallet.catalogue(arguments.url, holder)
    if arguments.json:
        print_json(catalogue_json(catalogue))
    else:
        print_catalogue(catalogue)


async def _pending(wallet: Wallet, arguments: argparse.Namespace) -> None:
    if arguments.resume or arguments.drop:
        await open_present(wallet, LocalFailure("issuance_not_found", NO_WALLET))
    else:
        await open_wallet(wallet)
    if arguments.resume:
        received = await wallet.resume(arguments.resume, _holder(wallet, arguments))
        await _print(wallet, received, arguments)
    elif arguments.drop:
        await wallet.drop(arguments.drop)
        if arguments.json:
            print_json({"dropped": arguments.drop})
        else:
            note("Dropped.")
    elif arguments.check and wallet.door is not Door.NEW:
        await _check(wallet, arguments)
    else:
        pending = () if wallet.door is Door.NEW else await wallet.pending()
        if arguments.json:
            print_json([pending_json(one) for one in pending])
        else:
            print_pending(pending)


async def _check(wallet: Wallet, arguments: argparse.Namespace) -> None:
    """Do what the wallet can do by itself, and tell what came of it."""
    news = await wallet.catch_up()
    pending = await wallet.pending()
    if arguments.json:
        credentials = {
            card.id: await wallet.credential(card.id) for one in news for card in one.cards
        }
        print_json(
            {
                "received": [received_json(one, credentials) for one in news],
                "pending": [pending_json(one) for one in pending],
            }
        )
        return
    for one in news:
        print_received(one)
    print_pending(pending)


async def _offer(wallet: Wallet, arguments: argparse.Namespace) -> str:
    """The offer's text, by any of the ways there are; checked before the store is opened."""
    if arguments.scan:
        note("Hold the QR code in front of the camera. Ctrl+C stops.")
        return await wallet.scan(_ignore, lambda: note("This code is no credential offer."))
    if arguments.image is not None:
        try:
            data = await asyncio.to_thread(arguments.image.read_bytes)
        except OSError as error:
            raise LocalFailure("image_unreadable", error.strerror or "") from None
        return await wallet.read_image(data)
    text: str = arguments.offer
    if text == "-":
        text = read_standard_input()
    wallet.check_offer(text)
    return text


async def _ignore(_frame: bytes) -> None:
    """A terminal has no place for a preview."""


async def _list(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_wallet(wallet)
    cards = () if wallet.door is Door.NEW else await wallet.cards()
    if arguments.json:
        print_json([summary_json(card) for card in cards])
    else:
        print_list(cards)


async def _show(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet, LocalFailure("credential_not_found", NO_WALLET))
    card = await wallet.card(arguments.id)
    if arguments.json:
        print_json(card_json(card, await wallet.credential(card.id)))
    else:
        print_card(card)


async def _status(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet, LocalFailure("credential_not_found", NO_WALLET))
    asked = await wallet.check_status(arguments.id)
    if arguments.json:
        print_json([summary_json(card) for card in asked])
        return
    for card in asked:
        line(f"{card.id}  {card.look.name}  {status_line(card)}")
    if not asked:
        note("Nobody needed to be asked.")


async def _verify(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet, LocalFailure("credential_not_found", NO_WALLET))
    with _traced(arguments.trace) as trace:
        card = await wallet.verify(arguments.id, trace)
    if arguments.json:
        print_json(card_json(card, await wallet.credential(card.id)))
    else:
        print_card(card)


async def _remove(wallet: Wallet, arguments: argparse.Namespace) -> None:
    await open_present(wallet, LocalFailure("credential_not_found", NO_WALLET))
    await wallet.remove(arguments.id)
    if arguments.json:
        print_json({"removed": arguments.id})
    else:
        note("Removed.")


async def _settings(wallet: Wallet, arguments: argparse.Namespace) -> None:
    print_settings(wallet.in_force, as_json=arguments.json)


COMMANDS: Final[Mapping[str, Command]] = {
    "create": create,
    "add": _add,
    "list": _list,
    "show": _show,
    "status": _status,
    "remove": _remove,
    "verify": _verify,
    "trust": trust,
    "pending": _pending,
    "refresh": _refresh,
    "issuer": _issuer,
    "settings": _settings,
    **VAULT_COMMANDS,
}
