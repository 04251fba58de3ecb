import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search.config import Config
from search.reward import REWARDS, EfficientNetV2, Latency, MnasNet, Reward, Term, TuNAS, network
from space import UserError, documents
from space.cost.memory import training_memory

POSITIVE = st.floats(0.01, 100)
ACCURACY = st.floats(0.01, 1)
EFFV2 = EfficientNetV2(reward="effv2")
SOFT = MnasNet(reward="mnasnet")
HARD = MnasNet(reward="mnasnet", alpha=0, beta=-1)
ABSOLUTE = TuNAS(reward="tunas")
FORMS = ["effv2", "soft", "hard", "absolute"]
B0, V2_B0 = network("b0"), network("v2-b0")


def rewarded(reward: Reward, accuracy: float, *ratios: float) -> float:
    """The reward; ratios of the costs that count, in their order."""
    return reward.terms(accuracy, dict(zip(reward.costs, ratios, strict=True))).reward


@pytest.mark.parametrize(
    ("accuracy", "step", "params", "reward"),
    [(0.8, 1, 1, 0.8), (0.8, 0.5, 1, 0.839773), (0.8, 1, 0.5, 0.828212), (0.8, 2, 2, 0.736150)],
)
def test_efficientnetv2_published_exponents(accuracy, step, params, reward):
    assert rewarded(EFFV2, accuracy, step, params) == pytest.approx(reward, abs=1e-6)


@pytest.mark.parametrize(
    ("reward", "ratio", "expected"),
    [
        (SOFT, 1, 0.8),
        (SOFT, 2, 0.8 * 2**-0.07),
        (SOFT, 0.5, 0.8 * 2**0.07),
        (HARD, 1, 0.8),
        (HARD, 0.25, 0.8),
        (HARD, 2, 0.4),
        (HARD, 1.6, 0.5),
        (ABSOLUTE, 1, 0.8),
        (ABSOLUTE, 2, 0.7),
        (ABSOLUTE, 0.5, 0.75),
        (ABSOLUTE, 1.5, 0.75),
    ],
)
def test_published_forms(reward, ratio, expected):
    """0.8 accurate, and as costly as the target, twice as costly, ..."""
    assert rewarded(reward, 0.8, ratio) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("reward", [EFFV2, SOFT, HARD, ABSOLUTE], ids=FORMS)
@given(accuracy=ACCURACY, ratios=st.tuples(POSITIVE, POSITIVE), factor=st.floats(1.01, 10))
def test_more_accurate_is_better(reward, accuracy, ratios, factor):
    ratios = ratios[: len(reward.costs)]
    assert rewarded(reward, accuracy / factor, *ratios) < rewarded(reward, accuracy, *ratios)


@pytest.mark.parametrize("reward", [EFFV2, SOFT, HARD], ids=FORMS[:3])
@given(
    accuracy=ACCURACY,
    ratios=st.tuples(POSITIVE, POSITIVE),
    factor=st.floats(1.01, 10),
    which=st.integers(0, 1),
)
def test_dearer_is_never_better(reward, accuracy, ratios, factor, which):
    ratios = list(ratios[: len(reward.costs)])
    before = rewarded(reward, accuracy, *ratios)
    ratios[which % len(ratios)] *= factor
    after = rewarded(reward, accuracy, *ratios)
    assert after <= before if reward is HARD else after < before


@given(ACCURACY, st.floats(0.01, 1), st.floats(0.01, 1))
def test_the_hard_form_does_not_mind_what_is_below_the_target(accuracy, one, other):
    assert rewarded(HARD, accuracy, one) == rewarded(HARD, accuracy, other) == accuracy


@given(ACCURACY, st.floats(0, 0.99))
def test_the_absolute_form_is_symmetric_about_the_target(accuracy, away):
    above, below = rewarded(ABSOLUTE, accuracy, 1 + away), rewarded(ABSOLUTE, accuracy, 1 - away)
    assert above == pytest.approx(below)
    assert above <= accuracy


@given(ACCURACY, st.lists(st.floats(1, 50), min_size=2, max_size=6))
def test_the_absolute_form_falls_in_a_straight_line_above_the_target(accuracy, ratios):
    for less, more in pairwise(sorted(ratios)):
        lost = rewarded(ABSOLUTE, accuracy, less) - rewarded(ABSOLUTE, accuracy, more)
        assert lost == pytest.approx(0.1 * (more - less))


@pytest.mark.parametrize("reward", [EFFV2, SOFT], ids=FORMS[:2])
@given(
    networks=st.lists(st.tuples(ACCURACY, POSITIVE, POSITIVE), min_size=2, max_size=6),
    units=st.tuples(POSITIVE, POSITIVE),
)
def test_the_unit_changes_no_ranking(reward, networks, units):
    """Another reference divides a cost of all networks alike, and multiplies their rewards by one constant."""
    count = len(reward.costs)
    here = [rewarded(reward, a, *costs[:count]) for a, *costs in networks]
    there = [
        rewarded(reward, a, *(c / unit for c, unit in zip(costs[:count], units, strict=False)))
        for a, *costs in networks
    ]
    ratios = [b / a for a, b in zip(here, there, strict=True)]
    assert max(ratios) == pytest.approx(min(ratios))


@pytest.mark.parametrize("reward", [EFFV2, SOFT, HARD, ABSOLUTE], ids=FORMS)
@given(accuracy=ACCURACY, ratios=st.tuples(POSITIVE, POSITIVE))
def test_a_reward_is_made_of_its_terms(reward, accuracy, ratios):
    terms = reward.terms(accuracy, dict(zip(reward.costs, ratios, strict=False)))
    values = [term.value for term in terms.costs]
    made = accuracy + sum(values) if terms.sign == "+" else accuracy * math.prod(values)
    assert terms.reward == pytest.approx(made)
    assert [term.cost for term in terms.costs] == list(reward.costs)
    assert terms.objectives == (1 - accuracy, *ratios[: len(reward.costs)])


def test_a_reward_is_printed_term_by_term():
    assert str(EFFV2.terms(0.8, {"step": 2, "params": 0.5})) == (
        "reward 0.7890 = accuracy 0.8000 x step 0.953 x params 1.035"
    )
    assert str(ABSOLUTE.terms(0.8, {"step": 1.5})) == "reward 0.7500 = accuracy 0.8000 + step -0.050"


@pytest.mark.parametrize("name", ["macs", "params", "size", "activations", "memory"])
@pytest.mark.parametrize("kind", [kind for kind in REWARDS if kind != "accuracy"])
def test_any_cost_can_count_and_needs_no_step_time(kind, name):
    options = {"v": 0} if kind in ("effv2", "pareto") and name == "params" else {}
    reward = REWARDS[kind](reward=kind, cost=name, **options)
    terms = reward.score(0.5, None, B0, V2_B0)
    assert terms.costs[0].cost == name
    assert terms.costs[0].ratio == reward.exact_cost(name, B0) / reward.exact_cost(name, V2_B0)
    assert reward.score(0.5, None, V2_B0, V2_B0).reward == 0.5


def test_a_target_is_in_the_costs_own_unit():
    effnet = Config.of({"reward": "effnet"}).reward
    assert effnet.score(0.8, None, B0, V2_B0).reward == 0.8 * (385_814_752 / 400e6) ** -0.07
    memory = MnasNet(reward="mnasnet", cost="memory", target=2e9, batch=64)
    assert memory.score(0.8, None, B0, V2_B0).costs[0].ratio == training_memory(B0, 64) / 2e9
    # For the step time: so many times the reference's.
    assert MnasNet(reward="mnasnet", target=0.5).score(0.8, 0.5, B0, V2_B0).reward == 0.8


def test_step_time_is_needed_unless_it_does_not_count():
    for reward in (EFFV2, SOFT, HARD, ABSOLUTE):
        with pytest.raises(ValueError, match="step time is missing"):
            reward.score(0.5, None, B0, V2_B0)
    free = EfficientNetV2(reward="effv2", w=0)
    assert free.costs == ("params",)
    assert free.score(0.5, None, V2_B0, V2_B0).reward == 0.5
    assert EfficientNetV2(reward="effv2", w=0, v=0).score(0.5, None, B0, V2_B0).costs == ()


def test_a_reward_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="reward is nan"):
        EFFV2.score(math.nan, 1.0, B0, V2_B0)


def test_parameters_do_not_count_twice():
    with pytest.raises(ValidationError, match="weighs the parameters already"):
        EfficientNetV2(reward="effv2", cost="params")


def test_reference_is_a_name_or_a_string():
    assert network("b0") == network(str(network("b0")))
    with pytest.raises(UserError, match="v2-b0"):
        network("v2b0")


def test_a_reference_from_a_file_does_not_depend_on_the_file(tmp_path):
    file = tmp_path / "ref.yaml"
    file.write_text(
        "{resolution: 32, classes: 10, stem: {width: 16}, head: {width: 64}, "
        "stages: [{op: mb, kernel: 3, expand: 4, depth: 1, stride: 2, width: 24}]}"
    )
    stored = network(str(file))
    config = Config.of({"space": "tiny_space", "reward.reference": str(file)})
    file.write_text(file.read_text().replace("width: 24", "width: 48"))
    assert config.reward.reference == str(stored)
    assert Config.of_document(config.document()).reward.network == stored
    file.unlink()
    assert Config.of_document(config.document()).reward.network == stored


def test_a_published_reference_keeps_its_name():
    assert Config.of({"space": "tiny_space", "reward.reference": "b0"}).reward.reference == "b0"


def test_registry_names_are_the_classes_own():
    assert all(kind(reward=name).reward == name for name, kind in REWARDS.items())


def test_every_shipped_reward_says_which_form_it_is():
    forms = {name: Config.of({"reward": name}).reward for name in documents.names("reward")}
    assert (forms["mnasnet"].alpha, forms["mnasnet"].beta) == (-0.07, -0.07)
    assert (forms["mnasnet_hard"].alpha, forms["mnasnet_hard"].beta) == (0, -1)
    assert (forms["effnet"].cost, forms["effnet"].target) == ("macs", 400e6)
    assert forms["tunas"].beta == -0.1
    assert (forms["effv2"].w, forms["effv2"].v) == (-0.07, -0.05)


def test_accuracy_alone_needs_no_cost():
    reward = REWARDS["accuracy"](reward="accuracy")
    terms = reward.score(0.7, None, B0, V2_B0)
    assert (terms.reward, terms.objectives, reward.costs) == (0.7, (1 - 0.7,), ())
    assert Config.of({"reward": "accuracy", "limit.params": "200k"}).reward == reward.model_copy(
        update={"reference": Config.of({}).reward.reference}
    )


def test_latency_counts_relative_to_a_target_or_the_reference():
    latency = Latency(ms=6.0, reference_ms=4.0)
    target = MnasNet(reward="mnasnet", cost="latency", target="5ms", alpha=-1, beta=-1)
    assert target.score(0.8, None, B0, V2_B0, latency).costs == (Term("latency", 6 / 5, 5 / 6),)
    relative = EfficientNetV2(reward="effv2", cost="latency", w=-1, v=0)
    assert relative.score(0.6, None, B0, V2_B0, latency).reward == pytest.approx(0.4)
    with pytest.raises(ValueError, match="the latency is missing"):
        relative.score(0.6, None, B0, V2_B0)
    with pytest.raises(ValueError, match=r"for a target in milliseconds, set reward\.cost=latency"):
        MnasNet(reward="mnasnet", target="5ms")
