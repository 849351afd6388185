"""Dataset `fashion-mnist`: ten kinds of clothing, a target for benchmarks across domains.

Ten classes are too few to learn few-shot learning from, so that as many as possible are meta_test: eight,
of which five can be chosen in 56 ways. A dataset has no empty split, so meta_train and
meta_val have one class each, the first two by number; no episode can be drawn from them. Upstream's training
and test images are merged: 7,000 of each class.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from metabench.data.recipe import ClassExamples, Recipe, Source
from metabench.errors import DataError
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.recipe import Split

SIDE = 28  # of an image, in pixels
NAMES: tuple[str, ...] = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SPLIT: tuple[Split, ...] = ("meta_train", "meta_val", *("meta_test",) * 8)

_MAX_BYTES = 2**26  # the largest file unpacks to 47 MB


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the images: each class (7000, 1, 28, 28), upstream's training images first.

    The ink is 255 on 0 as published, as it is in the datasets of characters.

    Args:
        files: Images and labels, by `Source.path`.

    Raises:
        DataError: A file cannot be read, or images and labels do not belong together.
    """
    import numpy as np  # noqa: PLC0415 - listing datasets decodes nothing

    images, labels = [], []
    for part in ("train", "t10k"):
        images.append(read_idx(files[f"fashion-mnist/{part}-images-idx3-ubyte.gz"], (SIDE, SIDE)))
        labels.append(read_idx(files[f"fashion-mnist/{part}-labels-idx1-ubyte.gz"], ()))
        if len(images[-1]) != len(labels[-1]) or labels[-1].max(initial=0) >= len(NAMES):
            got = (
                f"has {len(images[-1])} images and {len(labels[-1])} labels up to {labels[-1].max(initial=0)}"
            )
            raise DataError(f"Part {part!r} {got}; as many, up to 9, are expected. Fetch both files again.")
    pixels, numbers = np.concatenate(images)[:, None], np.concatenate(labels)
    for number in sorted(range(len(NAMES)), key=NAMES.__getitem__):
        yield ClassExamples(NAMES[number], SPLIT[number], pixels[numbers == number])


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read a packed file of the idx format.

    Args:
        path: The file.
        shape: Of one example.

    Returns:
        (n_examples, *shape).

    Raises:
        DataError: The file cannot be unpacked, is no idx file of bytes in that shape, or is cut short.
    """
    try:
        with gzip.open(path) as stream:
            return _parse_idx(stream.read(_MAX_BYTES + 1), shape)
    except (gzip.BadGzipFile, zlib.error, EOFError, ValueError) as error:
        told = "x".join(map(str, shape)) or "single bytes"
        message = f"File {path.name!r} cannot be used ({error}); a whole idx file of {told} is expected."
        raise DataError(f"{message} Fetch it from its official address.") from error


def _parse_idx(content: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read unpacked idx, or raise ValueError."""
    import numpy as np  # noqa: PLC0415 - listing datasets decodes nothing

    n_axes = 1 + len(shape)
    header = np.frombuffer(content, dtype=">i4", count=1 + n_axes).tolist()
    # Two zero bytes, 8 for unsigned bytes, the number of axes; then the length of each axis.
    if header[0] != 0x800 + n_axes or tuple(header[2:]) != shape:
        raise ValueError(f"its header is {header}")
    return np.frombuffer(content, dtype=np.uint8, offset=4 * len(header)).reshape(header[1:])


def _source(file: str, md5: str) -> Source:
    """Name a file of the official site, which the authors' repository has as well."""
    return Source(
        f"fashion-mnist/{file}",
        f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{file}",
        size=None,
        checksum=f"md5:{md5}",
        other_urls=(
            f"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/{file}",
        ),
    )


FASHION_MNIST = Recipe(
    name="fashion-mnist",
    title="Photographs of 10 kinds of clothing, 28x28 grey; a target across domains",
    modality="image",
    backbone="conv4",
    licence="MIT, 2017 Zalando SE",
    citation=(
        "H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST: a novel image dataset for benchmarking machine "
        "learning algorithms. arXiv:1708.07747, 2017."
    ),
    sources=(
        _source("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        _source("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        _source("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        _source("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `fashion-mnist`."""
    return [FASHION_MNIST]
