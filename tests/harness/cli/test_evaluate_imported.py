"""A folder of images that nobody has seen: imported by one command, evaluated on by the next."""

from __future__ import annotations

import numpy as np
from PIL import Image

from metabench.results.folder import read_all


def test_a_folder_of_images_becomes_a_benchmark(metabench, tmp_path):
    rng = np.random.default_rng(0)
    for name in range(15):
        (tmp_path / "leaves" / f"kind {name}").mkdir(parents=True)
        look = rng.integers(0, 200, size=(6, 6, 3))
        for number in range(17):
            pixels = (look + rng.integers(0, 56, size=look.shape)).astype(np.uint8)
            image = Image.fromarray(pixels).resize((40, 30 + number))
            image.save(tmp_path / "leaves" / f"kind {name}" / f"photo {number}.png")
    home = {"METABENCH_HOME": str(tmp_path / "home")}

    imported = metabench("data", "import", "leaves", tmp_path / "leaves", "--size", "28", **home)
    answer = metabench("evaluate", "centroid", "--benchmark", "leaves-5w1s", "--budget", "1ep", **home)

    assert imported.returncode == 0, imported.stderr
    assert answer.returncode == 0, answer.stderr
    ((stored,), problems) = read_all(tmp_path / "results")
    assert not problems
    assert stored.record.backbone.name == "conv4"
    assert stored.record.scores[0].low > 0.4
