import csv
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from search import launch
from search.cli.main import search
from search.models.model import load_model, save_model
from search.training import products
from search.training.checkpoint import read_progress
from search.training.named_models import untrained
from search.training.products import make, products_of
from search.training.progress import Callback
from search.training.task import DOCUMENT as TASK
from search.training.task import read_task
from space import UserError, build, cost, decode
from space.weights import Conventions, Weights, weights_file

NETWORK = decode("r16_i8_s1/mb_d2_k5_s2_e4_w16/mb_d1_k3_s2_e4_w24/h32_c10")
TUNED = {"recipe.epochs": 1, "recipe.batch": 32, "recipe.device": "cpu"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the run "children" of three trials, in which the tests work."""
    folder = tmp_path_factory.mktemp("home")
    torch.manual_seed(0)
    (folder / "parent.safetensors").write_bytes(
        weights_file(Weights(NETWORK, build(NETWORK).state_dict(), Conventions()))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = {"space": f"inside:{NETWORK}", "weights": "parent.safetensors", "run": "children"}
        settings |= {"data": "shapes", "data.images": 120, "reward": "accuracy", "executor": "serial"}
        run = launch(
            {**settings, "trials": 3, "finals": "off", "proxy.epochs": 0, "proxy.recalibrate_bn": 32}
        )
        yield run


def refusal(word, settings):
    with pytest.raises(UserError) as refused:
        products_of(word, settings)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_product_is_the_most_accurate_child_within_the_limit(home):
    by_size = sorted(home.trials, key=lambda trial: trial.cost.params)
    smallest, largest = by_size[0].cost.params, by_size[-1].cost.params
    planned = products_of("children", {"limit.params": f"{smallest},{largest}", **TUNED})
    one, all_of_them, parent = planned.every
    assert one.trial.cost.params == smallest
    assert all_of_them.trial.result.accuracy == max(trial.result.accuracy for trial in home.trials)
    assert (one.name, one.folder.name) == (f"params={smallest}", f"children-params-{smallest}")
    assert (one.amount, parent.amount) == (smallest, cost(parent.task.architecture).params)
    assert parent.task.architecture == replace(NETWORK, classes=one.task.architecture.classes, channels=3)
    assert (planned.cost, planned.out.name) == ("params", "children-params")
    assert one.task.recipe.epochs == 1 and one.task.recipe.backbone_lr_scale < 1


def test_a_product_is_a_model_as_inherited_and_fine_tuned_and_is_made_once(home, tmp_path):
    product, parent = products_of("children", {"limit.macs": "1G", "out": str(tmp_path / "m"), **TUNED}).every
    assert parent.folder == tmp_path / "m-parent"
    assert product.folder == tmp_path / "m-macs-1G"
    inherited, tuned = make(product)
    assert inherited.architecture == tuned.architecture == product.trial.architecture
    assert tuned.provenance.trial == product.trial.number
    assert inherited.metric("accuracy") and tuned.metric("accuracy")
    written = (product.folder / "model.safetensors").stat().st_mtime_ns
    make(product)
    assert (product.folder / "model.safetensors").stat().st_mtime_ns == written
    assert load_model(product.folder / "inherited").classes == tuned.classes


def test_the_models_of_another_training_are_refused(home, tmp_path, monkeypatch):
    settings = {"limit.macs": "1G", "out": str(tmp_path / "m"), **TUNED}
    child = products_of("children", settings).every[0]
    make(child)
    assert products_of("children", settings).every[0] == child
    assert "m-macs-1G holds another training than this macs=1G (different: seed)" in refusal(
        "children", settings | {"seed": 1}
    )
    assert "(different: recipe)" in refusal("children", settings | {"recipe.epochs": 2})
    assert "(different: data)" in refusal("children", settings | {"data.flip": False})
    # The search went on and found a better child.
    other = next(trial for trial in home.trials if trial.architecture != child.trial.architecture)
    with monkeypatch.context() as patch:
        patch.setattr(products, "_best", lambda *_: other)
        assert "(different: architecture, trial)" in refusal("children", settings)
    (child.folder / TASK).unlink()
    assert "it has no training.yaml" in refusal("children", settings)


def test_an_interrupted_product_is_continued_where_its_folder_was_moved(home, tmp_path):
    class Stopped(BaseException):
        pass

    class Stop(Callback):
        def on_step_end(self, progress, rate):
            if progress.step == 2:
                raise Stopped

    settings = {"limit.macs": "1G", **TUNED, "recipe.checkpoint": 0.0}
    child = products_of("children", settings | {"out": str(tmp_path / "old" / "m")}).every[0]
    with pytest.raises(Stopped):
        make(child, Stop())
    (tmp_path / "old").rename(tmp_path / "new")
    moved = products_of("children", settings | {"out": str(tmp_path / "new" / "m")}).every[0]
    assert read_progress(moved.folder).step == 1
    inherited, tuned = make(moved)
    assert inherited.architecture == tuned.architecture == child.trial.architecture
    assert read_task(moved.folder) == moved.task


def test_weights_inherited_by_another_child_are_not_fine_tuned(home, tmp_path):
    """A command was stopped before the fine-tuning, and the search went on and found another child."""
    child = products_of("children", {"limit.macs": "1G", "out": str(tmp_path / "m"), **TUNED}).every[0]
    other = next(trial for trial in home.trials if trial.architecture != child.trial.architecture)
    save_model(untrained(other.architecture), child.folder / "inherited")
    inherited, tuned = make(child)
    assert inherited.architecture == tuned.architecture == child.trial.architecture


def test_the_command_makes_all_products_a_table_and_a_figure(home, tmp_path):
    macs = min(trial.cost.macs for trial in home.trials)
    words = [f"limit.macs={macs},1G", f"out={tmp_path / 'm'}", *(f"{k}={v}" for k, v in TUNED.items())]
    result = CliRunner().invoke(search, ["train", "children", *words])
    assert result.exit_code == 0, result.output
    # Another model is fine-tuned beside them, and nothing is trained again.
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("m-*/model.safetensors")}
    result = CliRunner().invoke(search, ["train", "children", *words, f"weights={tmp_path / 'm-macs-1G'}"])
    assert result.exit_code == 0, result.output
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    rows = list(csv.DictReader((tmp_path / "m-macs.csv").read_text().splitlines()))
    assert [row["product"] for row in rows] == [
        f"macs={macs}",
        "macs=1G",
        "parent",
        "m-macs-1G",
    ]
    assert float(rows[0]["amount"]) == macs and rows[3]["inherited"] == rows[3]["trial"] == ""
    assert all(0 <= float(row["tuned"]) <= 1 for row in rows)
    assert (tmp_path / "m-macs.png").stat().st_size > 1000 and (tmp_path / "m-macs.md").exists()


def test_the_command_prints_what_it_would_train(home):
    result = CliRunner().invoke(search, ["train", "children", "limit.macs=1M,1G", "--print-config"])
    assert result.exit_code == 0 and result.output.count("architecture:") == 3


@pytest.mark.parametrize(
    ("word", "settings", "reason"),
    [
        ("children", {"limit.macs": "1"}, "limit.macs=1: none of 3 complete trials"),
        ("children", {"limit.macs": "1X"}, "limit.macs=1X: '1X' is not a valid count"),
        ("children", {"limit.macs": " "}, "limit.macs=: '' is not a valid count"),
        ("children", {"limit.macs": "1M,"}, "limit.macs=: '' is not a valid count"),
        ("children", {"limit.step": "3ms"}, "has no predicted step of its networks"),
        ("children", {"limit.mac": "1M"}, "Did you mean 'macs'?"),
        ("children", {"limit.macs": "1M", "limit.params": "1M"}, "limits on the same cost"),
        ("children", {"limit.macs": "1M,1M"}, "has a limit twice"),
        ("children", {"limit.macs": "1M", "weights": "b0"}, "weights=b0: not the folder of a model"),
        ("children", {"limit.macs": "1M", "weights": "b0,"}, "weights=b0: not the folder of a model"),
        ("children", {"limit.macs": "1M", "out": "."}, "out=.: products are named after it"),
        ("children", {"limit.macs": "1M", "out": ".."}, "out=..: products are named after it"),
        ("children:1", {"limit.macs": "1M"}, "name the run without a trial"),
        ("childern", {"limit.macs": "1M"}, "children"),
    ],
)
def test_mistakes_are_said_in_one_line(home, word, settings, reason):
    assert reason in refusal(word, settings)


def test_other_runs_have_no_products(home):
    launch({"space": "tiny_space", "proxy": "tiny", "trials": 1, "finals": "off", "run": "other",
            "executor": "serial", "reward": "accuracy", "data": "shapes", "data.images": 120})  # fmt: skip
    assert "inherit no weights" in refusal("other", {"limit.macs": "1M"})
