"""Images that a user brings."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metabench.data.raw_images import decode, read_folder
from metabench.errors import DataError


def save(file: Path, colour="white", mode: str = "RGB", size=(6, 4), **options) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(file, **options)
    return file


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        [one.load() for one in read_folder(folder, 8).classes]
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_each_folder_is_a_class(tmp_path: Path) -> None:
    for name, colour in (("b", "red"), ("a", "blue")):
        for number in range(3):
            save(tmp_path / name / f"{number}.png", colour)
    save(tmp_path / "a" / ".hidden" / "1.png")
    (tmp_path / "README.txt").write_text("left out")

    raw = read_folder(tmp_path, 8)

    assert raw.modality == "image"
    assert [(one.name, one.split, one.n_examples) for one in raw.classes] == [("a", None, 3), ("b", None, 3)]
    images = raw.classes[1].load()
    assert (images.shape, images.dtype) == ((3, 3, 8, 8), np.uint8)
    assert images[:, 0].min() == 255
    assert images[:, 1:].max() == 0


def test_folders_named_after_splits_are_splits(tmp_path: Path) -> None:
    for split in ("meta_train", "meta_val", "meta_test"):
        save(tmp_path / split / f"of {split}" / "1.png")

    classes = read_folder(tmp_path, 8).classes

    assert {one.name: one.split for one in classes} == {
        f"of {split}": split for split in ("meta_train", "meta_val", "meta_test")
    }


@pytest.mark.parametrize("names", [["meta_train", "meta_val"], ["meta_train", "meta_val", "meta_test", "x"]])
def test_some_folders_named_after_splits_are_a_mistake(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        save(tmp_path / name / "a" / "1.png")

    assert "has the folders meta_" in refusal(tmp_path)


def test_images_of_one_channel_stay_so(tmp_path: Path) -> None:
    save(tmp_path / "a" / "1.png", 255, "L")
    save(tmp_path / "b" / "1.png", 1, "1")
    assert read_folder(tmp_path, 8).classes[0].load().shape == (1, 1, 8, 8)

    save(tmp_path / "c" / "1.jpg")
    assert read_folder(tmp_path, 8).classes[0].load().shape == (1, 3, 8, 8)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    file = save(tmp_path / "a.png", (0, 0, 0, 0), "RGBA")

    assert decode(file, file, 8, is_grey=False).min() == 255


def test_a_picture_that_lies_on_its_side_is_turned(tmp_path: Path) -> None:
    image = Image.new("L", (8, 8))
    image.paste(255, (0, 0, 8, 4))  # the upper half
    exif = Image.Exif()
    exif[0x0112] = 6  # show it turned to the right by 90 degrees
    image.save(tmp_path / "a.png", exif=exif)

    pixels = decode(tmp_path / "a.png", "a", 8, is_grey=True)[0]

    assert (pixels[:, 4:].min(), pixels[:, :4].max()) == (255, 0)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "2.png").write_bytes(b"no image")

    assert "a/2.png' cannot be read (cannot identify image file); an image is expected" in refusal(tmp_path)


def test_a_truncated_image_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    (tmp_path / "a").mkdir()
    Image.fromarray(noise).save(tmp_path / "a" / "1.png")
    content = (tmp_path / "a" / "1.png").read_bytes()
    (tmp_path / "a" / "1.png").write_bytes(content[: len(content) // 2])

    assert "a/1.png' cannot be read (" in refusal(tmp_path)


def test_an_image_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">L", zlib.crc32(kind + content))
        return struct.pack(">L", len(content)) + kind + content + checksum

    header = chunk(b"IHDR", struct.pack(">LLBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0))
    (tmp_path / "a").mkdir()
    file = tmp_path / "a" / "1.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))

    assert "decompression bomb" in refusal(tmp_path)


def test_more_than_8_bits_a_channel_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "a" / "1.png")

    assert "has pixels of kind 'I;16'; 8 bits a channel are expected" in refusal(tmp_path)


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    assert "a' has no image; one or more are expected" in refusal(tmp_path)


def test_a_folder_in_a_class_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a" / "b" / "1.png")

    assert "b' is no file; only images are expected in a class" in refusal(tmp_path)
