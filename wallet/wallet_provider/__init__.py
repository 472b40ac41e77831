"""Who vouches for the wallet: implementations of `WalletProvider`, and keys from files."""

from wallet.errors import LocalFailure
from wallet.ports import Clock, Http, WalletProvider
from wallet.settings import ServerSettings
from wallet.wallet_provider.development import DevelopmentProvider, load_chain
from wallet.wallet_provider.http import HttpProvider
from wallet.wallet_provider.key_file import KeyFile, load_key

__all__ = ["DevelopmentProvider", "HttpProvider", "KeyFile", "load_key", "provider_of"]


def provider_of(settings: ServerSettings, http: Http, clock: Clock) -> WalletProvider | None:
    """The wallet provider that the settings name for one authorization server; reads its files.

    Raises:
        LocalFailure: `settings_invalid`.
        PeerBrokeProtocol: As `Http.check` for its URL.
    """
    named = settings.wallet_provider
    if not named:
        return None
    if named != "development":
        http.check(named)
        return HttpProvider(named, http)
    if settings.wallet_provider_key is None:
        raise LocalFailure("settings_invalid", "wallet_provider: development needs a key")
    chain = settings.wallet_provider_chain
    return DevelopmentProvider(
        load_key(settings.wallet_provider_key), load_chain(chain) if chain else (), clock
    )
