"""Stages and learning rates: what the publications say, exactly."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search.training.recipe import Recipe, Span, at_stage, rate_at, stages
from search.training.settings import recipe_of
from space import documents


def shipped(name):
    recipe = recipe_of(name, {})
    return recipe, list(stages(recipe, recipe.evaluation or 32))


@pytest.mark.parametrize(
    ("name", "sizes", "magnitudes", "mixup", "cutmix", "dropout"),
    [
        # Tan and Le 2021, Table 6, by Algorithm 1.
        ("effv2_s", [128, 185, 243, 300], [5, 8, 12, 15], [0, 0], [0, 0], [0.1, 0.3]),
        ("effv2_m", [128, 212, 296, 380], [5, 10, 15, 20], [0, 0.2], [0, 0], [0.1, 0.4]),
        ("effv2_l", [128, 212, 296, 380], [5, 12, 18, 25], [0, 0.4], [0, 0], [0.1, 0.5]),
        # google/automl efficientnetv2.
        ("effv2_s_released", [171, 214, 257, 300], [5, 7, 8, 10], [0, 0], [0, 0], [0.2, 0.2]),
        ("effv2_m_released", [192, 256, 320, 384], [5, 8, 12, 15], [0, 0.2], [0, 0.2], [0.3, 0.3]),
        ("effv2_l_released", [192, 256, 320, 384], [5, 10, 15, 20], [0, 0.5], [0, 0.5], [0.4, 0.4]),
    ],
)
def test_shipped_schedules_are_the_published_ones(name, sizes, magnitudes, mixup, cutmix, dropout):
    recipe, schedule_stages = shipped(name)
    assert [stage.resolution for stage in schedule_stages] == sizes
    assert [stage.randaugment for stage in schedule_stages] == magnitudes
    ends = [schedule_stages[0], schedule_stages[-1]]
    assert [stage.mixup for stage in ends] == mixup
    assert [stage.cutmix for stage in ends] == cutmix
    assert [stage.dropout for stage in ends] == pytest.approx(dropout)
    assert recipe.evaluation == {"s": 384, "m": 480, "l": 480}[name[6]]
    assert [stage.end - stage.first for stage in schedule_stages] == [88, 87, 87, 88]


def test_the_default_document_is_the_default():
    assert recipe_of("small", {}) == Recipe()


def test_every_document_is_a_recipe():
    for name in documents.names("recipe"):
        assert documents.read("recipe", name).keys() == Recipe.model_fields.keys()
        recipe, _ = shipped(name)
        assert Recipe.model_validate(recipe.model_dump(mode="json", by_alias=True)) == recipe


def test_a_resolution_up_to_1_is_a_share_of_the_evaluation():
    recipe = Recipe(stages=3, resolution=Span(first=0.5, last=1))
    assert [stage.resolution for stage in stages(recipe, 33)] == [17, 25, 33]


@given(st.integers(1, 40), st.integers(1, 8))
def test_stages_share_the_epochs(epochs, count):
    recipe = Recipe(epochs=max(epochs, count), stages=count)
    schedule_stages = list(stages(recipe, 32))
    assert schedule_stages[0].first == 0 and schedule_stages[-1].end == recipe.epochs
    assert all(one.end == other.first for one, other in pairwise(schedule_stages))
    lengths = [stage.end - stage.first for stage in schedule_stages]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.3, [0.3] * 3), ((1.0, 5.0, 2.0), [1, 5, 2]), (Span(first=1, last=2), [1, 1.5, 2])],
)
def test_the_value_of_a_stage(value, expected):
    assert [at_stage(value, number, 3) for number in range(3)] == expected


def test_a_span_of_one_stage_is_at_its_end():
    assert at_stage(Span(first=1, last=2), 0, 1) == 2


@pytest.mark.parametrize("schedule", ["linear", "cosine", "exponential", "constant"])
def test_rates_rise_to_their_peak(schedule):
    recipe = Recipe(schedule=schedule, learning_rate=2, warmup=0.1, decay_epochs=30)
    assert rate_at(recipe, 0) == 0
    assert rate_at(recipe, 0.05) == pytest.approx(1)
    assert rate_at(recipe, 0.1) == pytest.approx(2)


@pytest.mark.parametrize(
    ("schedule", "middle", "end"), [("linear", 1, 0), ("cosine", 1, 0), ("constant", 2, 2)]
)
def test_rates_fall(schedule, middle, end):
    recipe = Recipe(schedule=schedule, learning_rate=2, warmup=0.2)
    assert rate_at(recipe, 0.6) == pytest.approx(middle)
    assert rate_at(recipe, 1) == pytest.approx(end)


def test_an_exponential_schedule_falls_in_steps():
    recipe = Recipe(epochs=24, schedule="exponential", learning_rate=1, warmup=0.0)
    rates = [rate_at(recipe, epoch / 24) for epoch in (0, 2.3, 2.4, 4.7, 4.8, 23)]
    assert rates == pytest.approx([1, 1, 0.97, 0.97, 0.97**2, 0.97**9])


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"stages": 31}, "too few for 31 stages"),
        ({"stages": 2, "mixup": (0.1, 0.2, 0.3)}, "mixup lists 3 numbers for 2 stages"),
        ({"randaugment": 31}, "randaugment is 31"),
        ({"dropout": Span(first=0, last=1)}, "dropout is 1"),
        ({"resolution": 4}, "resolution is 4"),
        ({"resolution": 0}, "resolution is 0"),
    ],
)
def test_invalid_recipes_are_refused(wrong, why):
    with pytest.raises(ValidationError, match=why):
        Recipe(**wrong)


def test_a_user_recipe_may_be_a_few_lines(tmp_path):
    (tmp_path / "mine.yaml").write_text("stages: 2\nresolution: [16, 32]\nmixup: {from: 0, to: 0.2}\n")
    recipe = recipe_of(str(tmp_path / "mine.yaml"), {"epochs": 4})
    assert [(s.first, s.end, s.resolution, s.mixup) for s in stages(recipe, 32)] == [
        (0, 2, 16, 0),
        (2, 4, 32, 0.2),
    ]
