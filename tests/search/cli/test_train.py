from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner

import search as search_package
from scaling.cli.main import cli as scale
from search.cli.main import search
from search.models.model import Provenance, save_model
from search.testing import looked_up
from search.training.named_models import untrained
from search.training.networks import network_to_train
from search.training.settings import task_of
from space import CATALOG, UserError, decode

CANONICAL = "r16_i8_s1/fused_d1_k3_s2_e1_w8/h16_c10"
TINY = [
    "data=shapes",
    "recipe.epochs=1",
    "recipe.batch=32",
    "data.images=200",
    "data.test_images=20",
    "recipe.device=cpu",
]


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def invoke(*words):
    return CliRunner().invoke(search, ["train", *words])


def test_trains_and_says_what_next(tmp_path):
    result = invoke(CANONICAL, *TINY, "out=m", "tensorboard=true")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "accuracy on test" in result.output
    assert "search predict m" in result.output
    assert "epoch 1 of 1, loss" in result.output
    assert list((tmp_path / "m").glob("events.out.tfevents*"))
    again = invoke("--resume", "m")
    assert again.exit_code == 0 and "is finished" in again.output
    with pytest.raises(UserError, match="--resume m"):
        CliRunner().invoke(search, ["train", CANONICAL, "out=m", "data=shapes"], catch_exceptions=False)


def test_tells_what_it_would_train(tmp_path):
    result = invoke("v2-s", "recipe=effv2_s", "recipe.batch=32", "data=shapes", "--print-config")
    document = yaml.safe_load(result.output)
    assert document["recipe"]["batch"] == 32
    assert document["architecture"].startswith("r384_i24/") and document["architecture"].endswith("_c10")
    assert not (tmp_path / "models").exists()


def test_a_network_without_images_does_not_get_synthetic_ones():
    with pytest.raises(UserError, match=r"^v2-b0: which images\? .*data=shapes for synthetic ones\.$"):
        task_of("v2-b0", {})


def test_a_member_of_a_family_takes_the_images_of_its_run(tmp_path, monkeypatch):
    data = {"data.images": 100, "data.test_images": 20}
    settings = {"space": "tiny_space", "proxy": "tiny", "trials": 1, "executor": "serial", "run": "r"}
    search_package.launch({**settings, **data, "reward.w": 0}, evaluate=looked_up)
    family = CliRunner().invoke(scale, ["--base", "r", "--family", "0,1", "--save", "fam"])
    assert family.exit_code == 0, (family.output, family.exception)
    member = sorted(path.name for path in (tmp_path / "fam").iterdir())[0]
    assert f"Next: search train fam/{member}" in family.output
    assert task_of(f"fam/{member}", {})[0].source.images == 100
    with pytest.raises(UserError, match=rf"fam holds 2 networks; train one of them: fam/{member}, fam/"):
        task_of("fam", {})


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["v2-z"], "Did you mean 'v2-s'"),
        (["v2-s", "recipe=smal"], "Did you mean 'small'"),
        (["v2-s", "recipe.epoch=3"], "Did you mean 'recipe.epochs'"),
        (["v2-s", "epochs=3"], "Unknown setting 'epochs'"),
        (["v2-s", "proxy.epochs=3"], "Unknown group 'proxy'"),
        (["v2-s", "seed=x"], "seed=x"),
        (["v2-s", "data=npz", "data.path=no.npz"], "no.npz"),
        (["--resume", "nothing"], "There is no training"),
    ],
)
def test_refuses(words, why, tmp_path):
    result = CliRunner().invoke(search, ["train", *words])
    assert isinstance(result.exception, UserError)
    assert why in str(result.exception)
    assert not list(tmp_path.glob("models/*"))


def test_help_tells_the_recipe_that_the_words_choose():
    result = invoke("--help", "recipe=effv2_l_released")
    assert "recipe.resolution=[192, 256, 320, 384]" in " ".join(result.output.split())
    assert "or small" in result.output


def test_what_can_be_trained(tmp_path):
    assert network_to_train("b0").architecture == CATALOG["b0"].architecture
    assert network_to_train(CANONICAL).architecture == decode(CANONICAL)
    text = "resolution: 16\nstem: {width: 8, stride: 1}\nhead: {width: 16}\nclasses: 10\nstages:\n"
    (tmp_path / "net.yaml").write_text(
        text + "- {op: fused, kernel: 3, expand: 1, depth: 1, stride: 2, width: 8}\n"
    )
    assert network_to_train("net.yaml").architecture == decode(CANONICAL)
    (tmp_path / "space.yaml").write_text(
        text + "- {op: mb, kernel: [3, 5], expand: 1, depth: 1, stride: 2, width: 8}\n"
    )
    with pytest.raises(UserError, match="1 open choices"):
        network_to_train("space.yaml")
    with pytest.raises(UserError, match=r"net2\.yaml"):
        network_to_train("net2.yaml")


def test_the_data_decide_classes_and_channels_and_the_recipe_the_resolution():
    task, folder = task_of("b0", {"recipe.evaluation": 64, "data": "shapes", "seed": "3"})
    assert (task.architecture.resolution, task.architecture.classes, task.seed) == (64, 10, 3)
    assert folder.parts[0] == "models" and folder.name.startswith("b0-")


def test_a_models_folder_has_the_images_of_its_training(tmp_path):
    assert invoke(CANONICAL, *TINY, "out=m").exit_code == 0
    told = yaml.safe_load(invoke("m", "recipe.epochs=1", "--print-config").output)
    assert (told["data"]["images"], told["data"]["test_images"]) == (200, 20)
    (tmp_path / "m/training.yaml").unlink()
    with pytest.raises(UserError, match=r"^m does not say where .*: add data=shapes\.$"):
        task_of("m", {})
    assert task_of("m", {"data": "shapes"})[0].source.images == 12_500


@pytest.mark.parametrize(
    ("trained", "data", "asked"),
    [
        (True, "npz", r"add data=npz data\.path=\.\.\."),
        (True, "ImageNet", r"add data=NAME data\.path=\.\.\."),
        (False, "folder", r"add data=folder data\.path=\.\.\."),
    ],
)
def test_a_trained_model_is_not_trained_on_synthetic_images_unasked(tmp_path, trained, data, asked):
    made = untrained(decode(CANONICAL), provenance=Provenance(data=data))
    save_model(replace(made, trained=trained), tmp_path / "m")
    with pytest.raises(UserError, match=asked):
        task_of("m", {})
    save_model(untrained(decode(CANONICAL)), tmp_path / "fresh")
    with pytest.raises(UserError, match="which images"):
        task_of("fresh", {})


def test_from_python(tmp_path):
    settings = dict(word.split("=") for word in TINY)
    settings |= {key: int(settings[key]) for key in settings if settings[key].isdigit()}
    model = search_package.train(CANONICAL, {**settings, "out": "mine"})
    assert model.metric("accuracy").split == "test" and (tmp_path / "mine/model.json").exists()
    with pytest.raises(UserError, match="--resume mine"):
        search_package.train(CANONICAL, {**settings, "out": "mine"})
