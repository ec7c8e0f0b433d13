"""Odd files are decoded, hostile ones refused, and nothing else ever comes of one."""

import io
import struct
import threading
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from api.images.decode import ImageLimits, decode
from api.images.errors import ImageTooLargeError, UnreadableImageError
from api.images.formats import webp_size
from tests.images import encoded

# as `python -m api` has it: what Pillow only warns of is no news
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

LIMITS = ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000, max_frames=3)


def corner(mode: str = "L", size: tuple[int, int] = (30, 20)) -> Image.Image:
    """Black, with a white square in the upper left corner."""
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).rectangle((0, 0, 7, 7), fill=255)
    return image.convert(mode)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, content: bytes, *more: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(more) + chunk(b"IDAT", content) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def bright(image: Image.Image) -> str:
    """In which corner the white square is."""
    gray = np.asarray(image.convert("L"), dtype=float)
    height, width = gray.shape
    halves = (gray[: height // 2], gray[height // 2 :])
    upper = halves[0].sum() > halves[1].sum()
    left = gray[:, : width // 2].sum() > gray[:, width // 2 :].sum()
    return f"{'upper' if upper else 'lower'} {'left' if left else 'right'}"


NOTES = Image.Exif()
NOTES[0x010E] = "a seven"
RED = Image.new("RGB", (30, 20), "red")
ODD = {
    "gray": encoded(corner()),
    "1 bit": encoded(corner("1")),
    "palette": encoded(corner("RGB").quantize(4)),
    "palette with transparency": encoded(corner("RGB").quantize(4), transparency=1),
    "gray and alpha": encoded(corner("LA")),
    "colours and alpha": encoded(corner("RGBA")),
    "16 bits": encoded(Image.fromarray(np.asarray(corner()).astype(np.uint16) * 257)),
    "jpeg": encoded(corner(), "JPEG"),
    "progressive jpeg": encoded(corner("RGB"), "JPEG", progressive=True),
    "cmyk jpeg": encoded(corner("CMYK"), "JPEG"),
    "webp": encoded(corner("RGB"), "WEBP"),
    "lossless webp": encoded(corner("RGBA"), "WEBP", lossless=True),
    "animated webp": encoded(corner("RGB"), "WEBP", save_all=True, append_images=[RED, RED]),
    "animated png": encoded(corner("RGB"), save_all=True, append_images=[RED]),
    "picture and preview": encoded(corner("RGB"), "MPO", save_all=True, append_images=[corner("RGB")]),
    "trailing bytes": encoded(corner()) + b"<script>alert(1)</script>" * 10,
    "a page before the end": encoded(corner(), comment=b"<html>") + b"PK\x03\x04",
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_file_is_the_picture_that_it_is(kind: str) -> None:
    image = decode(ODD[kind], LIMITS)
    assert image.mode in ("L", "RGB", "RGBA")
    assert image.size == (30, 20)
    assert bright(image) == "upper left"


@pytest.mark.parametrize("depth", [0, 255, 256, 32768, 65535])
def test_sixteen_bits_are_told_in_eight(depth: int) -> None:
    image = decode(encoded(Image.fromarray(np.full((4, 4), depth, np.uint16))), LIMITS)
    assert np.asarray(image).tolist() == [[depth >> 8] * 4] * 4


@pytest.mark.parametrize(
    ("orientation", "where", "size"),
    [
        (1, "upper left", (30, 20)),
        (2, "upper right", (30, 20)),
        (3, "lower right", (30, 20)),
        (4, "lower left", (30, 20)),
        (5, "upper left", (20, 30)),
        (6, "upper right", (20, 30)),
        (7, "lower right", (20, 30)),
        (8, "lower left", (20, 30)),
        (9, "upper left", (30, 20)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_turned_as_the_camera_was_held(
    kind: str, orientation: int, where: str, size: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(encoded(corner("RGB"), kind, exif=exif), LIMITS)
    assert (bright(image), image.size) == (where, size)


def test_damaged_notes_of_the_camera_do_not_spoil_the_picture() -> None:
    image = decode(encoded(corner("RGB"), "JPEG", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff"), LIMITS)
    assert bright(image) == "upper left"


BROKEN = {
    "nothing": b"",
    "text": b"hello",
    "a page": b"<html><body>7</body></html>",
    "gif": encoded(corner(), "GIF"),
    "bmp": encoded(corner(), "BMP"),
    "tiff": encoded(corner(), "TIFF"),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a signature alone": b"\x89PNG\r\n\x1a\n",
    "half a png": encoded(corner())[:60],
    "half a jpeg": encoded(corner(), "JPEG")[:200],
    "half a webp": encoded(corner(), "WEBP")[:40],
    "no width": png(0, 8, zlib.compress(b"\0" * 80)),
    "no height": png(8, 0, zlib.compress(b"\0" * 80)),
    "too few rows": png(8, 8, zlib.compress(b"\0" * 10)),
    "no compressed data": png(8, 8, b"not compressed"),
    "text bomb": png(8, 8, zlib.compress(b"\0" * 72), chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 50_000_000))),
    "profile bomb": png(8, 8, zlib.compress(b"\0" * 72), chunk(b"iCCP", b"a\0\0" + zlib.compress(b"x" * 50_000_000))),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_whole_image_is_refused_in_words(kind: str) -> None:
    with pytest.raises(UnreadableImageError, match="the file"):
        decode(BROKEN[kind], LIMITS)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    # Given files of a few kilobytes that would be gigabytes of points
    rows = zlib.compressobj(9)
    bomb = png(30_000, 30_000, b"".join(rows.compress(b"\0" * 1_000_000) for _ in range(50)) + rows.flush())
    webp = bytearray(encoded(Image.new("RGBA", (1, 1)), "WEBP", lossless=True, exif=NOTES))
    assert webp[12:16] == b"VP8X"
    webp[24:30] = b"\xff\x3f\0\xff\x3f\0"
    jpeg = bytearray(encoded(corner(), "JPEG"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 5 : start + 9] = b"\xff\xff\xff\xff"

    for file in (bomb, bytes(webp), bytes(jpeg)):
        # When one is decoded, then it is refused, and took no more than a few times its own size
        tracemalloc.start()
        with pytest.raises(ImageTooLargeError, match="pixels"):
            decode(file, LIMITS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1_000_000


def test_an_image_of_one_long_column_is_refused_for_the_memory_of_its_rows() -> None:
    with pytest.raises(ImageTooLargeError, match="65535 a side"):
        decode(png(1, 65_536, zlib.compress(bytes(2 * 65_536))), LIMITS)
    assert decode(png(1, 65_535, zlib.compress(bytes(2 * 65_535))), LIMITS).size == (1, 65_535)


def test_more_bytes_frames_or_scans_than_are_taken_are_refused() -> None:
    with pytest.raises(ImageTooLargeError, match="1000001 bytes, 1000000 are taken"):
        decode(encoded(corner()).ljust(1_000_001, b"\0"), LIMITS)
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")]
    for kind in ("PNG", "WEBP"):
        with pytest.raises(ImageTooLargeError, match="4 frames, 3 are taken"):
            decode(encoded(corner("RGB"), kind, save_all=True, append_images=frames), LIMITS)
    progressive = encoded(corner("RGB"), "JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    with pytest.raises(ImageTooLargeError, match="scans"):
        decode(progressive[:-2] + progressive[last:-2] * 101 + b"\xff\xd9", LIMITS)


@pytest.mark.parametrize("how", [{"lossless": True}, {"lossless": False}, {"lossless": True, "exif": NOTES}])
@given(width=st.integers(1, 700), height=st.integers(1, 700))
@settings(max_examples=10, deadline=None)
def test_a_webp_tells_its_size_in_its_header(how: dict[str, object], width: int, height: int) -> None:
    assert webp_size(encoded(Image.new("RGB", (width, height)), "WEBP", **how)) == (width, height)


WHOLE = ("gray", "palette", "16 bits", "progressive jpeg", "webp", "animated png", "animated webp")


@settings(max_examples=max(400, settings().max_examples), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_spoilt_file_is_decoded_or_refused_and_nothing_else(data: st.DataObject) -> None:
    file = bytearray(ODD[data.draw(st.sampled_from(WHOLE))])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(file) - 1))
        match data.draw(st.sampled_from(["change", "cut", "insert", "drop"])):
            case "change":
                file[at] = data.draw(st.integers(0, 255))
            case "cut":
                del file[max(1, at) :]
            case "insert":
                file[at:at] = data.draw(st.binary(max_size=20))
            case _:
                del file[at : at + data.draw(st.integers(0, max(0, min(20, len(file) - 1))))]
        if not file:
            file = bytearray(b"\xff")
    try:
        image = decode(bytes(file), LIMITS)
    except (UnreadableImageError, ImageTooLargeError):
        return
    assert image.width * image.height <= LIMITS.max_pixels


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_others_go_on_while_a_large_image_is_decoded(kind: str) -> None:
    limits = ImageLimits(100_000_000, 10_000_000, 1)
    file = encoded(Image.effect_noise((2500, 2500), 80).convert("RGB"), kind)

    def longest_wait() -> float:
        """Of a thread that runs meanwhile, as a share of the time that it takes."""
        thread = threading.Thread(target=decode, args=(file, limits))
        last = began = time.perf_counter()
        longest = 0.0
        thread.start()
        while thread.is_alive():
            time.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        return longest / (last - began)

    # a busy machine makes everybody wait now and then
    assert min(longest_wait() for _ in range(5)) < 0.6


def test_every_part_of_a_text_has_its_bound() -> None:
    # Given more notes than Pillow reads at all
    notes = PngInfo()
    for i in range(80):
        notes.add_text(f"note {i}", "x" * 1_000_000, zip=True)
    file = io.BytesIO()
    corner().save(file, "PNG", pnginfo=notes)
    with pytest.raises(UnreadableImageError):
        decode(file.getvalue(), LIMITS)
