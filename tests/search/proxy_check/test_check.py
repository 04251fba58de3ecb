"""Checks of proxies with looked-up accuracies, and one by the command line with trainings of a second."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from search.cli.main import search
from search.config import Config
from search.proxy.proxy import Proxy
from search.proxy_check import check as module
from search.proxy_check.anchors import anchors
from search.proxy_check.check import _read, check, plan
from search.proxy_check.table import recommended, rows, verdict
from search.proxy_check.variants import real, variations
from search.settings.limits import Limits
from search.testing import looked_up
from space import Space, UserError, cost

TINY = {
    "space": "tiny_space",
    "proxy": "tiny",
    "data.images": 100,
    "data.test_images": 20,
    "executor": "serial",
}


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


CALLS = []


def by_epochs(request, report):
    """Rank alike, but for half of the images, which reverse the ranking. An epoch takes a second."""
    CALLS.append(request)
    result = looked_up(replace(request, seed=0), report)
    sign = -1 if request.proxy.images == 40 else 1
    return replace(result, accuracy=0.5 + sign * result.accuracy / 3, seconds=1.0 * request.proxy.epochs)


@pytest.fixture
def planned(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "evaluate", by_epochs)
    CALLS.clear()
    return lambda **more: plan(Config.of(TINY), tmp_path / "t.jsonl", 5, {}, **{"suggest": False, **more})


def test_a_check_has_tau_by_both_signals_and_both_costs(planned):
    checked = check(planned())
    assert [one.name for one in checked] == ["longer", "as given"]
    assert checked[0].agreement is None and checked[1].agreement.tau == pytest.approx(1)
    assert checked[1].loss_agreement.tau == pytest.approx(1)
    assert [one.seconds for one in checked] == [10, 1]
    assert rows(checked)[1]["share"] == 0.1
    assert "tau 1.00" in verdict(checked)[0] and "10%" in verdict(checked)[0]


def test_the_longer_training_is_of_the_real_network_with_another_seed(planned):
    check(planned())
    longer = [request for request in CALLS if request.seed == 1]
    assert len(longer) == 5 == len(CALLS) - len(longer)
    proxy = longer[0].proxy
    assert (proxy.width, proxy.stem_stride, proxy.resolution, proxy.epochs) == (1, None, None, 10)


def test_finished_trainings_are_not_repeated(planned, tmp_path):
    first = check(planned())
    assert len(CALLS) == 10
    journal = tmp_path / "t.jsonl"
    lines = journal.read_text().splitlines()
    # A process that ended while it wrote leaves half a line.
    journal.write_text("\n".join([*lines[:-1], lines[-1][:10]]))
    assert check(planned()) == first
    assert len(CALLS) == 11
    assert check(planned()) == first and len(CALLS) == 11
    assert json.loads(journal.read_text().splitlines()[-1])


def test_images_that_are_not_mirrored_are_other_data(planned, tmp_path):
    check(planned())
    check(plan(Config.of(TINY | {"data.flip": False}), tmp_path / "t.jsonl", 5, {}, suggest=False))
    assert len(CALLS) == 20


def test_the_cheapest_good_proxy_is_recommended(planned):
    checked = check(planned(suggest=True))
    names = [one.name for one in checked]
    assert names[:2] == ["longer", "as given"] and "images=40" in names and "epochs=2" in names
    by_name = {one.name: one for one in checked}
    assert by_name["images=40"].agreement.tau == pytest.approx(-1)
    assert recommended(checked).seconds == 1
    assert "cheapest proxy that reaches 0.7" in " ".join(verdict(checked))
    assert recommended(checked, 1.1) is None
    assert "No proxy reaches" in " ".join(verdict(checked, 1.1))


def test_anchors_are_spread_over_the_costs():
    space = Space.load("tiny_space")
    networks = anchors(space, Limits(), 8)
    costs = [cost(network).macs for network in networks]
    assert len(set(networks)) == 8 and costs == sorted(costs)
    assert networks == anchors(space, Limits(), 8)
    limited = Limits(macs=costs[3])
    assert max(cost(network).macs for network in anchors(space, limited, 8)) <= costs[3]


def test_variations_differ_in_one_setting():
    given = Proxy(epochs=4, images=1000)
    checked = dict(variations(given, 32, 5000))
    assert checked.pop("as given") == given
    for name, proxy in checked.items():
        changed = {k for k, v in proxy.model_dump().items() if v != given.model_dump()[k]}
        assert changed == {name.partition("=")[0]}
    assert checked.keys() == {"epochs=2", "epochs=8", "images=500", "resolution=24", "width=0.125"}
    assert real(given).epochs == 10 and real(given).images is None


def test_a_longer_training_that_is_the_proxy_is_refused(planned, tmp_path):
    with pytest.raises(UserError, match=r"longer\.epochs"):
        plan(Config.of(TINY), tmp_path / "t", 5, Config.of(TINY).proxy.model_dump(), suggest=False)
    with pytest.raises(UserError, match=r"longer\.epoch'"):
        plan(Config.of(TINY), tmp_path / "t", 5, {"epoch": 1}, suggest=False)


def test_from_the_command_line(tmp_path):
    words = [f"{key}={value}" for key, value in TINY.items()]
    result = CliRunner().invoke(
        search, ["check-proxy", *words, "networks=3", "longer.epochs=2", "--out", "tau.md"]
    )
    assert result.exit_code == 0, (result.output, result.exception)
    assert "Kendall" in (tmp_path / "tau.md").read_text()
    assert "longer training" in result.output


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("networks=2", "networks=2"),
        ("good=7", "good=7"),
        ("trials=5", "Unknown setting"),
        ("longer.epoch=1", "longer.epochs"),
        ("--out=t.txt", "t.txt: unknown ending; use .csv"),
    ],
)
def test_mistakes_are_refused(word, why):
    words = [f"{key}={value}" for key, value in TINY.items()]
    result = CliRunner().invoke(search, ["check-proxy", *words, word])
    assert isinstance(result.exception, UserError) and why in str(result.exception)


@pytest.mark.parametrize(
    "line",
    [
        b"5",
        b"[1, 2]",
        b'[[1], "k", {}]',
        b'["n", "k", 5]',
        b'["n", "k", {"loss": 1}]',
        b"\xff\xfe",
        b"null",
        b"",
    ],
)
def test_other_lines_of_a_journal_are_passed_over(tmp_path, line):
    good = ["r16", "k", {"accuracy": 0.5, "loss": 1.0, "seconds": 2.0}]
    (tmp_path / "t.jsonl").write_bytes(line + b"\n" + json.dumps(good).encode() + b"\n")
    assert _read(tmp_path / "t.jsonl") == {("r16", "k"): good[2]}


def test_variations_that_are_not_valid_are_left_out():
    """A shift of 24 pixels does not fit into images of 24."""
    assert all("resolution" not in name for name, _ in variations(Proxy(resolution=32, shift=24), 32, 5000))
