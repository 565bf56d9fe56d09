"""Promise P26, the pixels: any input becomes a small clean copy in the folder, or no file."""

import errno
import os
import random
import stat
import zlib
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from takeback.cancellations import images as case_images
from takeback.cancellations.images import sweep_images
from takeback.cancellations.models import CancellationRequestImage
from takeback.core import errors
from takeback.core.errors import Refused
from takeback.images.store import discard_images, store_images, write_image
from tests import factories
from tests.conftest import CI
from tests.images.samples import (
    CANARY,
    chunk,
    gif_of,
    image_bytes,
    jpeg_markers,
    jpeg_with_segment,
    oriented,
    personal_exif,
    png_chunks,
    png_of,
    png_with,
)

CLEAN_JPEG = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
MUTANTS = 2_000 if CI else 200


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def clean_copies(media: Path, *images: bytes) -> list[bytes | None]:
    """The clean copies of these images; None where an input is not an image."""
    return [(media / file.name).read_bytes() if file else None for file in store_images(images)]


def opened(clean: bytes | None) -> Image.Image:
    """A clean copy as Pillow reads it."""
    assert clean
    return Image.open(BytesIO(clean))


def files(media: Path) -> list[str]:
    return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_format_becomes_a_jpeg_with_a_random_name(kind: str, media: Path) -> None:
    [file] = store_images([image_bytes(kind)])
    assert file
    assert files(media) == [file.name]
    folder, shard, name = file.name.split("/")
    assert (folder, name[:2], name[32:]) == ("cases", shard, ".jpg")
    assert int(name[:32], 16) > 0
    image = opened((media / file.name).read_bytes())
    assert (image.format, image.size, image.mode) == ("JPEG", (40, 30), "RGB")


def test_names_are_unique(media: Path) -> None:
    assert len(set(store_images([image_bytes()] * 5))) == 5


def test_storing_no_images_needs_no_child_and_no_folder(media: Path) -> None:
    assert store_images([]) == []
    assert not media.exists()


# An entry that points to itself as the next directory.
LOOP = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
WITH_METADATA = {
    "I7 JPEG and HTML": image_bytes() + CANARY + b"<script>alert(1)</script>",
    "I7 GIF and script": image_bytes("GIF") + b"/*" + CANARY + b"*/=1;alert(1)",
    "I7 PNG and ZIP": image_bytes("PNG") + b"PK\x03\x04" + CANARY,
    "I13 EXIF with GPS": image_bytes(exif=personal_exif()),
    "I13 EXIF in a PNG": image_bytes("PNG", exif=personal_exif()),
    "I13 EXIF in a WebP": image_bytes("WEBP", exif=personal_exif()),
    "I13 XMP": image_bytes(xmp=b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"),
    "I13 comment": image_bytes(comment=CANARY),
    "I13 IPTC": jpeg_with_segment(image_bytes(), 0xED, b"Photoshop 3.0\x008BIM" + CANARY),
    "I13 comment of a GIF": image_bytes("GIF", comment=CANARY),
    "I13 text of a PNG": png_with(chunk(b"tEXt", b"Comment\0" + CANARY)),
    "I14 EXIF that points to itself": jpeg_with_segment(image_bytes(), 0xE1, LOOP),
    "I18 a colour profile of 1 MiB, malformed": image_bytes(icc_profile=CANARY * 174_763),
    "I18 of a PNG": image_bytes("PNG", icc_profile=CANARY * 1_000),
}


def test_clean_copy_holds_pixels_only(media: Path) -> None:
    for name, clean in zip(
        WITH_METADATA, clean_copies(media, *WITH_METADATA.values()), strict=True
    ):
        assert clean, name
        assert CANARY not in clean, name
        assert set(jpeg_markers(clean)) == CLEAN_JPEG, name
        assert clean.endswith(b"\xff\xd9"), name
        assert opened(clean).getexif() == {}, name


def test_transparent_image_stays_transparent_without_metadata(media: Path) -> None:
    transparent = [
        image_bytes("PNG", mode="RGBA", exif=personal_exif(), icc_profile=CANARY),
        image_bytes("PNG", mode="P", transparency=1),
        image_bytes("WEBP", mode="RGBA", exif=personal_exif()),
        image_bytes("GIF", mode="P", transparency=1, comment=CANARY),
    ]
    for clean in clean_copies(media, *transparent):
        assert clean
        assert png_chunks(clean) == [b"IHDR", b"IDAT", b"IEND"]
        assert opened(clean).mode == "RGBA"
    assert {name.rpartition(".")[2] for name in files(media)} == {"png"}


UPRIGHT = {1: "b.", 2: "r.", 3: "r.", 4: "b.", 5: "b|", 6: "b|", 7: "r|", 8: "r|", 0: "b.", 9: "b."}
"""By orientation: the colour of the upper left corner, and `|` for portrait format."""


def test_rotated_image_is_turned_upright_and_loses_its_orientation(media: Path) -> None:
    # I14
    for kind in ("JPEG", "PNG", "WEBP"):
        copies = clean_copies(media, *(oriented(mark, kind) for mark in UPRIGHT))
        for expected, clean in zip(UPRIGHT.values(), copies, strict=True):
            image = opened(clean)
            colour: Any = image.getpixel((0, 0))
            actual = ("b" if colour[2] > colour[0] else "r") + ("|" if image.height == 64 else ".")
            assert actual == expected
            assert image.getexif() == {}


def test_images_of_every_mode_become_rgb(media: Path) -> None:
    # I15
    wide, narrow = clean_copies(media, image_bytes("PNG", (1, 1)), image_bytes("PNG", (1, 20)))
    assert (opened(wide).size, opened(narrow).size) == ((1, 1), (1, 20))
    sixteen = BytesIO()
    Image.new("I;16", (4, 4), 40_000).save(sixteen, "PNG")
    cmyk = BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(cmyk, "JPEG")
    grey, red, bits = clean_copies(
        media, sixteen.getvalue(), cmyk.getvalue(), image_bytes("PNG", mode="1")
    )
    assert opened(grey).getpixel((0, 0)) == (156, 156, 156)
    assert opened(red).getpixel((0, 0)) == (254, 0, 0)
    assert opened(bits).mode == "RGB"


def test_animation_is_stored_as_its_first_frame(media: Path) -> None:
    # I11
    [clean] = clean_copies(media, gif_of(300))
    assert (opened(clean).size, opened(clean).getpixel((4, 4))) == ((8, 8), (0, 0, 0))


def test_large_image_is_scaled_down(media: Path) -> None:
    large, high = clean_copies(
        media, image_bytes(size=(5712, 4284)), image_bytes("PNG", (200, 3000), "1")
    )
    assert opened(large).size == (2048, 1536)
    assert opened(high).size == (137, 2048)


HOSTILE = {
    "I6 HTML behind a JPEG's first bytes": b"\xff\xd8\xff<html><script>alert(1)</script>",
    "I8 9,000 x 9,000": image_bytes("PNG", (9_000, 9_000), "1"),
    "I8 25 million": image_bytes("PNG", (5_000, 5_000), "1"),
    "I8 13,000 x 13,000": png_of(13_000, 13_000),
    "I8 65,000 x 65,000": png_of(65_000, 65_000),
    "I9 text that grows to 80 MiB": png_with(
        *[chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 900_000))] * 90
    ),
    "I9 a long text": png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 2_000_000))),
    "I10 a JPEG of 65,535 x 65,535": image_bytes().replace(b"\0\x1e\0\x28", b"\xff\xff\xff\xff"),
    "I11 a GIF without a size": b"GIF89a" + b"\0" * 7 + b"," + b"\0" * 9 + b"\x02\0;",
    "I12 BMP": image_bytes("BMP"),
    "I12 TIFF": image_bytes("TIFF"),
    "I15 too narrow": image_bytes("PNG", (1, 21)),
    "I15 too flat": image_bytes("PNG", (21, 1)),
    "I16 half a JPEG": image_bytes(size=(200, 200))[:400],
    "I16 half a PNG": image_bytes("PNG", (200, 200))[:120],
    "I16 wrong checksum": image_bytes("PNG")[:29] + b"\0\0\0\0" + image_bytes("PNG")[33:],
    "empty": b"",
}


def test_hostile_image_is_refused_and_leaves_no_file(media: Path) -> None:
    stored = dict(zip(HOSTILE, store_images(list(HOSTILE.values())), strict=True))
    assert {name: image for name, image in stored.items() if image} == {}
    assert files(media) == []


def test_png_with_a_hundred_thousand_chunks_is_stored(media: Path) -> None:
    # I9: a chunk costs only its twelve bytes.
    [clean] = clean_copies(media, png_with(*[chunk(b"abCd", b"")] * 100_000))
    assert opened(clean).size == (40, 30)


def test_invalid_image_does_not_affect_the_others(media: Path) -> None:
    first, second, third = store_images([image_bytes(), b"nothing", image_bytes("PNG")])
    assert (bool(first), second, bool(third)) == (True, None, True)


def test_corrupt_image_becomes_a_clean_copy_or_is_refused(media: Path) -> None:
    # I16
    dice = random.Random(26)
    originals = [image_bytes(kind, exif=personal_exif()) for kind in ("JPEG", "PNG", "WEBP")] + [
        gif_of(3)
    ]
    mutants = []
    for number in range(MUTANTS):
        mutant = bytearray(originals[number % 4])
        for _ in range(dice.randrange(1, 6)):
            mutant[dice.randrange(len(mutant))] = dice.randrange(256)
        mutants.append(bytes(mutant))
    copies = clean_copies(media, *mutants)
    assert len(copies) == MUTANTS
    stored = [clean for clean in copies if clean]
    assert len(stored) > MUTANTS // 10
    for clean in stored:
        assert CANARY not in clean
        assert opened(clean).format in ("JPEG", "PNG")


def test_images_of_a_request_have_a_common_limit(media: Path, settings: Any) -> None:
    # I17
    settings.MAX_PICTURES_BYTES_PER_REQUEST = 2 * len(image_bytes())
    assert all(store_images([image_bytes(), image_bytes()]))
    settings.MAX_PICTURES_BYTES_PER_REQUEST -= 1
    with pytest.raises(Refused) as refused:
        store_images([image_bytes(), image_bytes()])
    assert refused.value.problem is errors.PAYLOAD_TOO_LARGE
    assert len(files(media)) == 2


def test_unwritable_disk_is_refused_as_unavailable(media: Path) -> None:
    # I24: a file in place of the folder; a full disk raises the same exception.
    media.write_bytes(b"")
    with pytest.raises(Refused) as refused:
        store_images([image_bytes()])
    assert refused.value.problem is errors.UNAVAILABLE


def test_disk_that_fills_up_keeps_no_image_of_the_request(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I24
    real = os.fsync

    def full(descriptor: int) -> None:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if is_file and any(not name.rpartition("/")[2].startswith(".") for name in files(media)):
            raise OSError(errno.ENOSPC, "full")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused) as refused:
        store_images([image_bytes(), image_bytes()])
    assert (refused.value.problem, refused.value.context) == (
        errors.UNAVAILABLE,
        {"error": errno.ENOSPC},
    )
    assert files(media) == []


def test_discard_removes_the_named_images_only(media: Path) -> None:
    first, second, third = (write_image(b"x", "jpg").name for _ in range(3))
    (media / first).unlink()
    discard_images([first, second])
    assert files(media) == [third]


NAME = "ab" + "0" * 30


def test_image_and_its_folders_are_synced_to_disk(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I24
    real, synced = os.fsync, []
    image = media / f"cases/ab/{NAME}.jpg"

    def record(descriptor: int) -> None:
        real(descriptor)
        synced.append((os.fstat(descriptor).st_ino, image.exists()))

    monkeypatch.setattr(os, "fsync", record)
    write_image(b"x", "jpg", NAME)
    shard, cases = image.parent, media / "cases"
    folders = [(folder.stat().st_ino, False) for folder in (media.parent, media, cases)]
    written = [(image.stat().st_ino, False), (shard.stat().st_ino, True)]
    assert synced == folders + written

    synced.clear()
    write_image(b"x", "png", NAME)
    assert [inode for inode, _ in synced] == [
        image.with_suffix(".png").stat().st_ino,
        shard.stat().st_ino,
    ]


def _set_age(media: Path, name: str, written: datetime) -> None:
    os.utime(media / name, (written.timestamp(), written.timestamp()))


@pytest.mark.django_db
def test_image_without_a_row_is_swept_after_a_day(
    media: Path, frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I24
    monkeypatch.setattr(case_images, "BATCH_SIZE", 2)
    day, second = timedelta(days=1), timedelta(seconds=1)
    prefix = "ab" + "0" * 29
    names = [write_image(b"x", "jpg", f"{prefix}{number}").name for number in range(6)]
    for name in names[:5]:
        _set_age(media, name, frozen_now - day - second)
    _set_age(media, names[5], frozen_now - day + second)
    temporary = media / "cases/ab/.temporary"
    temporary.write_bytes(b"half")
    _set_age(media, "cases/ab/.temporary", frozen_now - 2 * day)
    case = factories.create_case(item=factories.items_of(factories.create_order())[0])
    for name in (names[0], names[3]):
        factories.create_image(case=case, image=name)

    assert sweep_images(frozen_now) == 4
    assert files(media) == [names[0], names[3], names[5]]
    assert sweep_images(frozen_now) == 0
    CancellationRequestImage.objects.all().delete()
    assert sweep_images(frozen_now) == 2
    assert files(media) == [names[5]]


@pytest.mark.django_db
def test_file_that_vanishes_during_the_sweep_is_ignored(media: Path, frozen_now: datetime) -> None:
    # I24: a broken link is listed, but its target does not exist.
    folder = media / "cases/ab"
    folder.mkdir(parents=True)
    (folder / ".temporary").symlink_to("missing")
    assert sweep_images(frozen_now) == 0
    assert (folder / ".temporary").is_symlink()


@pytest.mark.django_db
def test_sweep_without_a_folder_removes_nothing(media: Path, frozen_now: datetime) -> None:
    assert sweep_images(frozen_now) == 0
