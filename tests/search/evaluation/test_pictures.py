"""Pictures of evaluations show every class, whatever its name."""

import io

import numpy as np
import pytest
from PIL import Image

from search.evaluation.metrics import Evaluation, Mistake
from search.evaluation.output import FILES, files
from search.evaluation.pictures import confusion_figure


def evaluation(names, mistakes=0):
    count = len(names)
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(count), 3 * count).astype(np.float32)
    image = np.full((16, 16, 3), 100, np.uint8)
    made = tuple(Mistake(image, "a.png", names[0], names[-1], 0.9) for _ in range(mistakes))
    return Evaluation("m", "npz", "test", names, np.arange(3 * count) % count, shares, made)


def test_the_files_are_known_and_pictures_are_images():
    contents = files(evaluation(("cat", "$x^$ dog", "日本", "a\nb"), mistakes=7))
    assert set(contents) == set(FILES)
    for name in ("confusion.png", "calibration.png", "mistakes.png"):
        assert Image.open(io.BytesIO(contents[name])).width > 300
    # Two rows of six images, the second with one.
    assert Image.open(io.BytesIO(contents["mistakes.png"])).height > 2 * 144
    assert "mistakes.png" not in files(evaluation(("cat", "dog")))


@pytest.mark.parametrize(("classes", "named"), [(3, True), (60, True), (61, False)])
def test_the_confusion_matrix_has_names_while_there_is_room(classes, named):
    figure = confusion_figure(evaluation(tuple(f"class {number}" for number in range(classes))))
    ticks = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert ("class 2" in ticks) == named
    numbers = [int(text.get_text()) for text in figure.axes[0].texts]
    assert sum(numbers) == (9 if classes == 3 else 0)
