"""Promise P26, the pixels: whatever comes in, a clean small copy lies in the folder, or nothing."""

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
    after_start,
    chunk,
    gif_of,
    jpeg_markers,
    photo,
    png_chunks,
    png_of,
    png_with,
    telling_exif,
    turned,
)

CLEAN_JPEG = {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
MUTANTS = 2_000 if CI else 200


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """An empty media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def kept(media: Path, *pictures: bytes) -> list[bytes | None]:
    """The clean copies of these pictures; None where there is none."""
    return [(media / file.name).read_bytes() if file else None for file in store_images(pictures)]


def opened(clean: bytes | None) -> Image.Image:
    """A clean copy as a viewer sees it."""
    assert clean
    return Image.open(BytesIO(clean))


def files(media: Path) -> list[str]:
    return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_kind_becomes_a_jpeg_under_a_name_of_ours(kind: str, media: Path) -> None:
    [file] = store_images([photo(kind)])
    assert file
    assert files(media) == [file.name]
    folder, shard, name = file.name.split("/")
    assert (folder, name[:2], name[32:]) == ("cases", shard, ".jpg")
    assert int(name[:32], 16) > 0
    image = opened((media / file.name).read_bytes())
    assert (image.format, image.size, image.mode) == ("JPEG", (40, 30), "RGB")


def test_no_two_names_are_alike(media: Path) -> None:
    assert len(set(store_images([photo()] * 5))) == 5


def test_nothing_to_store_needs_no_child_and_no_folder(media: Path) -> None:
    assert store_images([]) == []
    assert not media.exists()


# One entry that points to further ones, which are itself.
LOOP = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0"
LYING = {
    "I7 JPEG and HTML": photo() + CANARY + b"<script>alert(1)</script>",
    "I7 GIF and script": photo("GIF") + b"/*" + CANARY + b"*/=1;alert(1)",
    "I7 PNG and ZIP": photo("PNG") + b"PK\x03\x04" + CANARY,
    "I13 EXIF with GPS": photo(exif=telling_exif()),
    "I13 EXIF in a PNG": photo("PNG", exif=telling_exif()),
    "I13 EXIF in a WebP": photo("WEBP", exif=telling_exif()),
    "I13 XMP": photo(xmp=b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"),
    "I13 comment": photo(comment=CANARY),
    "I13 IPTC": after_start(photo(), 0xED, b"Photoshop 3.0\x008BIM" + CANARY),
    "I13 comment of a GIF": photo("GIF", comment=CANARY),
    "I13 text of a PNG": png_with(chunk(b"tEXt", b"Comment\0" + CANARY)),
    "I14 EXIF that leads to itself": after_start(photo(), 0xE1, LOOP),
    "I18 a colour profile of 1 MiB, malformed": photo(icc_profile=CANARY * 174_763),
    "I18 of a PNG": photo("PNG", icc_profile=CANARY * 1_000),
}


def test_nothing_but_pixels_gets_through(media: Path) -> None:
    for name, clean in zip(LYING, kept(media, *LYING.values()), strict=True):
        assert clean, name
        assert CANARY not in clean, name
        assert set(jpeg_markers(clean)) == CLEAN_JPEG, name
        assert clean.endswith(b"\xff\xd9"), name
        assert opened(clean).getexif() == {}, name


def test_what_can_be_seen_through_stays_so_and_stays_clean(media: Path) -> None:
    seen_through = [
        photo("PNG", mode="RGBA", exif=telling_exif(), icc_profile=CANARY),
        photo("PNG", mode="P", transparency=1),
        photo("WEBP", mode="RGBA", exif=telling_exif()),
        photo("GIF", mode="P", transparency=1, comment=CANARY),
    ]
    for clean in kept(media, *seen_through):
        assert clean
        assert png_chunks(clean) == [b"IHDR", b"IDAT", b"IEND"]
        assert opened(clean).mode == "RGBA"
    assert {name.rpartition(".")[2] for name in files(media)} == {"png"}


UPRIGHT = {1: "b.", 2: "r.", 3: "r.", 4: "b.", 5: "b|", 6: "b|", 7: "r|", 8: "r|", 0: "b.", 9: "b."}
"""What is in the upper left corner, blue or red, and whether the picture stands."""


def test_a_turned_picture_is_put_upright_and_the_mark_is_gone(media: Path) -> None:
    # I14
    for kind in ("JPEG", "PNG", "WEBP"):
        found = kept(media, *(turned(mark, kind) for mark in UPRIGHT))
        for wanted, clean in zip(UPRIGHT.values(), found, strict=True):
            image = opened(clean)
            colour: Any = image.getpixel((0, 0))
            seen = ("b" if colour[2] > colour[0] else "r") + ("|" if image.height == 64 else ".")
            assert seen == wanted
            assert image.getexif() == {}


def test_pictures_of_every_mode_become_ordinary_ones(media: Path) -> None:
    # I15
    wide, narrow = kept(media, photo("PNG", (1, 1)), photo("PNG", (1, 20)))
    assert (opened(wide).size, opened(narrow).size) == ((1, 1), (1, 20))
    sixteen = BytesIO()
    Image.new("I;16", (4, 4), 40_000).save(sixteen, "PNG")
    cmyk = BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(cmyk, "JPEG")
    grey, red, bits = kept(media, sixteen.getvalue(), cmyk.getvalue(), photo("PNG", mode="1"))
    assert opened(grey).getpixel((0, 0)) == (156, 156, 156)
    assert opened(red).getpixel((0, 0)) == (254, 0, 0)
    assert opened(bits).mode == "RGB"


def test_of_a_moving_picture_the_first_frame_is_kept(media: Path) -> None:
    # I11
    [clean] = kept(media, gif_of(300))
    assert (opened(clean).size, opened(clean).getpixel((4, 4))) == ((8, 8), (0, 0, 0))


def test_a_large_picture_is_made_smaller(media: Path) -> None:
    large, high = kept(media, photo(size=(5712, 4284)), photo("PNG", (200, 3000), "1"))
    assert opened(large).size == (2048, 1536)
    assert opened(high).size == (137, 2048)


HOSTILE = {
    "I6 HTML behind a JPEG's first bytes": b"\xff\xd8\xff<html><script>alert(1)</script>",
    "I8 9,000 x 9,000": photo("PNG", (9_000, 9_000), "1"),
    "I8 25 million": photo("PNG", (5_000, 5_000), "1"),
    "I8 13,000 x 13,000": png_of(13_000, 13_000),
    "I8 65,000 x 65,000": png_of(65_000, 65_000),
    "I9 text that grows to 80 MiB": png_with(
        *[chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 900_000))] * 90
    ),
    "I9 a long text": png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 2_000_000))),
    "I10 a JPEG of 65,535 x 65,535": photo().replace(b"\0\x1e\0\x28", b"\xff\xff\xff\xff"),
    "I11 a GIF without a size": b"GIF89a" + b"\0" * 7 + b"," + b"\0" * 9 + b"\x02\0;",
    "I12 BMP": photo("BMP"),
    "I12 TIFF": photo("TIFF"),
    "I15 too narrow": photo("PNG", (1, 21)),
    "I15 too flat": photo("PNG", (21, 1)),
    "I16 half a JPEG": photo(size=(200, 200))[:400],
    "I16 half a PNG": photo("PNG", (200, 200))[:120],
    "I16 wrong checksum": photo("PNG")[:29] + b"\0\0\0\0" + photo("PNG")[33:],
    "empty": b"",
}


def test_what_cannot_be_opened_or_is_too_much_leaves_nothing(media: Path) -> None:
    found = dict(zip(HOSTILE, store_images(list(HOSTILE.values())), strict=True))
    assert {name: kept for name, kept in found.items() if kept} == {}
    assert files(media) == []


def test_a_hundred_thousand_chunks_are_read(media: Path) -> None:
    # I9: twelve bytes each, that is all they cost.
    [clean] = kept(media, png_with(*[chunk(b"abCd", b"")] * 100_000))
    assert opened(clean).size == (40, 30)


def test_one_that_is_none_does_no_harm_to_its_neighbours(media: Path) -> None:
    first, second, third = store_images([photo(), b"nothing", photo("PNG")])
    assert (bool(first), second, bool(third)) == (True, None, True)


def test_flipped_bytes_give_a_clean_copy_or_nothing(media: Path) -> None:
    # I16
    dice = random.Random(26)
    whole = [photo(kind, exif=telling_exif()) for kind in ("JPEG", "PNG", "WEBP")] + [gif_of(3)]
    mutants = []
    for number in range(MUTANTS):
        mutant = bytearray(whole[number % 4])
        for _ in range(dice.randrange(1, 6)):
            mutant[dice.randrange(len(mutant))] = dice.randrange(256)
        mutants.append(bytes(mutant))
    found = kept(media, *mutants)
    assert len(found) == MUTANTS
    alive = [clean for clean in found if clean]
    assert len(alive) > MUTANTS // 10
    for clean in alive:
        assert CANARY not in clean
        assert opened(clean).format in ("JPEG", "PNG")


def test_all_pictures_of_a_call_together_have_a_limit(media: Path, settings: Any) -> None:
    # I17
    settings.MAX_PICTURES_BYTES_PER_REQUEST = 2 * len(photo())
    assert all(store_images([photo(), photo()]))
    settings.MAX_PICTURES_BYTES_PER_REQUEST -= 1
    with pytest.raises(Refused) as refused:
        store_images([photo(), photo()])
    assert refused.value.problem is errors.PAYLOAD_TOO_LARGE
    assert len(files(media)) == 2


def test_a_disk_that_takes_nothing_is_told_as_unavailable(media: Path) -> None:
    # I24: a file in the place of the folder; a full disk ends in the same exception.
    media.write_bytes(b"")
    with pytest.raises(Refused) as refused:
        store_images([photo()])
    assert refused.value.problem is errors.UNAVAILABLE


def test_a_disk_that_fills_up_half_way_keeps_none_of_the_call(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I24
    real = os.fsync

    def full(descriptor: int) -> None:
        is_picture = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if is_picture and any(not name.rpartition("/")[2].startswith(".") for name in files(media)):
            raise OSError(errno.ENOSPC, "full")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused) as refused:
        store_images([photo(), photo()])
    assert (refused.value.problem, refused.value.context) == (
        errors.UNAVAILABLE,
        {"error": errno.ENOSPC},
    )
    assert files(media) == []


def test_only_what_is_named_is_discarded_and_it_may_be_gone_already(media: Path) -> None:
    one, two, three = (write_image(b"x", "jpg").name for _ in range(3))
    (media / one).unlink()
    discard_images([one, two])
    assert files(media) == [three]


NAME = "ab" + "0" * 30


def test_a_picture_and_all_that_leads_to_it_are_on_the_disk(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I24
    real, synced = os.fsync, []
    picture = media / f"cases/ab/{NAME}.jpg"

    def watched(descriptor: int) -> None:
        real(descriptor)
        synced.append((os.fstat(descriptor).st_ino, picture.exists()))

    monkeypatch.setattr(os, "fsync", watched)
    write_image(b"x", "jpg", NAME)
    shard, cases = picture.parent, media / "cases"
    above = [(folder.stat().st_ino, False) for folder in (media.parent, media, cases)]
    written = [(picture.stat().st_ino, False), (shard.stat().st_ino, True)]
    assert synced == above + written

    synced.clear()
    write_image(b"x", "png", NAME)
    assert [inode for inode, _ in synced] == [
        picture.with_suffix(".png").stat().st_ino,
        shard.stat().st_ino,
    ]


def _aged(media: Path, name: str, written: datetime) -> str:
    os.utime(media / name, (written.timestamp(), written.timestamp()))
    return name


@pytest.mark.django_db
def test_what_no_case_names_is_swept_away_after_a_day(
    media: Path, frozen_now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # I24
    monkeypatch.setattr(case_images, "ASKED_AT_ONCE", 2)
    day, second = timedelta(days=1), timedelta(seconds=1)
    prefix = "ab" + "0" * 29
    names = [write_image(b"x", "jpg", f"{prefix}{number}").name for number in range(6)]
    for name in names[:5]:
        _aged(media, name, frozen_now - day - second)
    _aged(media, names[5], frozen_now - day + second)
    aside = media / "cases/ab/.aside"
    aside.write_bytes(b"half")
    _aged(media, "cases/ab/.aside", frozen_now - 2 * day)
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
def test_a_file_that_is_gone_when_it_is_looked_at_is_not_swept(
    media: Path, frozen_now: datetime
) -> None:
    # I24: a link that leads nowhere is listed, and nothing is found there.
    folder = media / "cases/ab"
    folder.mkdir(parents=True)
    (folder / ".aside").symlink_to("nowhere")
    assert sweep_images(frozen_now) == 0
    assert (folder / ".aside").is_symlink()


@pytest.mark.django_db
def test_without_a_folder_there_is_nothing_to_sweep(media: Path, frozen_now: datetime) -> None:
    assert sweep_images(frozen_now) == 0
