import numpy as np
import pytest

from experiments.benchmarks.samplers.effv2_mini import TABLE
from experiments.benchmarks.samplers.encodings import encodings, explained, main, read, shares
from search.samplers.ordinal_gp.kernels import Inputs
from space import Space, UserError

MINI = Space.load("effv2_mini")


def test_the_four_encodings_differ_where_a_choice_is_not_active():
    codes = {name: encoding([(0,) * len(MINI.choices)]) for name, encoding in encodings(MINI)}
    assert len(codes) == 4
    assert {sums.shape[1] for name, (_, sums) in codes.items() if "without sums" in name} == {0}
    assert all(sums.shape[1] for name, (_, sums) in codes.items() if "with sums" in name)


def test_noise_is_not_explained_and_a_trend_is():
    rng = np.random.default_rng(0)
    codes = rng.choice([-1.0, 1.0], size=(40, 6)) / np.sqrt(6)
    inputs = Inputs(codes, np.zeros((40, 0)), np.zeros((40, 0)))
    assert explained(inputs, codes @ np.arange(6.0)) > 0.9
    assert explained(inputs, rng.normal(size=40)) < 0.3


def test_shares_of_a_table(tmp_path):
    losses = read(TABLE)
    assert len(losses) == 256
    found = shares(MINI, losses, 16)
    assert found["with zeros, with sums"] > found["without zeros, without sums"]
    with pytest.raises(UserError, match="is not a network of effv2_mini"):
        shares(MINI, {"r32_i8/mb_d1_k3_s1_e1_w8/h0_c10": 1.0})
    (tmp_path / "table.csv").write_text("network,accuracy\nx,1\n")
    with pytest.raises(UserError, match="loss"):
        main([str(tmp_path / "table.csv"), "--space", "effv2_mini"])
