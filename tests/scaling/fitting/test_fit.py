"""Fits with invented accuracies: the race, its results, and its resume after kill -9."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import yaml

from scaling import PAPER, Coefficients, Design, Rounding, fit, read_coefficients, resolve, scale
from scaling.fitting.fit import plan, resume
from scaling.fitting.summary import verdict_sentences
from scaling.fitting.tables import candidate_rows
from search import Stopped, launch, open_run
from search.data import Dataset
from search.proxy.evaluate import TrialFailed
from search.stats.hits import encode_hits
from search.testing import looked_up
from space import UserError, cost, decode

pytestmark = pytest.mark.usefixtures("at_home", "many_images")
IMAGES = 10**12

BASE = (
    "r16_i8_s1/fused_d1_k3_s1_e1_w16/fused_d2_k3_s2_e2_w24/mb_d2_k3_s1_e3_w32_se0.25"
    "/mb_d2_k5_s1_e3_w40/mb_d3_k3_s2_e3_w56_se0.25/mb_d1_k3_s1_e3_w80/h64_c10"
)
SMALL = {"data.images": 100, "data.test_images": 20, "executor": "serial", "run": "f", "proxy.epochs": 1}
COARSE = {"step": 0.1, "rounding": Rounding(divisor=4, depth="round")}


def set_images(patch, number):
    """Make accuracies as uncertain as those of `number` images: invented ones are not of the few of the tests."""
    patch.setattr(Dataset, "effective_images", lambda data, most=None: number)


@pytest.fixture
def many_images(monkeypatch):
    set_images(monkeypatch, IMAGES)


def trained(truth, noise=0.002):
    """Return an evaluation with the true accuracy of a network plus noise by seed."""

    def evaluate(request, report):
        network = decode(request.architecture)
        chance = random.Random(f"{network} {request.seed}").gauss(0, noise)
        shared = random.Random(request.seed).gauss(0, 0.01)
        values = looked_up(request, report).to_dict()
        return type(looked_up(request, report)).from_dict(
            values | {"accuracy": truth(network) + chance + shared}
        )

    return evaluate


def larger_images_are_better(network):
    return 0.5 + 0.02 * (network.resolution - 16) - 0.002 * network.depth


def fitted(truth=larger_images_are_better, noise=0.002, settings=None, **design):
    return fit(BASE, SMALL | (settings or {}), Design(**COARSE | design), evaluate=trained(truth, noise))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A finished fit with its comparison, for tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("compared"))
        set_images(patch, IMAGES)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        found = fitted(compare=True)
        yield replace(found, path=found.path.resolve())


def trainings(run="f"):
    return [(str(trial.architecture), trial.seed) for trial in open_run(run).trials]


class TestRace:
    @pytest.fixture(autouse=True)
    def _without_figures(self, monkeypatch):
        monkeypatch.setattr("search.report.figures.draw", lambda chart, out: ())

    def test_finds_the_best_of_the_grid(self):
        found = fitted()
        truths = [larger_images_are_better(c.model.architecture) for c in found.plan.grid.candidates]
        assert larger_images_are_better(found.winner.model.architecture) == max(truths)
        assert found.coefficients.gamma == max(c.coefficients.gamma for c in found.plan.grid.candidates)

    def test_trains_all_once_and_the_leaders_and_the_published_triple_again(self):
        found = fitted(noise=0.02, leaders=4, seeds=3)
        networks = [str(c.model.architecture) for c in found.plan.grid.candidates]
        counts = [sum(name == network for name, _ in trainings()) for network in networks]
        assert len(trainings()) == len(set(trainings()))
        assert counts.count(1) >= len(networks) - 5
        (published,) = (i for i, c in enumerate(found.plan.grid.candidates) if c.published)
        assert counts[published] == 3
        assert published in found.verdict.finalists

    def test_the_only_finalist_is_not_said_to_be_better_than_others(self):
        (best,) = (
            c.model.architecture for c in plan(BASE, SMALL, Design(**COARSE)).grid.candidates if c.published
        )
        found = fitted(lambda network: 0.9 if network == best else 0.3, leaders=1)
        assert len(found.verdict.finalists) == 1
        assert verdict_sentences(found)[1] == f"The best is {found.coefficients}, the only finalist."

    def test_significantly_worse_candidates_get_no_third_seed(self):
        found = fitted(noise=0.0005, leaders=5, seeds=4)
        counts = sorted(trial.seed for trial in found.trials)
        assert counts.count(1) > counts.count(3)
        assert len(found.verdict.finalists) == counts.count(3)

    def test_networks_are_trained_at_their_own_resolution(self):
        seen = []

        def evaluate(request, report):
            seen.append((request.proxy.resolution, request.proxy.width, request.proxy.stem_stride))
            assert not request.reference
            return looked_up(request, report)

        fit(BASE, SMALL, Design(**COARSE), evaluate=evaluate)
        assert set(seen) == {(None, 1.0, None)}

    def test_the_cheapest_of_the_tied_wins(self):
        found = fitted(lambda network: 0.6, noise=0.02, leaders=4)
        tied = [found.plan.grid.candidates[number] for number in found.verdict.tied]
        assert len(tied) > 1
        assert found.winner.macs == min(candidate.macs for candidate in tied)
        assert "not significantly above" in (found.path / "candidates.md").read_text()

    def test_candidates_are_compared_image_by_image_where_hits_are_recorded(self):
        def evaluate(request, report):
            result = trained(larger_images_are_better)(request, report)
            right = round(20 * result.accuracy)
            hits = encode_hits([place < right for place in range(20)])
            return replace(result, accuracy=right / 20, hits=hits)

        layout = fit(BASE, SMALL, Design(**COARSE), evaluate=evaluate).verdict.layout
        assert layout.images == IMAGES
        assert layout.hits and [sum(row) / 20 for row in layout.hits] == pytest.approx(layout.means)

    def test_without_hits_the_choice_of_images_makes_differences_uncertain(self, monkeypatch):
        """As with `data.balance`, where no hits are recorded."""
        sure = fitted(noise=0.0005, leaders=5).verdict
        set_images(monkeypatch, 7.5)
        found = fitted(noise=0.0005, leaders=5, settings={"run": "g"})
        assert (found.plan.effective_images, found.verdict.layout.images) == (7.5, 7.5)
        assert found.verdict.layout.hits is None
        assert found.verdict.tied == found.verdict.finalists
        assert len(sure.tied) < len(found.verdict.tied)

    def test_one_seed_has_no_interval(self):
        found = fitted(seeds=1)
        assert found.verdict.tied == (found.verdict.best,)
        document = yaml.safe_load((found.path / "coefficients.yaml").read_text())
        assert (document["interval"], document["seeds"]) == (None, 1)
        assert "chance" in document["chosen"]

    def test_a_failed_candidate_is_out(self):
        broken = str(plan(BASE, SMALL, Design(**COARSE)).grid.candidates[2].model.architecture)

        def evaluate(request, report):
            if request.architecture == broken:
                raise TrialFailed("diverged")
            return trained(larger_images_are_better)(request, report)

        found = fit(BASE, SMALL, Design(**COARSE), evaluate=evaluate)
        rows = {row["architecture"]: row for row in table(found, "candidates")}
        assert rows[broken]["standing"] == "failed"
        assert 2 not in found.verdict.finalists

    def test_a_fit_whose_trainings_all_fail_gives_the_reason(self):
        def evaluate(request, report):
            raise TrialFailed("diverged")

        with pytest.raises(Stopped, match="diverged"):
            fit(BASE, SMALL, Design(**COARSE), evaluate=evaluate)


class TestComparison:
    def test_baselines_scale_one_dimension_at_equal_cost(self, compared):
        rows = table(compared, "comparison")
        assert [row["what"] for row in rows][1:4] == ["depth", "width", "resolution"]
        assert all(int(row["n"]) == 3 for row in rows)
        winner = int(rows[0]["macs"])
        for row in rows[1:4]:
            # As near as whole blocks and channels allow.
            assert 0.8 < int(row["macs"]) / winner < 1.25
        assert int(rows[4]["macs"]) == cost(decode(BASE)).macs
        assert rows[1]["significant"] == "True"
        assert float(rows[1]["behind"]) < 0

    def test_a_network_that_is_a_candidate_too_is_trained_once(self):
        fitted(compare=True, leaders=30)
        assert len(trainings()) == len(set(trainings()))


def table(found, name):
    with open(found.path / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


class TestResults:
    def test_the_coefficients_are_what_scale_reads(self, compared):
        path = compared.path / "coefficients.yaml"
        assert read_coefficients(path, resolve(BASE).architecture) == compared.coefficients
        document = yaml.safe_load(path.read_text())
        assert document["base_digest"] == decode(BASE).digest
        assert document["candidates"] == compared.plan.grid.counts
        low, high = document["interval"]
        assert low < document["accuracy"] < high

    def test_the_table_has_every_candidate(self, compared):
        rows = table(compared, "candidates")
        assert len(rows) == len(compared.plan.grid.candidates)
        assert [row["standing"] for row in rows].count("winner") == 1
        assert [row["published"] for row in rows].count("True") == 1
        for row in rows:
            assert int(row["n"]) == len(json.loads(row["accuracies"]))
            assert cost(decode(row["architecture"])).macs == int(row["macs"])

    def test_trainings_of_an_equal_baseline_do_not_count_as_those_of_a_candidate(self, compared):
        row = next(row for row in candidate_rows(compared) if row["standing"] == "dropped")
        (first, *_) = [t for t in compared.trials if str(t.architecture) == row["architecture"]]
        baseline = (len(compared.plan.grid.candidates),)
        later = tuple(replace(first, seed=seed, point=baseline) for seed in compared.plan.seeds[row["n"] :])
        again = candidate_rows(replace(compared, trials=(*compared.trials, *later)))
        assert later and again == candidate_rows(compared)

    def test_the_family_table_has_the_published_triple_too(self, compared):
        rows = table(compared, "family")
        assert [row["whose"] for row in rows] == ["fitted"] * 4 + ["published"] * 4
        assert {row["published"] for row in rows} == {"False"}
        published = scale(BASE, 2, coefficients=PAPER, rounding=COARSE["rounding"])
        assert rows[5]["architecture"] == str(published.architecture)

    def test_the_figure_is_drawn_twice(self, compared):
        path = compared.path
        assert (path / "plane.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (path / "plane.svg").read_text()

    def test_the_base_keeps_its_own_classes_in_the_file(self):
        base = BASE.replace("c10", "c7")
        found = fit(base, SMALL, Design(**COARSE), evaluate=looked_up)
        assert yaml.safe_load((found.path / "coefficients.yaml").read_text())["base"] == base
        assert {trial.architecture.classes for trial in found.trials} == {10}

    def test_counts_are_kept_from_the_start(self, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            fit(BASE, SMALL, Design(**COARSE), evaluate=interrupted_at(0))
        document = yaml.safe_load((tmp_path / "runs/f/config.yaml").read_text())
        assert document["fit"]["candidates"] == plan(BASE, SMALL, Design(**COARSE)).grid.counts


def interrupted_at(number):
    def evaluate(request, report):
        if request.number == number:
            raise KeyboardInterrupt
        return trained(larger_images_are_better)(request, report)

    return evaluate


class TestResume:
    @pytest.mark.parametrize("number", [0, 7, 21])
    def test_an_interrupted_fit_ends_as_it_would_have(self, number, compared):
        with pytest.raises(KeyboardInterrupt):
            fit(BASE, SMALL, Design(**COARSE, compare=True), evaluate=interrupted_at(number))
        again = resume("f", evaluate=trained(larger_images_are_better))
        assert trainings("f") == trainings(compared.path)
        assert again.coefficients == compared.coefficients
        for name in ("coefficients.yaml", "candidates.csv", "comparison.csv", "plane.svg"):
            assert (again.path / name).read_bytes() == (compared.path / name).read_bytes()

    def test_a_finished_fit_trains_nothing(self):
        found = fitted()
        (found.path / "coefficients.yaml").unlink()
        again = resume("f", evaluate=interrupted_at(0))
        assert again.coefficients == found.coefficients
        assert (found.path / "coefficients.yaml").exists()

    def test_the_budget_can_be_raised(self):
        with pytest.raises(Stopped, match="budget is spent"):
            fitted(settings={"budget": 1e-6})
        assert resume("f", {"budget": 600}, evaluate=trained(larger_images_are_better)).coefficients

    def test_a_new_budget_holds_for_the_next_resume_too(self):
        with pytest.raises(Stopped, match="budget is spent"):
            fitted(settings={"budget": 1e-6})
        assert not open_run("f").over
        with pytest.raises(KeyboardInterrupt):
            resume("f", {"budget": 600}, evaluate=interrupted_at(2))
        assert open_run("f").config.settings.budget == 600
        assert resume("f", evaluate=trained(larger_images_are_better)).coefficients
        assert open_run("f").over

    @pytest.mark.parametrize("setting", ["trials", "finals"])
    def test_a_setting_that_a_fit_lacks_is_refused_at_a_resume_too(self, setting):
        fitted()
        with pytest.raises(UserError, match=f"{setting} is not a setting of a fit"):
            resume("f", {setting: 3})

    def test_nothing_else_can_change(self):
        fitted()
        with pytest.raises(UserError, match=r"proxy\.epochs|proxy cannot change"):
            resume("f", {"proxy.epochs": 3})

    def test_searches_and_fits_are_resumed_by_their_own_commands(self):
        from search import resume as resume_search

        fitted()
        with pytest.raises(UserError, match="scale fit --resume f"):
            resume_search("f")
        settings = {"space": "tiny_space", "trials": 1, "proxy.resolution": 16, "run": "s"}
        launch({k: v for k, v in SMALL.items() if k != "run"} | settings, evaluate=looked_up)
        with pytest.raises(UserError, match="search resume s"):
            resume("s")

    def test_kill_9_loses_no_finished_candidate(self, tmp_path):
        """A trial that was reported before the kill is never trained again."""
        (tmp_path / "drive.py").write_text(SCRIPT)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        told: list[int] = []
        for stop_after in (9, 1000):
            driver = subprocess.Popen(
                [sys.executable, "drive.py"], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
            )
            for lines, line in enumerate(driver.stdout, start=1):
                told.append(int(line))
                if lines >= stop_after:
                    driver.send_signal(signal.SIGKILL)
                    break
            told += [int(line) for line in driver.stdout if line.endswith("\n")]
            driver.wait()
            driver.stdout.close()
        assert len(told) == len(set(told))
        assert all(trial.state == "complete" for trial in open_run("f").trials)
        assert (tmp_path / "runs/f/coefficients.yaml").exists()


SCRIPT = textwrap.dedent(f"""
    import os
    from contextlib import nullcontext
    from scaling import Design, Rounding
    from scaling.fitting.fit import fit, resume
    from search.testing import looked_up

    class Told:
        def begin(self, path, engine):
            return nullcontext()
        def finished(self, trial):
            print(trial.number, flush=True)
        def note(self, text):
            pass

    if __name__ == "__main__":
        if os.path.exists("runs/f"):
            resume("f", display=Told(), evaluate=looked_up)
        else:
            settings = {SMALL | {"executor": "local", "executor.workers": 2}!r}
            design = Design(step=0.1, rounding=Rounding(divisor=4, depth="round"))
            fit({BASE!r}, settings, design, display=Told(), evaluate=looked_up)
    """)


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "design", "message"),
        [
            ({"proxy.resolution": 16}, {}, "at its own resolution"),
            ({"proxy.width": 0.5}, {}, "at its own resolution"),
            ({"space": "effv2"}, {}, "space is not a setting of a fit; permitted: data, proxy"),
            ({"reward.w": -0.1}, {}, r"reward\.w is not a setting of a fit"),
            ({"trials": 4}, {}, "trials is not a setting"),
            ({"first": "v2-b0"}, {}, "first is not a setting of a fit"),
            ({"data": "npz"}, {}, r"data\.images is a setting of data=shapes; this is data=npz"),
            ({"run": "a/b"}, {}, "run=a/b"),
            ({"proxy": "finetune"}, {}, r"proxy\.parent=weights: a fit trains"),
            ({"proxy.device": "xpu"}, {}, "xpu"),
            ({"executor": "ray", "executor.address": "127.0.0.1:1"}, {}, r"127\.0\.0\.1:1|ray"),
            ({}, {"rule": "compund"}, "Did you mean 'compound'"),
            ({}, {"rule": "width"}, "has no coefficients to choose"),
            ({}, {"seeds": 0}, "--seeds is 0"),
            ({}, {"leaders": 0}, "--leaders is 0"),
            ({}, {"phi": 99}, "phi is 99"),
            ({}, {"phi": 0}, "phi is 0"),
            ({}, {"step": 5}, "--step is 5"),
            (
                {},
                {"phi": -3, "compare": True},
                "phi is -3, where a candidate cannot be compared: .* by rule depth",
            ),
        ],
    )
    def test_mistakes_are_refused_before_anything_is_written(self, settings, design, message, tmp_path):
        with pytest.raises(UserError, match=message) as refusal:
            fit(BASE, SMALL | settings, Design(**COARSE | design), evaluate=looked_up)
        assert "\n" not in str(refusal.value)
        assert not (tmp_path / "runs").exists()

    def test_a_name_that_is_taken(self):
        fitted()
        with pytest.raises(UserError, match="scale fit --resume f"):
            fitted()


def test_the_plan_marks_the_published_triple():
    candidates = plan("b0", SMALL).grid.candidates
    assert [c.coefficients for c in candidates if c.published] == [PAPER]


def test_other_rules_are_fitted_around_their_own_triple():
    found = fit(BASE, SMALL, Design(rule="lacs", step=0.2), evaluate=looked_up)
    document = yaml.safe_load((found.path / "coefficients.yaml").read_text())
    assert document["rule"] == "lacs"
    assert isinstance(found.coefficients, Coefficients)


def test_candidates_have_the_channels_that_the_data_are_given():
    planned = plan(BASE, SMALL | {"data.channels": 1}, Design(**COARSE))
    assert planned.config.space.at(()).channels == 1
