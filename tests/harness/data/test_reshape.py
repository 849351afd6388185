import numpy as np
import pytest

from metabench.data.recipe import ClassExamples, Recipe
from metabench.data.reshape import reshaped


def recipe(examples: np.ndarray) -> Recipe:
    def build(files):
        yield ClassExamples("a", "meta_test", examples)

    return Recipe("toy", "", "image", "conv4", "", "", (), "0123456789abcdef" * 4, build)


def examples_of(one: Recipe) -> np.ndarray:
    return next(iter(one.build({}))).examples


def test_colour_becomes_grey_by_luminance_and_grey_stands_in_three_channels():
    red = np.zeros((2, 3, 8, 8), np.uint8)
    red[:, 0] = 200
    grey = examples_of(reshaped(recipe(red), (1, 4, 4)))
    assert grey.shape == (2, 1, 4, 4)
    assert np.all(grey == 60)  # 0.299 · 200
    colour = examples_of(reshaped(recipe(grey), (3, 8, 8)))
    assert colour.shape == (2, 3, 8, 8)
    assert np.all(colour == 60)


@pytest.mark.parametrize("size", [14, 56])
def test_the_picture_stays_where_it_was(size):
    image = np.zeros((1, 1, 28, 28), np.uint8)
    image[..., :14, :14] = 255
    fitted = examples_of(reshaped(recipe(image), (1, size, size)))[0, 0]
    middle, margin = size // 2, size // 4
    assert fitted[: middle - margin, : middle - margin].min() > 250
    assert fitted[middle + margin :].max() < 5


def test_other_shapes_and_other_content_are_kept_apart_in_the_store():
    one = recipe(np.zeros((1, 1, 8, 8), np.uint8))
    assert reshaped(one, (1, 28, 28)).name == "toy-1x28x28-01234567"
    assert reshaped(one, (1, 28, 28)).content_hash is None
