"""From a QR code on the issuer's page to a credential that is still there after a restart."""

from pathlib import Path

import pytest

from reference_servers.demo.people import PEOPLE
from tests.e2e.conftest import Desk
from tests.support.camera import write_camera_video
from tests.support.flet_browser import SCREENS

PASSPHRASE = "sentinel-passphrase"


def claims_of_erika() -> dict[str, str]:
    erika = PEOPLE[0]
    address = erika.pid["address"]
    return {
        "given_name": f"Given name: {erika.given_name}",
        "family_name": f"Family name: {erika.family_name}",
        "birthdate": f"Date of birth: {erika.pid['birthdate']}",
        "nationalities": f"Nationalities: {', '.join(erika.pid['nationalities'])}",
        "address.street_address": f"Street: {address['street_address']}",
        "address.locality": f"City: {address['locality']}",
    }


def test_from_qr_code_to_credential(desk: Desk, tmp_path: Path) -> None:
    # 1: the issuer's page shows a QR code.
    issuer = desk.context.new_page()
    issuer.goto(desk.servers.issuer_url)
    picture(issuer.screenshot(), "01-issuer")
    issuer.click('[data-testid="offer-pid"]')
    code = issuer.locator('[data-testid="offer-qr"]')
    code.wait_for()
    picture(issuer.screenshot(full_page=True), "02-offer")
    video = tmp_path / "camera.avi"
    write_camera_video(code.screenshot(), video)

    # 2: the wallet's camera reads it.
    window = desk.start_wallet("--camera", str(video))
    window.see("door-create")
    window.shot("03-door")
    window.type("door-passphrase", PASSPHRASE)
    window.type("door-passphrase-again", PASSPHRASE)
    window.tap("door-create")
    window.see("empty-add")
    window.shot("04-empty")
    window.tap("nav-add")
    window.see("add-camera")
    window.shot("05-add")
    window.tap("add-camera")
    window.see("camera-preview")
    window.page.wait_for_timeout(700)
    picture(window.page.screenshot(), "06-camera")
    window.see("contact-go")
    assert desk.servers.issuer_url.removeprefix("http://") in window.text("contact-host")
    window.shot("07-contact")

    # 3: metadata; the holder reviews.
    window.tap("contact-go")
    window.see("review-accept")
    window.expect_text("Person ID")
    window.shot("08-review")

    # 4 to 6: the browser opens, the holder signs in and consents.
    with desk.context.expect_page() as opened:
        window.tap("review-accept")
    browser = opened.value
    browser.wait_for_load_state()
    picture(browser.screenshot(), "09-sign-in")
    window.see("browser-again")
    window.shot("10-waiting")
    desk.sign_in(browser, look=lambda: picture(browser.screenshot(full_page=True), "11-consent"))
    picture(browser.screenshot(), "12-signed-in")

    # 7 to 12: it stands in the wallet, with its claims.
    window.see("result-open")
    window.shot("13-result")
    window.tap("result-open")
    window.see("detail-claims")
    for path, text in claims_of_erika().items():
        assert window.text(f"claim-{path}") == text
    window.see("claim-portrait")
    window.shot("14-detail")
    window.tap("detail-technical")
    window.see("detail-copy").scroll_into_view_if_needed()
    window.shot("15-technical")

    # It is still there after a restart.
    assert desk.end_wallet() == 0
    window = desk.start_wallet()
    window.see("door-unlock")
    window.shot("16-locked")
    window.type("door-passphrase", PASSPHRASE)
    window.tap("door-unlock")
    window.see("card-0")
    window.page.set_viewport_size({"width": 1280, "height": 860})
    window.shot("17-cards-wide")
    window.page.emulate_media(color_scheme="dark")
    window.shot("18-cards-wide-dark")
    window.tap("card-0")
    assert window.text("claim-given_name") == claims_of_erika()["given_name"]
    window.shot("19-detail-wide-dark")
    window.tap("nav-settings")
    window.see("setting-client_id")
    window.shot("20-settings-wide-dark")
    assert desk.end_wallet() == 0

    nothing_in_clear(desk)


def nothing_in_clear(desk: Desk) -> None:
    """No claim, token, key or passphrase in any file the wallet wrote, or in its log."""
    erika = PEOPLE[0]
    secrets = [
        PASSPHRASE,
        erika.family_name,
        erika.pid["birthdate"],
        erika.pid["address"]["street_address"],
        erika.portrait[100:160],
        *("eyJhbGci", "eyJ0eXAi"),  # so JWTs begin: credential, access token, proof
        "openid-credential-offer:",
        "issuer_state",
        "code_verifier",
        "PRIVATE KEY",
    ]
    files = [desk.log, *(one for one in desk.data_folder.rglob("*") if one.is_file())]
    assert {one.name for one in files} >= {"wallet.db", "wallet.keys", "wallet.log"}
    for one in files:
        content = one.read_bytes()
        assert [secret for secret in secrets if secret.encode() in content] == [], one


def test_denied_at_the_consent_page_in_the_dark(desk: Desk) -> None:
    passphrase = desk.folder / "passphrase"
    passphrase.write_text(PASSPHRASE)
    window = desk.start_wallet("--passphrase-file", str(passphrase))
    window.page.emulate_media(color_scheme="dark")
    window.see("empty-add")
    window.shot("30-empty-dark")
    window.tap("nav-add")
    window.type("add-paste-field", "https://example.com/")
    window.tap("add-paste-go")
    window.expect_text("This is not a credential offer.")
    window.shot("31-no-offer-dark")
    window.type("add-paste-field", desk.servers.offer("diploma", "reference"))
    window.tap("add-paste-go")
    window.see("contact-go")
    window.shot("32-contact-dark")
    window.tap("contact-go")
    window.see("review-accept")
    window.shot("33-review-dark")
    with desk.context.expect_page() as opened:
        window.tap("review-accept")
    desk.sign_in(opened.value, allow=False)
    picture(opened.value.screenshot(), "34-denied-browser")
    window.see("error-sentence")
    window.expect_text("You did not allow the issuer to go on.")
    window.shot("35-denied-dark")
    window.tap("error-close")
    window.see("empty-add")


def test_an_issuer_that_is_not_trusted_in_a_wide_window(desk: Desk) -> None:
    passphrase = desk.folder / "passphrase"
    passphrase.write_text(PASSPHRASE)
    desk.trusting = False
    window = desk.start_wallet("--passphrase-file", str(passphrase))
    window.page.set_viewport_size({"width": 1280, "height": 860})
    window.see("empty-add")
    window.tap("nav-add")
    window.see("add-paste-go")
    window.shot("40-add-wide")
    window.type("add-paste-field", desk.servers.offer("pid"))
    window.tap("add-paste-go")
    window.tap("contact-go")
    window.see("review-accept")
    window.shot("41-review-wide")
    with desk.context.expect_page() as opened:
        window.tap("review-accept")
    desk.sign_in(opened.value)
    window.see("judge-discard")
    assert "Anybody could have made it" in window.text("judge-level")
    window.shot("42-judge-wide")
    window.tap("judge-discard")
    window.see("error-sentence")
    window.expect_text("signed by an issuer this wallet does not trust")
    window.tap("error-details")
    window.see("error-code")
    window.shot("43-untrusted-wide")
    window.tap("error-close")
    window.see("empty-add")


def test_cancelled_while_waiting_for_the_browser(desk: Desk) -> None:
    passphrase = desk.folder / "passphrase"
    passphrase.write_text(PASSPHRASE)
    window = desk.start_wallet("--passphrase-file", str(passphrase))
    window.see("empty-add")
    window.tap("nav-add")
    window.type("add-paste-field", desk.servers.offer("diploma"))
    window.tap("add-paste-go")
    window.tap("contact-go")
    window.see("review-accept")
    with desk.context.expect_page():
        window.tap("review-accept")
    window.see("browser-again")
    window.tap("progress-cancel")
    window.expect_text("You stopped this.")
    window.tap("error-close")
    window.see("empty-add")


@pytest.fixture(autouse=True)
def _screens() -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)


def picture(png: bytes, name: str) -> None:
    (SCREENS / f"{name}.png").write_bytes(png)
