import io

import numpy as np
from PIL import Image

from search.data import Split
from search.data.sheet import contact_sheet


def sheet(names, split):
    with Image.open(io.BytesIO(contact_sheet(tuple(names), split))) as image:
        assert image.format == "PNG"
        return np.asarray(image).astype(int)


def colours(classes, each=3, channels=3):
    labels = np.arange(classes * each) % classes
    images = np.zeros((len(labels), 8, 8, channels), dtype=np.uint8)
    images[..., 0] = (labels * 20)[:, None, None]
    return Split(images, labels)


def test_every_class_has_a_row_of_its_images_beside_its_name():
    pixels = sheet(["ant", "bee", "cat"], colours(3))
    assert pixels.shape[0] == 3 * 68 + 4
    for row in range(3):
        middle = pixels[row * 68 + 36]
        image = (middle == (20 * row, 0, 0)).all(axis=1)
        assert image.sum() >= 3 * 64
        assert (middle[: np.argmax(image)].sum(axis=1) < 3 * 255).any()  # letters


def test_grey_images_are_shown():
    assert (sheet(["a", "b"], colours(2, channels=1)) == 20).all(axis=2).sum() >= 3 * 64 * 64


def test_many_classes_stand_in_columns_and_long_names_are_cut():
    names = [f"class {number} of a very, very long name" for number in range(45)]
    pixels = sheet(names, colours(45, each=1))
    assert pixels.shape[0] == 20 * 68 + 4
    assert 3 * 8 * 68 < pixels.shape[1] < 3 * (8 * 68 + 190)


def test_letters_with_accents_differ():
    drawn = {sheet([name, "b"], colours(2, each=1)).tobytes() for name in ("é", "ß", "Ж", "ω")}
    assert len(drawn) == 4
    one, two = (sheet([name, "b"], colours(2, each=1)) for name in ("\u00e9", "e\u0301"))
    assert (one == two).all()


def test_names_may_have_any_letters_and_classes_few_images():
    sheet(["", "日本", "é\n\t"], colours(3, each=1))
