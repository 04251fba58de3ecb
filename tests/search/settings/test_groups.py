"""What help and completion say about settings is what a search does with them."""

import json
import subprocess
import sys

import pytest
import yaml

from search.config import _KINDS, _MODELS, Config
from search.settings.groups import first_sentence, groups, limits, options, places, typed
from search.settings.words import GROUPS, KIND
from space import UserError, documents
from space.choices.loading import load_space

SHIPPED = [(group, name) for group in GROUPS[1:] for name in documents.names(group)]


def shown(**words):
    return {setting.key: setting.value for group in groups(words) for setting in group.settings}


@pytest.mark.parametrize(("group", "name"), SHIPPED)
def test_every_setting_of_a_document_is_told_with_its_value(group, name):
    """A document that leaves an option to its model's default would leave it out of the help."""
    document = documents.read(group, name)
    model = _MODELS.get(group) or _KINDS[group][document[KIND[group]]]
    told = {setting.key.removeprefix(f"{group}.") for setting in options(group, name)}
    assert told == model.model_fields.keys() - {KIND.get(group)}


def test_what_is_told_is_what_a_search_is_configured_with():
    resolved = Config.of({}).document()
    for group in groups({}):
        if group.key != "space":
            told = {s.key.partition(".")[2]: yaml.safe_load(s.value) for s in group.settings}
            if group.key == "reward":
                assert told.pop("reference") is None  # decided at the launch, by the space
            assert told == {key: resolved[group.key][key] for key in told}
    told = {setting.key: yaml.safe_load(setting.value) for setting in limits({})}
    assert told == {key: resolved[key] for key in told}


def test_words_change_what_is_told():
    found = shown(**{"proxy": "small", "proxy.epochs": "9", "data": "npz", "data.path": "x.npz"})
    assert (found["proxy.width"], found["proxy.epochs"], found["data.path"]) == ("1.0", "9", "x.npz")
    assert "data.images" not in found
    assert shown(**{"space.stages.*.kernel": "3"})["space.stages.1"].startswith("{op: [fused, {mb:")
    assert "kernel: 3," in shown(**{"space.stages.*.kernel": "3"})["space.stages.1"]
    assert {setting.key: setting.value for setting in limits({"trials": "7"})}["trials"] == "7"


def test_a_file_of_the_users_is_told_as_a_shipped_one(tmp_path):
    (tmp_path / "my.yaml").write_text("# Mine.\nepochs: 2  # few\nimages: 10\n")
    (group,) = [g for g in groups({"proxy": str(tmp_path / "my.yaml")}) if g.key == "proxy"]
    assert group.about == "Mine."
    epochs, images = group.settings
    assert (epochs.key, epochs.value, epochs.meaning) == ("proxy.epochs", "2", "few")
    assert images.meaning.startswith("images to train with")


@pytest.mark.parametrize("name", ["around:b0", "inside:b0"])
def test_a_space_that_a_network_defines_is_told(name):
    space = load_space(name)
    words = {"space": name, "space.widths": "0.5,1", "space.stages.*.depth": "2"}
    told = [next(iter(groups(chosen))) for chosen in ({"space": name}, words)]
    for group, known in zip(
        told, (space, load_space(name, {"widths": [0.5, 1], "stages.*.depth": 2})), strict=True
    ):
        assert (group.key, group.name, group.about) == ("space", name, "")
        values = {setting.key: yaml.safe_load(setting.value) for setting in group.settings}
        assert values["space.stages.1"] == json.loads(json.dumps(known.document["stages"][1]))
    with pytest.raises(UserError, match="'b00'"):
        list(groups({"space": name[:-2] + "b00"}))


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("spce=effv2", "space"),
        ("space=effv3", "effv2"),
        ("proxy.epoch=3", "proxy.epochs"),
        ("trial=3", "trials"),
    ],
)
def test_what_there_is_not_is_refused(word, nearest):
    with pytest.raises(UserError, match=f"Did you mean '{nearest}'"):
        chosen = typed([word])
        list(groups(chosen))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"data.path": "photos.npz"}, r"data\.path is a setting of data=.*npz.*; this is data=shapes\."),
        (
            {"executor.address": "auto"},
            r"executor\.address is a setting of executor=ray; this is executor=local\.",
        ),
        (
            {"reward": "pareto", "reward.target": "1"},
            r"reward\.target is a setting of reward=.*tunas; this is reward=p",
        ),
        ({"sampler.tournament": "2"}, r"sampler\.tournament is a setting of sampler=evolution; this is s"),
    ],
)
def test_a_setting_of_another_document_is_said_to_be_one(words, says):
    with pytest.raises(UserError, match=f"^{says}"):
        list(groups(words))


@pytest.mark.parametrize("group", GROUPS)
def test_no_first_sentence_is_cut_after_the_name_of_an_author(group):
    told = [first_sentence(group, name) for name in documents.names(group)]
    assert not [sentence for sentence in told if sentence.endswith(" al.")]


def test_places_of_a_space():
    found = {setting.key: setting.value for setting in places("tiny_space")}
    assert list(found)[:3] == ["space.resolution", "space.stem", "space.stages.0"]
    assert found["space.stem"] == "{width: 8, stride: 1}"


def test_help_lists_every_group_name_and_setting():
    command = [sys.executable, "-c", "from search.cli.main import main; main()", "launch"]
    text = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    for group in groups({}):
        assert f"\n{group.key}, {group.meaning}:\n  {group.key}={group.name} " in text
        assert all(f"    or {name} " in text for name, _ in group.others)
        joint = " " if group.key == "space" else "="
        assert all(f"\n  {setting.key}{joint}" in text for setting in group.settings)
    changed = [*command, "proxy=small", "trials=7", "--help"]
    text = subprocess.run(changed, capture_output=True, text=True, check=True).stdout
    assert "proxy=small " in text
    assert "proxy.width=1.0 " in text
    assert "trials=7 " in text


def test_help_imports_no_models():
    code = (
        "import sys; from search.cli import main as cli; sys.argv = ['search', 'launch', '-h']\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'numpy', 'torch'} & set(sys.modules); assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
