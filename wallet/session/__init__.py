"""The person's session on this computer: it says when it is locked or the computer sleeps."""

from wallet.session.watching import watch

__all__ = ["watch"]
