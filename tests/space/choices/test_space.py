import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from space import Space, UserError, cost, documents
from space.choices.override import override
from space.cost.memory import saved_activations
from space.cost.table import EXACT, exact_cost
from space.plan import plan

NAMES = documents.names("space")
SMALL = {
    "resolution": [16, 32],
    "stem": {"width": 8, "stride": 1},
    "stages": [
        {"op": ["fused", {"mb": {"se": [0, 0.25]}}], "kernel": 3, "expand": 1, "depth": [1, 2], "stride": 1,
         "width": 8},
        {"op": "fused", "kernel": [3, 5], "expand": 1, "depth": [0, 1, 2], "stride": 1, "width": 8},
        {"choose": [
            {"op": "mb", "kernel": 3, "expand": [4, 6], "depth": 1, "stride": 2, "width": 16},
            {"op": "fused", "kernel": 3, "expand": 4, "depth": 1, "stride": 2, "width": [16, 24]},
        ]},
    ],
    "head": {"width": [32, 64]},
    "classes": 10,
}  # fmt: skip


def refusal(document):
    with pytest.raises(UserError) as refused:
        Space.of(document)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def distinct(space):
    return {str(space.at(point)) for point in space.points()}


@pytest.mark.parametrize("document", [SMALL, documents.read("space", "tiny_space")], ids=["small", "tiny"])
def test_size_counts_distinct_networks(document):
    """Depth 0 and stages that merge give one network in several ways; it counts once."""
    space = Space.of(document)
    assert space.size == len(distinct(space)) < len(list(space.points()))


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=3, unique=True),
            st.lists(st.sampled_from([3, 5]), min_size=1, max_size=2, unique=True),
            st.sampled_from([1, 2]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_size_counts_distinct_networks_of_any_space(rows):
    stages = [
        {"op": "fused", "kernel": kernel, "expand": 1, "depth": depth, "stride": stride, "width": 8}
        for depth, kernel, stride in rows
    ]
    if all(max(depth) == 0 for depth, _, _ in rows):
        return
    stages.append({"op": "mb", "kernel": 3, "expand": 4, "depth": 1, "stride": 1, "width": 8})
    space = Space.of({**SMALL, "stages": stages})
    assert space.size == len(distinct(space))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(["fused", "blaze"]),
                "depth": st.sampled_from([[0, 1], [1, 2]]),
                "stride": st.sampled_from([1, 2]),
                "width": st.sampled_from([8, 16, [8, 16]]),
                "skip": st.sampled_from([True, False, [True, False]]),
            }
        ),
        min_size=1,
        max_size=2,
    )
)
@settings(deadline=None, max_examples=25)
def test_a_skip_without_effect_makes_no_other_network(rows):
    """Where stride or width change, an MBConv has no shortcut; nor has a BlazeFace block that narrows."""
    stages = [{"kernel": 3, "expand": 1, **row} for row in rows]
    stages.append(
        {"op": "mb", "kernel": 3, "expand": 4, "depth": 1, "stride": 1, "width": 8, "skip": [True, False]}
    )
    space = Space.of({**SMALL, "resolution": 16, "stem": {"width": [8, 16], "stride": 1}, "stages": stages})
    networks = [space.at(point) for point in space.points()]
    assert space.size == len(set(map(str, networks))) == len(set(map(_plan, networks)))
    assert all(space.at(space.find(network)) == network for network in networks)


def _plan(network):
    """The layers of a network, without the names of its blocks, which tell where its stages begin."""
    return tuple((block.op, block.layers, block.shortcut) for block in plan(network))


@pytest.mark.parametrize("document", [SMALL, documents.read("space", "tiny_space")], ids=["small", "tiny"])
def test_range_is_that_of_all_networks(document):
    space = Space.of(document)
    costs = [cost(space.at(point)) for point in space.points()]
    assert space.range.params == (min(c.params for c in costs), max(c.params for c in costs))
    assert space.range.macs == (min(c.macs for c in costs), max(c.macs for c in costs))
    assert space.range.activations == (min(c.activations for c in costs), max(c.activations for c in costs))
    assert space.range.size == (min(c.size for c in costs), max(c.size for c in costs))
    held = [saved_activations(space.at(point)) for point in space.points()]
    assert space.range.saved_activations == (min(held), max(held))


@pytest.mark.parametrize("name", EXACT)
def test_bounds_enclose_the_exact_costs_of_all_networks(name):
    space = Space.of(SMALL)
    costs = [exact_cost(name, space.at(point), batch=8) for point in space.points()]
    low, high = space.range.bounds(name, batch=8)
    assert low <= min(costs) <= max(costs) <= high
    assert name == "memory" or (low, high) == (min(costs), max(costs))


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_in_the_space(name):
    space, rng = Space.load(name), random.Random(0)
    for _ in range(50):
        spent = cost(space.at(space.sample(rng)))
        assert space.range.params[0] <= spent.params <= space.range.params[1]
        assert space.range.macs[0] <= spent.macs <= space.range.macs[1]


def test_effv2_is_the_papers_space():
    """2 ops x 2 kernels x 3 expansions x depths in each of six stages: no choice is wasted."""
    space = Space.load("effv2")
    assert space.size == 12**6 * 2 * 3 * 3 * 3 * 4 * 4
    ses = {(stage.op, stage.se) for stages in space.stages for stage in stages}
    assert ses == {("mb", 0.25), ("fused", 0)}


@pytest.mark.parametrize(("name", "network"), [("effv2", "v2-b0"), ("effv1", "b0")])
def test_published_base_is_in_its_space(name, network):
    from space import published

    space, base = Space.load(name), published(network).architecture
    assert all(stage in stages for stage, stages in zip(base.stages, space.stages, strict=True))
    assert base.stem == space.frames[0].stem
    assert base.head == space.frames[0].head


def test_a_document_without_choices_is_one_network():
    space = Space.load("tiny_space", {"stages.*.op": "mb", "stages.*.expand": 4, "stages.1.kernel": 3,
                                      "stages.*.depth": 1})  # fmt: skip
    assert (space.choices, space.size) == ((), 1)
    # At width 16, stride 1 and the same block, the third stage goes on with the second.
    assert str(space.at(())) == "r16_i8_s1/mb_d1_k3_s2_e4_w8_se0.25/mb_d2_k3_s2_e4_w16_se0.25/h32_c10"


def test_numbers_are_ordered_and_words_are_not():
    choices = {choice.name: choice for choice in Space.load("effv2", {"stages.0.kernel": [5, 3]}).choices}
    assert (choices["stages.0.kernel"].options, choices["stages.0.kernel"].ordered) == ((3, 5), True)
    assert (choices["stages.0.op"].options, choices["stages.0.op"].ordered) == (("fused", "mb"), False)


def test_an_op_keeps_its_options_when_it_is_chosen_by_name():
    document = documents.read("space", "effv2")
    assert override(document, "stages.0.op", "mb")["stages"][0]["op"] == {"mb": {"se": 0.25}}
    everywhere = override(document, "stages.*.op", ["mb", "fused"])
    assert all(stage["op"] == [{"mb": {"se": 0.25}}, "fused"] for stage in everywhere["stages"])
    inside = override(document, "stages.0.op.mb.se", [0, 0.5])
    assert inside["stages"][0]["op"][1] == {"mb": {"se": [0, 0.5]}}
    assert document == documents.read("space", "effv2")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"resolution": None}, "resolution is None"),
        ({"resolutions": 3}, "Did you mean 'resolution'?"),
        ({"stages": []}, "at least one stage"),
        ({"stages": [{"op": "mb"}]}, "stages.0 lacks"),
        ({"stages": ["mb"]}, "stages.0 is 'mb'; it must be a mapping"),
        ({"stem": {"width": 0}}, "stem: stem.width is 0"),
        ({"stem": [1]}, "the stem"),
        ({"head": {"widht": 3}}, "Did you mean 'width'?"),
        ({"classes": "ten"}, "classes is 'ten'"),
        ({"resolution": {"choose": 3}}, "choose takes a list"),
        ({"resolution": {"choose": [3], "order": True}}, "choose takes a list"),
        ({"resolution": {"choose": [3], "ordered": "yes"}}, "the only other key is ordered: true"),
        ({"resolution": []}, "resolution is an empty list"),
        ({"stages": [{**SMALL["stages"][1], "op": {"mb": 3}}]}, "{mb: {se: 0.25}}"),
        (
            {"stages": [{**SMALL["stages"][1], "op": {"mb": {"kernel": 3}}}]},
            "states kernel itself and for op mb",
        ),
        ({"stages": [{**SMALL["stages"][1], "depth": 0}]}, "at least one stage of depth"),
        ({"stages": [SMALL["stages"][1]]}, "may have depth 0; at least one must not"),
    ],
)
def test_mistakes_are_told_in_one_line(change, says):
    if change == {"stem": [1]}:
        says = "stem is 1"
    assert says in refusal({**SMALL, **change})


def test_every_choice_has_a_name_of_its_own():
    """Two alternatives with one key, choices between choices: samplers know choices by their names."""
    stage = {**SMALL["stages"][0], "op": [{"mb": {"se": [0, 0.25]}}, {"mb": {"se": [0.5, 1], "act": "relu"}}]}
    space = Space.of({**SMALL, "stages": [stage], "classes": {"choose": [{"choose": [5, 7]}, 9]}})
    names = [choice.name for choice in space.choices]
    assert len(set(names)) == len(names) == 8
    assert {"stages.0.op.0.mb.se", "stages.0.op.1.mb.se", "classes", "classes.0"} <= set(names)
    assert next(choice for choice in space.choices if choice.name == "classes").options == (0, 9)
    assert space.size == len(distinct(space))


def test_every_option_of_a_choice_has_a_label_of_its_own():
    stage = {**SMALL["stages"][0], "op": ["mb", {"mb": {"se": 0.25}}, "fused"]}
    choices = Space.of({**SMALL, "stages": [stage]}).choices
    (choice,) = (choice for choice in choices if choice.name == "stages.0.op")
    assert choice.options == ("mb.0", "mb.1", "fused")


def test_alternatives_can_stand_in_an_order():
    ladder = [{"op": "mb", "kernel": k, "expand": k, "depth": 1, "stride": 2, "width": 16} for k in (3, 5)]
    for more, ordered in (({}, False), ({"ordered": False}, False), ({"ordered": True}, True)):
        choices = Space.of({**SMALL, "stages": [{"choose": ladder, **more}]}).choices
        (choice,) = (choice for choice in choices if choice.name == "stages.0")
        assert (choice.options, choice.ordered) == ((0, 1), ordered)


def test_deep_networks_are_counted():
    space = Space.of({**SMALL, "stages": [{**SMALL["stages"][1], "depth": [1, 3000]}]})
    assert space.size == 2 * 2 * 2 * 2


@pytest.mark.parametrize("number", ["3", "00", "9" * 5000])
def test_a_stage_that_does_not_exist_is_refused(number):
    with pytest.raises(UserError, match=r"Permitted: \*, 0, 1, 2\."):
        override(SMALL, f"stages.{number}.kernel", 3)


def test_missing_parts_are_named():
    for key in ("resolution", "stem", "stages", "head", "classes"):
        assert refusal({k: v for k, v in SMALL.items() if k != key}) == f"The space lacks {key}."


def test_a_stage_with_too_many_alternatives_is_refused_before_they_are_visited():
    wide = {**SMALL["stages"][1], "width": list(range(1, 2000)), "depth": [1, 2, 3, 4, 5]}
    with pytest.raises(
        UserError, match=r"stages\.0\.width.* make [\d,]+ alternatives together; permitted: up to 5,000"
    ):
        Space.of({**SMALL, "stages": [wide]})
