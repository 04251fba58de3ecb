import signal

import pytest
from click.testing import CliRunner
from helpers.runs import filled

from scaling.cli.compared_families import given_family, scaled_family
from scaling.cli.main import cli
from scaling.families import scale
from space import UserError, decode

BASE = "r32_i16_s1/mb_d1_k3_s2_e1_w16/mb_d2_k3_s2_e4_w32/h64_c10"


def test_a_family_has_a_level_for_each_phi():
    family = scaled_family(BASE, [-1, 0, 1, 0], "width")
    assert [member.level for member in family.members] == [0, 1, 2]
    assert {member.family for member in family.members} == {family.name}
    assert [member.name.rpartition(" phi ")[2] for member in family.members] == ["-1", "0", "1"]
    assert family.members[1].architecture == decode(BASE)
    assert family.members[2].architecture == scale(BASE, 1, rule="width").architecture


def test_several_networks_are_a_family():
    family = given_family(["b0", BASE, "b0"])
    assert family.name == "given" and family.members[0].name == "b0"
    assert [member.level for member in family.members] == [0, 1]
    with pytest.raises(UserError, match="scale one: --family"):
        given_family(["b0"])


@pytest.mark.usefixtures("at_home")
def test_answers_of_unfinished_runs_are_no_members():
    filled("runs/one")
    filled("runs/other", complete=3, running=1)
    for word in ("other", "other:most-accurate"):
        with pytest.raises(UserError, match="The run other is unfinished"):
            given_family(["one", word])
    assert [member.run for member in given_family(["one", "other:0"]).members] == ["one", "other"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["b0", "--family", "0..1"], "which images"),
        (["b0", "v2-b0", "--family", "0..1"], "scales one network; 2 are named"),
        (["b0", "--family", "0..1", "--rule", "widht"], "Did you mean 'width'"),
        (["b00", "--family", "0..1"], "Did you mean 'b0'"),
        (["b0", "--family", "0..1", "match=mac"], "Did you mean 'macs'"),
    ],
)
def test_mistakes_are_refused(words, why):
    with pytest.raises(UserError, match=why):
        CliRunner().invoke(cli, ["compare", *words], catch_exceptions=False, standalone_mode=False)


def test_a_comparison_that_is_stopped_says_so_by_the_name_of_the_command(tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("search.compare.comparison.compare", stopped)
    words = ["v2-b0", "b0", "data=shapes", "data.images=100", "data.test_images=20", f"out={tmp_path}"]
    before = signal.getsignal(signal.SIGTERM)
    try:
        result = CliRunner().invoke(cli, ["compare", *words])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].startswith("scale: Stopped. Finished trainings are kept")
