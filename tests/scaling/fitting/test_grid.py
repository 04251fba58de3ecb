from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling import PAPER, RULES, Coefficients, resolve
from scaling.fitting.grid import grid, triples_on_grid
from space import Rounding, UserError

SMALL = (
    "r32_i8_s1/fused_d1_k3_s2_e1_w16/fused_d2_k3_s2_e2_w24/mb_d2_k3_s1_e3_w32_se0.25"
    "/mb_d2_k5_s1_e3_w40/mb_d3_k3_s2_e3_w56_se0.25/mb_d1_k3_s1_e3_w80/h192_c10"
)


def candidates(base=SMALL, rule="compound", rounding=None, **options):
    law = RULES[rule]
    defaults = {"phi": 1.0, "step": 0.05, "tolerance": 0.1, "cost_tolerance": 0.25}
    return grid(resolve(base), law, rounding or law.rounding, **(defaults | options))


class TestTriples:
    def test_the_default_grid_has_the_papers_triple(self):
        triples = list(triples_on_grid(0.05, 0.1))
        assert PAPER in triples
        assert len(triples) == len(set(triples)) == 111

    @given(st.sampled_from([0.01, 0.02, 0.05, 0.1, 0.15, 0.25]), st.sampled_from([0, 0.02, 0.1, 0.3]))
    @settings(max_examples=20, deadline=None)
    def test_the_grid_is_complete(self, step, tolerance):
        unit, margin = Fraction(str(step)), Fraction(str(tolerance))
        coarse = unit >= Fraction(1, 20)
        found = list(triples_on_grid(step, tolerance))
        for triple in found:
            exact = [Fraction(str(value)) for value in (triple.alpha, triple.beta, triple.gamma)]
            assert all(value >= 1 and (value - 1) % unit == 0 for value in exact)
            assert abs(exact[0] * exact[1] ** 2 * exact[2] ** 2 - 2) <= margin
        if coarse:
            values = [1 + number * unit for number in range(int(Fraction(13, 10) / unit) + 2)]
            every = [(a, b, c) for a in values for b in values for c in values]
            assert len(found) == sum(abs(a * b**2 * c**2 - 2) <= margin for a, b, c in every)

    def test_tolerance_0_admits_only_exact_triples(self):
        assert Coefficients(2.0, 1.0, 1.0) in list(triples_on_grid(0.1, 0))

    def test_values_are_the_floats_that_people_write(self):
        assert {triple.beta for triple in triples_on_grid(0.1, 0.1)} <= {1.0, 1.1, 1.2, 1.3, 1.4}


class TestGrid:
    def test_each_filter_is_counted(self):
        assert candidates("b0").counts == {"grid": 111, "cost": 48, "distinct": 32}

    @pytest.mark.parametrize("base", ["b0", SMALL])
    @pytest.mark.parametrize("phi", [1, 2, -1])
    def test_real_costs_are_near_the_target(self, base, phi):
        for candidate in candidates(base, phi=phi).candidates:
            near = abs(candidate.model.macs_growth / 2**phi - 1) <= 0.25
            assert near or candidate.published

    def test_candidates_are_distinct_networks(self):
        found = candidates(rounding=Rounding(divisor=4, depth="round")).candidates
        assert len({candidate.model.architecture for candidate in found}) == len(found)
        assert any(candidate.same for candidate in found)

    def test_equal_networks_are_counted_with_the_one_that_stands_for_them(self):
        found = candidates(rounding=Rounding(divisor=4, depth="round"))
        assert sum(1 + len(candidate.same) for candidate in found.candidates) == found.within_cost
        for candidate in found.candidates:
            for other in candidate.same:
                assert candidate.published or abs(candidate.coefficients.growth - 2) <= abs(other.growth - 2)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"step": 0.1},  # 1.15 is not on it
            {"tolerance": 0.01},  # 1.92 is outside
            {"cost_tolerance": 0.01},
            {"base": "b0", "phi": 2},
        ],
    )
    @pytest.mark.parametrize("rule", ["compound", "v2", "lacs"])
    def test_the_rules_own_triple_is_always_a_candidate(self, rule, options):
        (own,) = [c for c in candidates(rule=rule, **options).candidates if c.published]
        assert own.coefficients == RULES[rule].law

    def test_candidates_are_in_order(self):
        found = [c.coefficients for c in candidates(step=0.1).candidates]
        assert all(one.alpha <= other.alpha for one, other in pairwise(found))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"phi": 0}, "phi is 0"),
            ({"step": 0}, r"--step is 0; .* from 0\.01 to 1"),
            ({"step": 2}, "--step is 2"),
            ({"tolerance": -0.1}, "--tolerance is -0.1"),
            ({"tolerance": 1}, "--tolerance is 1"),
            ({"cost_tolerance": 0}, "--cost-tolerance is 0"),
            ({"step": float("nan")}, "--step is nan"),
            ({"rule": "depth"}, "Rule depth has no coefficients to choose; these have: compound, v2, lacs"),
            ({"rule": "shrink"}, "Rule shrink has no coefficients"),
        ],
    )
    def test_refuses(self, options, message):
        with pytest.raises(UserError, match=message):
            candidates(**options)


def test_networks_without_padding_whose_images_would_be_too_small_are_left_out():
    found = candidates("r32_i16/inception_d2_s1_w16_b:3v:1/h0_c10", phi=-4.0, cost_tolerance=1)
    assert found.candidates
    assert all(candidate.macs for candidate in found.candidates)


def test_a_phi_that_leaves_no_candidate_is_refused():
    with pytest.raises(UserError, match=r"phi = -16 leaves no candidate"):
        candidates(phi=-16.0)
