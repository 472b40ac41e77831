"""From a picture file to text: what is read, and what every other file ends in."""

import contextlib
import io
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.camera import Picture, code_png
from wallet.errors import LocalFailure
from wallet.scan import decode_still
from wallet.scan.decode import (
    SECOND_OPINION_EVERY,
    LiveDecoder,
    decode_frame,
    second_opinion,
    zbar_present,
)

OFFER = "openid-credential-offer://?credential_offer=" + "%7B%22credential_issuer%22" * 8
FOREIGN = "https://example.com/other"

needs_zbar = pytest.mark.skipif(not zbar_present(), reason="needs the package libzbar0")


def picture_of(text: str | bytes, scale: int = 8, **colours: Any) -> Image.Image:
    return Image.open(io.BytesIO(code_png(text, scale, **colours)))


def file_of(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(LocalFailure) as caught:
        decode_still(data)
    return caught.value.code


# What is read.


@pytest.mark.parametrize("angle", [0, 17, 45, 90, 180])
def test_a_turned_code(angle: int) -> None:
    turned = picture_of(OFFER).convert("RGB").rotate(angle, expand=True, fillcolor="white")
    assert decode_still(file_of(turned)) == (OFFER,)


@pytest.mark.parametrize("scale", [1, 2, 20])
def test_a_tiny_and_a_huge_code(scale: int) -> None:
    assert decode_still(code_png(OFFER, scale)) == (OFFER,)


def test_an_inverted_and_a_transparent_code() -> None:
    assert decode_still(code_png(OFFER, dark="white", light="black")) == (OFFER,)
    assert decode_still(code_png(OFFER, light=None)) == (OFFER,)


@pytest.mark.parametrize("length", [300, 1_000, 2_000])
def test_a_dense_offer_by_value(length: int) -> None:
    digits = random.Random(length)
    text = OFFER + "".join(digits.choices("0123456789abcdefABCDEF%", k=length))
    assert segno.make_qr(text, error="m", boost_error=False).symbol_size(1, 0)[0] >= 57
    assert decode_still(code_png(text, 4)) == (text,)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_every_kind_of_file(kind: str) -> None:
    assert decode_still(file_of(picture_of(OFFER).convert("L"), kind)) == (OFFER,)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_of_png(mode: str) -> None:
    assert decode_still(file_of(picture_of(OFFER).convert(mode))) == (OFFER,)


def test_a_print_file_in_cmyk() -> None:
    assert decode_still(file_of(picture_of(OFFER).convert("CMYK"), "JPEG")) == (OFFER,)


def test_greys_of_16_bits_are_scaled_and_not_clipped() -> None:
    bits = np.asarray(picture_of(OFFER).convert("L")) > 127
    deep = Image.fromarray(np.where(bits, 0xEB00, 0x2300).astype(np.uint16))
    assert decode_still(file_of(deep)) == (OFFER,)


def test_every_code_of_a_screenshot_once() -> None:
    screen = Image.new("RGB", (1920, 1080), "#334455")
    for at, text in (((60, 100), OFFER), ((800, 200), FOREIGN), ((1400, 400), OFFER)):
        screen.paste(picture_of(text, 5).convert("RGB"), at)
    assert sorted(decode_still(file_of(screen))) == [FOREIGN, OFFER]


def test_the_same_picture_gives_the_same_order() -> None:
    screen = Image.new("L", (900, 400), 255)
    screen.paste(picture_of(FOREIGN, 4), (20, 20))
    screen.paste(picture_of(OFFER, 4), (500, 20))
    assert decode_still(file_of(screen)) == decode_still(file_of(screen))


@pytest.mark.parametrize("text", ["a\tb\nc", "a\x01b\x1dc", "Ausweis für Grüße €", "名前"])
def test_the_text_is_what_was_encoded(text: str) -> None:
    assert decode_still(code_png(text)) == (text,)


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_bytes_that_are_no_text_still_give_unicode(content: bytes) -> None:
    out = io.BytesIO()
    segno.make_qr(content, mode="byte").save(out, kind="png", scale=4)
    for text in decode_still(out.getvalue()):
        assert text.encode().decode() == text


# What is not.


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "image_unreadable"),
        (b"hello", "image_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_unreadable"),
        (file_of(picture_of(OFFER).convert("L"), "TIFF"), "image_unreadable"),
        (code_png(OFFER)[:200], "image_unreadable"),
        (file_of(picture_of(OFFER).convert("L"), "JPEG")[:300], "image_unreadable"),
        (file_of(Image.new("1", (12_000, 12_000))), "image_too_large"),
        (file_of(Image.new("1", (70_000, 30))), "image_too_large"),
        (b"\x89PNG" + bytes(20_000_000), "image_too_large"),
        (file_of(Image.new("RGB", (300, 300), "white")), "code_not_found"),
        (file_of(Image.new("L", (2_000, 1))), "code_not_found"),
        (file_of(Image.new("L", (1, 1))), "code_not_found"),
    ],
    ids=[
        "empty", "text", "svg", "tiff", "cut png", "cut jpeg", "bomb", "too wide", "huge file",
        "blank", "thin", "one pixel",
    ],
)  # fmt: skip
def test_pictures_that_do_not_help(data: bytes, code: str) -> None:
    assert refusal(data) == code


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_declared_size_is_refused_before_a_pixel_is_decoded(side: int) -> None:
    data = bytearray(file_of(Image.new("1", (8, 8))))
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = _crc(bytes(data[12:29]))
    assert refusal(bytes(data)) == "image_too_large"


def _crc(chunk: bytes) -> bytes:
    from zlib import crc32

    return crc32(chunk).to_bytes(4, "big")


MAGIC = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x00\x00\x00\x00WEBP", b"GIF89a", b"BM"]
SMALL = [file_of(picture_of("x", 2).convert("L"), k) for k in ("PNG", "JPEG", "WEBP", "GIF", "BMP")]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(MAGIC))
def test_any_bytes_end_in_our_own_error(data: bytes, magic: bytes) -> None:
    with pytest.raises(LocalFailure):
        decode_still(magic + data)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SMALL), st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255))))
def test_a_damaged_picture_ends_in_text_or_our_own_error(
    picture: bytes, damage: list[tuple[int, int]]
) -> None:
    damaged = bytearray(picture)
    for at, value in damage:
        damaged[at % len(damaged)] = value
    with contextlib.suppress(LocalFailure):
        assert decode_still(bytes(damaged))


# The second opinion.


def blotted() -> Picture:
    """A code with blots that zxing-cpp gives up on and zbar does not."""
    out = io.BytesIO()
    text = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example"
    segno.make_qr(text, error="h").save(out, kind="png", scale=8)
    picture = np.asarray(Image.open(io.BytesIO(out.getvalue())).convert("L")).copy()
    side = len(picture)
    chance = np.random.default_rng(2)
    for _ in range(chance.integers(5, 40)):
        down, right = chance.integers(0, side - 20, 2)
        picture[down : down + 20, right : right + 20] = chance.integers(0, 256)
    assert decode_frame(picture) == ()
    return picture


@needs_zbar
def test_what_zxing_cannot_read_zbar_may() -> None:
    (text,) = second_opinion(blotted())
    assert text.startswith("openid-credential-offer://")
    assert decode_still(file_of(Image.fromarray(blotted()))) == (text,)


@needs_zbar
def test_live_zbar_looks_at_every_fifth_unread_frame_only() -> None:
    hard = np.asarray(cv2.cvtColor(blotted(), cv2.COLOR_GRAY2BGR), np.uint8)
    easy = np.asarray(picture_of(FOREIGN).convert("RGB"))
    decoder = LiveDecoder()
    read = [bool(decoder.texts(hard)) for _ in range(2 * SECOND_OPINION_EVERY)]
    assert [at + 1 for at, seen in enumerate(read) if seen] == [5, 10]
    assert decoder.texts(hard) == ()
    assert decoder.texts(easy) == (FOREIGN,)
    assert [bool(decoder.texts(hard)) for _ in range(5)] == [False] * 4 + [True]


@needs_zbar
def test_zbar_is_not_believed_where_it_guesses_the_character_set() -> None:
    assert second_opinion(np.asarray(picture_of("https://a.example").convert("L")))
    assert second_opinion(np.asarray(picture_of("Grüße €").convert("L"))) == ()


@needs_zbar
def test_zbar_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    chance = np.random.default_rng(3)
    for cell in (4, 8, 16):
        noise = chance.integers(0, 2, (720 // cell, 1280 // cell), dtype=np.uint8) * 255
        blown_up = cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_NEAREST)
        second_opinion(np.asarray(blown_up, np.uint8))
    second_opinion(blotted())
    assert capfd.readouterr() == ("", "")


def test_without_libzbar_zxing_is_enough(tmp_path: Path) -> None:
    (tmp_path / "code.png").write_bytes(code_png(OFFER))
    script = (
        "import ctypes.util, sys; ctypes.util.find_library = lambda name: None\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from wallet.scan.decode import LiveDecoder, decode_still, zbar_present\n"
        "dark, decoder = np.zeros((90, 160, 3), np.uint8), LiveDecoder()\n"
        "assert not any(decoder.texts(dark) for _ in range(6))\n"
        "print(zbar_present(), decode_still(Path(sys.argv[1]).read_bytes())[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "code.png"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"False {OFFER}\n", "")


def test_importing_the_scanner_loads_no_decoder() -> None:
    libraries = "{'cv2', 'zxingcpp', 'pyzbar', 'numpy', 'PIL'}"
    script = f"import sys, wallet.scan; print({libraries} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
