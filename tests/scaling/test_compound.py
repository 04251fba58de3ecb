import math

import pytest

from scaling import PAPER, Coefficients, read_coefficients
from scaling.compound import read_coefficients_file
from space import Multipliers, Rounding, UserError, published

B0 = published("b0").architecture
TRIPLE = "base: b0\nalpha: 1.2\nbeta: 1.1\ngamma: 1.2"


def test_the_papers_coefficients():
    assert (PAPER.alpha, PAPER.beta, PAPER.gamma) == (1.2, 1.1, 1.15)
    assert PAPER.growth == pytest.approx(1.92027)


def test_multipliers_are_powers():
    assert PAPER.at(0) == Multipliers(1, 1, 1)
    assert PAPER.at(1) == Multipliers(1.2, 1.1, 1.15)
    assert PAPER.at(-0.5) == Multipliers(1.2**-0.5, 1.1**-0.5, 1.15**-0.5)


@pytest.mark.parametrize("value", [0.99, 0, -1, math.nan, math.inf, "1.2", True])
def test_a_coefficient_is_a_number_of_at_least_1(value):
    with pytest.raises(UserError, match=r"^beta is .*; it must be a number from 1 to 16\.$"):
        Coefficients(1.2, value, 1.15)


@pytest.mark.parametrize("name", ["b0", str(B0)])
def test_a_file_holds_the_coefficients_of_its_base(tmp_path, name):
    path = tmp_path / "fit.yaml"
    path.write_text(f"schema: compound-nas.coefficients\nbase: {name}\nalpha: 1.3\nbeta: 1.05\ngamma: 1\n")
    assert read_coefficients(path, B0) == Coefficients(1.3, 1.05, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("base: b1\nalpha: 1.2\nbeta: 1.1\ngamma: 1.2", "was fitted to another base, r240_i32"),
        ("base: b0\nalpha: 0.5\nbeta: 1.1\ngamma: 1.2", "alpha is 0.5; it must be"),
        ("base: bx\nalpha: 1.2\nbeta: 1.1\ngamma: 1.2", "Unknown base 'bx'"),
        ("base: b0\nalpha: 1.2\nbeta: 1.1", "is not a coefficients file: it lacks gamma"),
        ("[1.2, 1.1, 1.15]", "is not a coefficients file: it must hold base, alpha, beta, gamma"),
        ("schema: compound-nas.scale\nrows: []", "is not a coefficients file"),
        ("a: [", "fit.yaml, line"),
        (f"{TRIPLE}\nrounding: {{divisor: 0}}", "fit.yaml: divisor is 0; it must be"),
        (f"{TRIPLE}\nrounding: {{depth: floor}}", "fit.yaml: Unknown rounding of depth 'floor'"),
        (f"{TRIPLE}\nrule: [v2]", r"fit.yaml: rule is \['v2'\]; it must be text such as compound"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "fit.yaml"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as refusal:
        read_coefficients(path, B0)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "bytes"):
        with pytest.raises(UserError, match=r"^Cannot read "):
            read_coefficients(path, B0)


def test_a_file_says_its_rule_and_rounding(tmp_path):
    path = tmp_path / "fit.yaml"
    path.write_text(
        "base: b0\nrule: v2\nalpha: 1.3\nbeta: 1.05\ngamma: 1\n"
        "rounding: {divisor: 4, limit: 0, depth: round, resolution: 4}\n"
    )
    found = read_coefficients_file(path, B0, "v2")
    assert found.rounding == Rounding(4, 0, "round", 4)
    assert read_coefficients_file(path, B0).rule == "v2"
    with pytest.raises(UserError, match="was fitted for rule v2, not compound"):
        read_coefficients_file(path, B0, "compound")
    path.write_text("base: b0\nalpha: 1.3\nbeta: 1.05\ngamma: 1\nrounding: {divider: 4}\n")
    with pytest.raises(UserError, match="it may hold only divisor, limit, depth, resolution"):
        read_coefficients_file(path, B0)
