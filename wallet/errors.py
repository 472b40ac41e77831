"""Everything that can go wrong, by whose fault it is.

One tree of exceptions, one table of codes. A code is stable: scripts, tests and support texts rely
on it. The table holds, for each code, the sentence a person reads and what to do next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from wallet.report import Report
from wallet.steps import Step

DETAIL_LIMIT: Final = 1_000
PEER_ERROR_LIMIT: Final = 100


def printable(text: str, limit: int | None = None) -> str:
    """Words of a peer as they may be shown: one line, nothing a terminal obeys, bounded."""
    return "".join(c if c.isprintable() else " " for c in text[:limit])


class WalletError(Exception):
    """Something went wrong; `code` says what, the class says whose fault it is.

    Attributes:
        code: Key of `MEANINGS`.
        detail: Technical words for whoever debugs the peer; printable, never holds a secret.
        step: Where in the flow it happened, filled in by the engine.
        rule: The rule that was broken, with its source, e.g. "OpenID4VCI 1.0, section 4.1".
        url: The endpoint, without its query.
        peer_error: The error code the peer itself sent, if it sent one.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        step: Step | None = None,
        rule: str = "",
        url: str = "",
        peer_error: str = "",
    ) -> None:
        meaning = MEANINGS[code]
        if not isinstance(self, meaning.fault):
            message = f"{code} belongs to {meaning.fault.__name__}"
            raise TypeError(message)
        super().__init__(code)
        self.code = code
        self.detail = printable(detail, DETAIL_LIMIT)
        self.step = step
        self.rule = rule
        self.url = printable(url, DETAIL_LIMIT)
        self.peer_error = printable(peer_error, PEER_ERROR_LIMIT)

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        return MEANINGS[self.code].sentence

    @property
    def advice(self) -> str:
        """What to do next, for a person."""
        return MEANINGS[self.code].advice

    def as_dict(self) -> dict[str, str]:
        """The error as JSON members, empty ones left out."""
        members = {
            "code": self.code,
            "message": self.sentence,
            "advice": self.advice,
            "detail": self.detail,
            "step": self.step or "",
            "rule": self.rule,
            "url": self.url,
            "peer_error": self.peer_error,
        }
        return {name: str(value) for name, value in members.items() if value}

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}" + (f" ({self.detail})" if self.detail else "")


class HolderDeclined(WalletError):  # noqa: N818 - named by whose decision it was
    """The holder said no, here or at the authorization server."""

    exit_code = 3


class LocalFailure(WalletError):  # noqa: N818
    """Something on this machine is missing, locked or broken."""

    exit_code = 4


class Unreachable(WalletError):  # noqa: N818
    """A peer could not be reached in time."""

    exit_code = 5


class PeerRefused(WalletError):  # noqa: N818
    """A peer answered with an error of its own."""

    exit_code = 6


class PeerBrokeProtocol(WalletError):  # noqa: N818
    """A peer sent something its specification does not allow."""

    exit_code = 7


class Unsupported(WalletError):  # noqa: N818
    """The peer asks for something this wallet cannot do."""

    exit_code = 8


class VerificationFailed(WalletError):  # noqa: N818
    """The credential is not what it should be; nothing was stored.

    Attributes:
        report: Every check that was made, the failed ones among them.
        discarded: Whether the holder did not want it, having read why.
    """

    exit_code = 9

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        report: Report,
        rule: str = "",
        url: str = "",
        discarded: bool = False,
    ) -> None:
        super().__init__(code, detail, rule=rule, url=url)
        self.report = report
        self.discarded = discarded


@dataclass(frozen=True)
class Meaning:
    """What a code means: whose fault, a sentence for people, and what to do next."""

    fault: type[WalletError]
    sentence: str
    advice: str


_ASK_ISSUER = "Ask the issuer; the technical detail tells them what to correct."
_TRY_LATER = "Check your connection and try again in a moment."
_NEW_OFFER = "Ask the issuer for a new offer."
_START_AGAIN = "Start again from the offer."

MEANINGS: Mapping[str, Meaning] = {
    # The holder's own decision.
    "cancelled": Meaning(HolderDeclined, "You stopped this. Nothing was stored.", _START_AGAIN),
    "access_denied": Meaning(
        HolderDeclined, "You did not allow the issuer to go on. Nothing was stored.", _START_AGAIN
    ),
    # This machine.
    "internal": Meaning(
        LocalFailure, "The wallet made a mistake. Nothing was lost.", "Please report the detail."
    ),
    "settings_invalid": Meaning(
        LocalFailure, "A setting cannot be used.", "Correct the setting named in the detail."
    ),
    "store_in_use": Meaning(
        LocalFailure,
        "Another wallet window or command is using this wallet.",
        "Close the other one, or wait until it has finished.",
    ),
    "store_locked": Meaning(LocalFailure, "The wallet is locked.", "Unlock it, and try again."),
    "vault_stopped": Meaning(
        LocalFailure,
        "The part of the wallet that keeps your credentials has stopped. Nothing stored was lost.",
        "Open the wallet again; if it happens again, please report the detail.",
    ),
    "store_damaged": Meaning(
        LocalFailure,
        "The wallet's store is damaged and was left as it is.",
        "Restore a backup; do not delete the files.",
    ),
    "store_unwritable": Meaning(
        LocalFailure,
        "The wallet cannot write to its folder.",
        "Free some space, or check the folder's permissions.",
    ),
    "keyring_unavailable": Meaning(
        LocalFailure,
        "This computer's keyring cannot be used now.",
        "Unlock your session's keyring, or open the wallet with its recovery code.",
    ),
    "keyring_entry_missing": Meaning(
        LocalFailure,
        "The key of this wallet is no longer in the computer's keyring.",
        "Open the wallet with its recovery code. The store was left as it is.",
    ),
    "passphrase_needed": Meaning(
        LocalFailure, "This wallet needs its passphrase.", "Enter the passphrase to open it."
    ),
    "passphrase_wrong": Meaning(
        LocalFailure, "That is not the passphrase of this wallet.", "Try again."
    ),
    "passphrases_differ": Meaning(
        LocalFailure, "The two passphrases differ.", "Type the same one twice."
    ),
    "passphrase_wait": Meaning(
        LocalFailure,
        "Too many wrong tries. The wallet waits before it takes another.",
        "Wait for the time in the detail; it survives a restart.",
    ),
    "recovery_wrong": Meaning(
        LocalFailure, "That is not the recovery code of this wallet.", "Compare each character."
    ),
    "store_rolled_back": Meaning(
        LocalFailure,
        "The wallet's store is an older copy than the one you used last.",
        "Put the newer one back, restore a backup, or open this one with the recovery code.",
    ),
    "passphrase_too_short": Meaning(
        LocalFailure, "A passphrase needs at least 8 characters.", "Choose a longer one."
    ),
    "credential_not_found": Meaning(
        LocalFailure, "There is no such credential in this wallet.", "See `wallet list`."
    ),
    "backup_unreadable": Meaning(
        LocalFailure,
        "This file is no complete backup of a wallet.",
        "Choose another file; this one may be damaged.",
    ),
    "backup_passphrase_wrong": Meaning(
        LocalFailure,
        "The passphrase does not open this backup.",
        "Use the passphrase it was made with; it may also have been changed.",
    ),
    "backup_too_costly": Meaning(
        LocalFailure,
        "This computer would take too long to try the passphrase on this backup.",
        "Close other programs and try again, or use a faster computer. A backup that a stranger "
        "made may be meant to keep it busy.",
    ),
    "store_present": Meaning(
        LocalFailure,
        "There is a wallet here already.",
        "Restore over it only if you mean it; the present one is set aside, not deleted.",
    ),
    "backup_older": Meaning(
        LocalFailure,
        "The wallet here is newer than this backup.",
        "Restore it over the newer one only if you mean it; the newer one is set aside.",
    ),
    "trust_anchor_unreadable": Meaning(
        LocalFailure,
        "This is neither a certificate nor the address or DID of an issuer.",
        "Choose a certificate file (PEM or DER), or type an https address or a DID.",
    ),
    "trust_anchor_not_found": Meaning(
        LocalFailure,
        "There is no such trust anchor in this wallet's store.",
        "See `wallet trust`. One that stands in a file of the settings goes with that setting.",
    ),
    "decision_needed": Meaning(
        LocalFailure,
        "A credential has come, and whether to keep it is for you to decide.",
        "Go on with the issuance to read what the wallet found out of its issuer.",
    ),
    "issuance_not_found": Meaning(
        LocalFailure, "There is no such interrupted issuance.", "See `wallet pending`."
    ),
    "refresh_impossible": Meaning(
        LocalFailure,
        "This credential cannot be refreshed: its issuer has not allowed it, or no longer does.",
        "Get it anew from its issuer, and remove this one.",
    ),
    "grant_not_offered": Meaning(
        LocalFailure,
        "The way that was chosen to get the credential is not one that the issuer offers.",
        "Choose one of those that the offer names.",
    ),
    "transaction_code_needed": Meaning(
        LocalFailure,
        "This offer needs the code that the issuer sent you by another way.",
        "Give it by --tx-code, as the detail says.",
    ),
    "browser_failed": Meaning(
        LocalFailure, "The browser could not be opened.", "Open the sign-in link yourself."
    ),
    "authorization_timeout": Meaning(
        LocalFailure, "The sign-in in the browser was not finished in time.", _START_AGAIN
    ),
    "redirect_port_taken": Meaning(
        LocalFailure,
        "The wallet could not open the port on which the browser returns.",
        "Choose another redirect port, or leave it to the wallet.",
    ),
    "camera_missing": Meaning(
        LocalFailure,
        "No camera can be opened.",
        "Paste the offer's link or choose a picture.",
    ),
    "camera_stopped": Meaning(
        LocalFailure, "The camera stopped.", "Start it again, or paste the offer's link."
    ),
    "image_unreadable": Meaning(
        LocalFailure, "This file is not a picture the wallet can read.", "Choose a PNG or JPEG."
    ),
    "image_too_large": Meaning(
        LocalFailure, "This picture is too large.", "Choose a smaller one, or cut out the code."
    ),
    "code_not_found": Meaning(
        LocalFailure, "There is no readable QR code in this picture.", "Try a sharper picture."
    ),
    "clock_wrong": Meaning(
        LocalFailure,
        "The clocks of this computer and of the service differ too much.",
        "Set this computer's date, time and time zone; if they are right, ask the issuer.",
    ),
    # The network.
    "unreachable": Meaning(Unreachable, "The service cannot be reached.", _TRY_LATER),
    "timed_out": Meaning(Unreachable, "The service took too long to answer.", _TRY_LATER),
    "tls_failed": Meaning(
        Unreachable,
        "No secure connection to the service could be made.",
        "Its certificate or this computer's clock may be wrong, or your network may interfere.",
    ),
    # Refusals by the peer.
    "authorization_refused": Meaning(
        PeerRefused, "The authorization server refused the request.", _ASK_ISSUER
    ),
    "token_refused": Meaning(
        PeerRefused, "The authorization server refused to let the wallet in.", _START_AGAIN
    ),
    "credential_refused": Meaning(
        PeerRefused, "The issuer refused to issue the credential.", _ASK_ISSUER
    ),
    "code_used_up": Meaning(
        PeerRefused,
        "The interruption cost the sign-in: its code is good for once.",
        "Go on with this issuance to sign in again. The offer was kept.",
    ),
    "provider_refused": Meaning(
        PeerRefused,
        "The wallet provider does not vouch for this wallet.",
        "Ask the wallet provider; the technical detail says what it answered.",
    ),
    "offer_used_up": Meaning(
        PeerRefused,
        "The interruption cost the offer: its code is good for once.",
        "Ask the issuer for a new offer.",
    ),
    "not_granted": Meaning(
        PeerRefused,
        "The authorization server did not grant this credential.",
        "Ask for it again on its own; if that fails, ask the issuer.",
    ),
    "transaction_code_refused": Meaning(
        PeerRefused,
        "The authorization server did not take the code that you typed.",
        "Ask the issuer for a new offer, and type its code as you got it.",
    ),
    "notification_refused": Meaning(
        PeerRefused, "The issuer did not take the notification.", "Nothing: it is stored."
    ),
    "busy": Meaning(
        PeerRefused,
        "The service has too much to do, or is closed for a while.",
        "Try again later; if the service said when, the detail tells it.",
    ),
    "server_error": Meaning(PeerRefused, "The service reports an error of its own.", _TRY_LATER),
    "not_found": Meaning(
        PeerRefused, "The service does not have what the wallet asked for.", _NEW_OFFER
    ),
    # Broken rules.
    "not_an_offer": Meaning(
        PeerBrokeProtocol,
        "This is not a credential offer.",
        "Scan the code on the issuer's page, or paste its offer link.",
    ),
    "offer_invalid": Meaning(
        PeerBrokeProtocol, "This credential offer is not complete or not valid.", _NEW_OFFER
    ),
    "insecure_url": Meaning(
        PeerBrokeProtocol,
        "The service does not use a secure address (https).",
        "Do not go on. Ask the issuer for a secure address.",
    ),
    "forbidden_address": Meaning(
        PeerBrokeProtocol,
        "The service is not on the public internet.",
        "Do not go on. For servers on your own computer, a developer turns on the setting "
        "loopback_development.",
    ),
    "redirected": Meaning(
        PeerBrokeProtocol, "The service sent the wallet to another address.", _ASK_ISSUER
    ),
    "response_too_large": Meaning(
        PeerBrokeProtocol, "The service sent far more data than it should.", _ASK_ISSUER
    ),
    "response_malformed": Meaning(
        PeerBrokeProtocol, "The service sent something the wallet cannot read.", _ASK_ISSUER
    ),
    "metadata_invalid": Meaning(
        PeerBrokeProtocol, "The issuer's description of itself is not valid.", _ASK_ISSUER
    ),
    "metadata_unsigned": Meaning(
        PeerBrokeProtocol,
        "The issuer does not sign its description of itself, as you require it.",
        "Ask the issuer, or set signed_metadata to auto.",
    ),
    "metadata_signature_invalid": Meaning(
        PeerBrokeProtocol,
        "The signature of the issuer's description of itself is wrong.",
        "Do not go on. " + _ASK_ISSUER,
    ),
    "metadata_signer_untrusted": Meaning(
        PeerBrokeProtocol,
        "The issuer's description of itself was signed by someone this wallet does not trust.",
        "If you know the signer, add its certificate as a trust anchor.",
    ),
    "issuer_mismatch": Meaning(
        PeerBrokeProtocol,
        "The issuer's description of itself belongs to somebody else.",
        "Do not go on. " + _ASK_ISSUER,
    ),
    "authorization_server_mismatch": Meaning(
        PeerBrokeProtocol,
        "The authorization server is not the one the issuer names.",
        "Do not go on. " + _ASK_ISSUER,
    ),
    "authorization_response_invalid": Meaning(
        PeerBrokeProtocol, "The answer of the authorization server is not valid.", _START_AGAIN
    ),
    "state_mismatch": Meaning(
        PeerBrokeProtocol,
        "The answer in the browser does not belong to this request.",
        "Nothing was stored. " + _START_AGAIN,
    ),
    "iss_missing": Meaning(
        PeerBrokeProtocol,
        "The answer in the browser does not say who sent it.",
        "Nothing was stored. " + _ASK_ISSUER,
    ),
    "iss_mismatch": Meaning(
        PeerBrokeProtocol,
        "The answer in the browser came from another authorization server.",
        "Nothing was stored. Do not go on.",
    ),
    "token_response_invalid": Meaning(
        PeerBrokeProtocol, "The authorization server's answer is not valid.", _ASK_ISSUER
    ),
    "token_not_bound": Meaning(
        PeerBrokeProtocol,
        "The authorization server did not bind its access to this wallet, although it can.",
        "Ask the issuer. If you trust it all the same, set dpop to optional for this server.",
    ),
    "challenge_response_invalid": Meaning(
        PeerBrokeProtocol, "The authorization server's answer is not valid.", _ASK_ISSUER
    ),
    "wallet_attestation_invalid": Meaning(
        PeerBrokeProtocol,
        "What the wallet provider says of this wallet cannot be used.",
        "Ask the wallet provider; check the settings client_id and wallet_provider.",
    ),
    "nonce_response_invalid": Meaning(
        PeerBrokeProtocol, "The issuer's answer is not valid.", _ASK_ISSUER
    ),
    "credential_response_invalid": Meaning(
        PeerBrokeProtocol, "The issuer's answer holds no valid credential.", _ASK_ISSUER
    ),
    "response_not_encrypted": Meaning(
        PeerBrokeProtocol,
        "The issuer sent the credential in clear, although it was to be encrypted.",
        _ASK_ISSUER,
    ),
    "decryption_failed": Meaning(
        PeerBrokeProtocol, "The wallet cannot decrypt the issuer's answer.", _ASK_ISSUER
    ),
    # What this wallet cannot do.
    "grant_unsupported": Meaning(
        Unsupported, "This offer uses a way to sign in that the wallet does not know.", _ASK_ISSUER
    ),
    "configuration_unknown": Meaning(
        Unsupported, "The issuer does not describe the credential it offers.", _ASK_ISSUER
    ),
    "format_unsupported": Meaning(
        Unsupported, "The wallet cannot keep credentials of this format.", _ASK_ISSUER
    ),
    "proof_unsupported": Meaning(
        Unsupported, "The issuer asks for a proof of key that the wallet cannot make.", _ASK_ISSUER
    ),
    "authorization_server_unsupported": Meaning(
        Unsupported, "The wallet cannot work with this authorization server.", _ASK_ISSUER
    ),
    "client_authentication_unsupported": Meaning(
        Unsupported,
        "The authorization server wants to know this wallet in a way it cannot show.",
        "Ask the issuer how wallets register, and set client_authentication and its keys.",
    ),
    "dpop_unsupported": Meaning(
        Unsupported,
        "The authorization server cannot bind its access to this wallet, as you require it.",
        "Ask the issuer, or set dpop to auto for this server.",
    ),
    "encryption_unsupported": Meaning(
        Unsupported,
        "The issuer wants its messages encrypted in a way that the wallet cannot.",
        _ASK_ISSUER,
    ),
    # The credential.
    "credential_malformed": Meaning(
        VerificationFailed, "The credential is broken and was not stored.", _ASK_ISSUER
    ),
    "issuer_untrusted": Meaning(
        VerificationFailed,
        "The credential was signed by an issuer this wallet does not trust. It was not stored.",
        "If you know this issuer, add its certificate or its address as a trust anchor.",
    ),
    "issuer_keys_invalid": Meaning(
        VerificationFailed,
        "What the credential's issuer publishes of its keys is wrong. It was not stored.",
        _ASK_ISSUER,
    ),
    "signature_invalid": Meaning(
        VerificationFailed,
        "The credential's signature is wrong: it was altered. It was not stored.",
        _ASK_ISSUER,
    ),
    "disclosure_invalid": Meaning(
        VerificationFailed,
        "A claim of the credential does not match what was signed. It was not stored.",
        _ASK_ISSUER,
    ),
    "credential_expired": Meaning(
        VerificationFailed, "The credential has expired already. It was not stored.", _ASK_ISSUER
    ),
    "credential_not_yet_valid": Meaning(
        VerificationFailed, "The credential is not valid yet. It was not stored.", _ASK_ISSUER
    ),
    "vct_mismatch": Meaning(
        VerificationFailed,
        "The issuer sent another kind of credential than you asked for. It was not stored.",
        _ASK_ISSUER,
    ),
    "doctype_mismatch": Meaning(
        VerificationFailed,
        "The issuer sent another kind of document than you asked for. It was not stored.",
        _ASK_ISSUER,
    ),
    "claims_missing": Meaning(
        VerificationFailed,
        "The credential lacks claims that the issuer promised. It was not stored.",
        _ASK_ISSUER,
    ),
    "proof_not_judged": Meaning(
        VerificationFailed,
        "This computer could not run the program that judges this credential's proof.",
        "Free memory, or restart the computer, and get the credential again.",
    ),
    "credential_too_costly": Meaning(
        VerificationFailed,
        "Verifying this credential takes more than a credential may. It was not stored.",
        _ASK_ISSUER,
    ),
    "audience_mismatch": Meaning(
        VerificationFailed,
        "The credential is meant for somebody else. It was not stored.",
        _ASK_ISSUER,
    ),
    "verdicts_differ": Meaning(
        VerificationFailed,
        "Two independent checks of the credential disagree. It was not stored.",
        _ASK_ISSUER,
    ),
    "key_binding_mismatch": Meaning(
        VerificationFailed,
        "The credential belongs to another key than this wallet's. It was not stored.",
        "Do not go on. " + _ASK_ISSUER,
    ),
}
