import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling import PUBLISHED, RULES, Coefficients, Rounding, family, scale
from space import Multipliers, UserError, cost, decode, published

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scaling_rules.json").read_text())
TINY = "r32_i16_s1/mb_d2_k3_s2_e6_w24_se0.25/mb_d2_k3_s2_e6_w40/h640_c10"
UNPADDED = "r32_i16/inception_d2_s1_w16_b:3v:1/h0_c10"


@pytest.mark.parametrize("row", GOLDEN["pure_formula"], ids=lambda row: f"phi{row['phi']}")
def test_the_formula_is_exact(row):
    model = scale("b0", row["phi"], rounding=Rounding(resolution=8))
    assert model.multipliers == Multipliers(
        pytest.approx(row["depth"]), pytest.approx(row["width"]), pytest.approx(row["res_multiplier"])
    )
    assert model.architecture.resolution == row["res_rounded_to_8"]
    assert (model.cost.params, model.cost.macs) == (row["params"], row["macs"])
    assert model.architecture.depth == row["blocks"]
    assert model.macs_growth == pytest.approx(row["macs_ratio_to_b0"])


def test_the_formula_is_not_the_published_table():
    formula = family("b0", range(1, 8))
    table = [PUBLISHED[f"b{number}"].architecture for number in range(1, 8)]
    assert not {model.architecture for model in formula} & set(table)


def test_multipliers_before_and_after_rounding():
    model = scale("b0", 1)
    assert model.multipliers == Multipliers(1.2, 1.1, 1.15)
    assert model.obtained.depth == 23 / 16
    assert model.obtained.resolution == 258 / 224
    assert 1.05 < model.obtained.width < 1.1
    assert model.params_growth == 9109994 / 5288548
    assert scale("b0", 0).obtained == Multipliers(1, 1, 1)


def test_a_family_is_its_members():
    assert family("b0", [0, 0.5, -1]) == (scale("b0", 0), scale("b0", 0.5), scale("b0", -1))
    assert [model.name for model in family("v2-b0", [0, 0.5, -1], rule="v2")] == [
        "v2-b0-v2-phi0",
        "v2-b0-v2-phi0.5",
        "v2-b0-v2-phi-1",
    ]


def test_bases_may_be_architectures():
    model = scale(decode(TINY), 1)
    assert model.base_cost == cost(decode(TINY))
    assert model.name == f"{decode(TINY).digest[:8]}-compound-phi1"
    assert scale(published("b0").architecture, 1).name == "b0-compound-phi1"


@given(st.floats(0, 3), st.floats(1, 1.5), st.floats(1, 1.5), st.floats(1, 1.5))
def test_any_coefficients_scale_up(phi, alpha, beta, gamma):
    model = scale(TINY, phi, coefficients=Coefficients(alpha, beta, gamma))
    assert model.macs_growth >= 1
    assert model.params_growth >= 1


def test_training_resolution_is_the_rules():
    assert scale("v2-b0", 1, rule="v2").train_resolution == round(267 * 0.8)
    assert scale("v2-b0", 0, rule="v2").train_resolution == 224
    assert scale("b0", 1).train_resolution == 258


@pytest.mark.parametrize(
    ("base", "phi", "rule", "message"),
    [
        ("b0", -14, "compound", r"phi = -14 leaves images with sides of 32 pixels|."),
        (
            "b0",
            -15,
            "compound",
            r"phi = -15 leaves images with sides of 28 pixels, fewer than the total stride of b0, 32\.",
        ),
        ("b0", -9, "width", r"phi = -9 leaves no channel: 16 channels times 0\.0442 is 0\.71\."),
        ("b0", 1, "compond", r"Unknown rule 'compond'\. Did you mean 'compound'"),
        ("v2-x", 1, "compound", r"Unknown base 'v2-x'\. Did you mean 'v2-xl'"),
        (UNPADDED, -4, "resolution", r"^phi = -4: Images are too small for this network: .* 2 x 2 pixels\.$"),
        (UNPADDED, 4, "depth", r"^phi = 4: Images are too small for this network: .* 2 x 2 pixels\.$"),
    ],
)
def test_refusals_are_one_line(base, phi, rule, message):
    if phi == -14:
        assert scale(base, phi, rule=rule).architecture.resolution == 32
        return
    with pytest.raises(UserError, match=message):
        scale(base, phi, rule=rule)


def test_every_rule_takes_a_base_of_its_own():
    for name in RULES:
        assert scale(TINY, 0, rule=name).architecture == decode(TINY)


def test_a_family_is_shown_as_a_table():
    models = family("b0", [0, 1])
    assert repr(models[1]) == "<ScaledModel b0-compound-phi1: 9.11M params, 993M MACs>"
    shown = models._repr_html_()
    assert shown.count("<tr>") == 3
    assert "9.11M" in shown and "canonical string" not in shown
    assert models.to_dataframe()["macs"].tolist() == [model.cost.macs for model in models]
    assert models[0]._repr_html_().startswith("<p>&lt;ScaledModel b0-compound-phi0")
