import pytest
from click.testing import CliRunner
from helpers.fake_device import DEVICE, profile_of

from search.cli.main import search
from search.profiles import lookup as finding
from search.profiles.campaign import Campaign
from search.profiles.profile import file_of
from space import Space, UserError

NETWORK = "r16_i8_s1/fused_d1_k3_s2_e4_w8/fused_d2_k3_s2_e1_w16/h32_c10"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(search, ("measure", *words), catch_exceptions=False).stdout


def test_a_network(run):
    first, about, step, inference, memory = run(NETWORK, "batch=2").splitlines()
    assert first == NETWORK
    assert about.endswith("float32; 2 images of 16 px")
    assert step.startswith("training step ")
    assert inference.startswith("inference ")
    assert memory.startswith("memory of a training step: ")


def test_beside_its_prediction(run, monkeypatch):
    monkeypatch.setattr(finding, "this_device", lambda kind: DEVICE)
    space = Space.load("tiny_space")
    profile_of(Campaign(space, DEVICE, 2)).save(file_of(DEVICE, 2, space))
    assert (
        run(NETWORK, "batch=2")
        .splitlines()[-1]
        .startswith("training step predicted by this device's profile")
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["b00"], "Did you mean 'b0'"),
        ([NETWORK, "batch=0"], "batch=0"),
        ([NETWORK, "networks=3"], "Unknown setting 'networks'"),
        (["none:3"], "no run"),
    ],
)
def test_mistakes(run, words, said):
    with pytest.raises(UserError, match=said):
        run(*words)
