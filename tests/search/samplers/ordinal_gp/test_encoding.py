"""Points as vectors."""

import random

import numpy as np
import pytest

from search.samplers.ordinal_gp.encoding import Encoding
from space import Choice, Space

WIDTH = Choice("stem.width", (8, 16, 24), True)


def everywhere(point):
    return (True,) * len(point)


def stage(number, field, options, ordered=True):
    return Choice(f"stages.{number}.{field}", options, ordered)


def test_ordered_options_are_on_one_axis_and_others_on_their_own():
    named = Choice("op", ("a", "b", "c"), False)
    codes, _ = Encoding([WIDTH, named], everywhere)([(0, 0), (1, 1), (2, 2)])
    assert codes[:, 0] == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])
    assert ((codes[0, 1:] - codes[1, 1:]) ** 2).sum() == pytest.approx(2)
    assert ((codes[0, 1:] - codes[2, 1:]) ** 2).sum() == pytest.approx(2)
    assert Encoding([WIDTH, named], everywhere).spread == pytest.approx(1 + 2 / 3)
    assert [each.shape for each in Encoding([], everywhere)([(), ()])] == [(2, 0), (2, 0)]


def test_the_same_choice_in_several_stages_has_the_sum_of_its_codes_too():
    choices = [WIDTH, stage(0, "kernel", (3, 5)), stage(0, "depth", (1, 2, 3)), stage(1, "kernel", (3, 5))]
    encoding = Encoding(choices, everywhere)
    codes, sums = encoding([(0, 0, 0, 0), (0, 1, 0, 1), (0, 0, 0, 1)])
    assert codes.shape == (3, 4)
    assert sums.tolist() == [[-2], [2], [0]]
    assert (encoding.spread, encoding.spread_of_sums) == pytest.approx((4, 2))


def test_ordered_choices_are_alike_whatever_their_options_and_others_only_with_the_same():
    def sums(*choices):
        return Encoding(choices, everywhere)([(0,) * len(choices)])[1].shape[1]

    assert sums(stage(0, "width", (8, 16)), stage(1, "width", (24, 32, 48))) == 1
    op = stage(0, "op", ("mb", "dw", "fused"), False)
    assert sums(op, stage(1, "op", ("mb", "dw", "uib"), False)) == 0
    assert sums(op, stage(1, "op", op.options, False)) == 3


def test_choices_that_are_not_active_have_code_zero():
    choices = [WIDTH, stage(0, "kernel", (3, 5)), stage(1, "kernel", (3, 5))]
    codes, _ = Encoding(choices, lambda point: (True, False, True))([(0, 0, 1), (0, 1, 1)])
    assert codes[0].tolist() == codes[1].tolist() == pytest.approx([-np.sqrt(1.5), 0, 1])


@pytest.mark.parametrize("name", ["mobile", "effv2_mini"])
def test_points_of_one_network_that_differ_in_one_choice_have_one_code(name):
    space, rng = Space.load(name), random.Random(0)
    encoding, found = Encoding(space.choices, space.active), 0
    for point in (space.sample(rng) for _ in range(50)):
        for choice, active in enumerate(space.active(point)):
            other = (*point[:choice], (point[choice] + 1) % len(space.choices[choice].options))
            other = (*other, *point[choice + 1 :])
            if not active:
                found += 1
                both = zip(encoding([point]), encoding([other]), strict=True)
                assert all((one == same).all() for one, same in both)
    assert found
