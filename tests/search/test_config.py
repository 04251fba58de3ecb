from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from search.config import _BASES, _KINDS, _MODELS, Config
from search.settings.quantities import seconds
from search.settings.run_settings import RunSettings
from search.settings.words import GROUPS, KIND, parse
from space import CATALOG, UserError, documents


def refusal(words):
    with pytest.raises(UserError) as refused:
        Config.of(parse(words))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_defaults_are_whole():
    config = Config.of({})
    assert (config.space.name, config.data.source, config.settings.trials) == ("effv2", "shapes", 20)


def test_the_reference_is_a_published_network_that_the_space_contains():
    assert all(name in CATALOG for name in _BASES)
    config = Config.of({"space": "around:mobilenet-v2-1.0"})
    assert config.reference == config.space.adapt(CATALOG["mobilenet-v2-1.0"].architecture)


def test_without_training_there_are_finals_only_on_request():
    untrained = {"space": "inside:b0", "proxy": "finetune", "proxy.epochs": 0}
    config = Config.of(untrained)
    assert config.finals.trainings(1000, base=True) == 0
    assert config.resumed({"finals": "auto"}).finals.trainings(1000) == 0
    assert Config.of({**untrained, "finals": "full"}).finals.trainings(1000) == 15
    assert Config.of({**untrained, "proxy.epochs": 1}).finals.trainings(1000) == 15


PRESETS = {
    *(("proxy", name) for name in ("finetune", "mini", "small", "tiny")),
    *(("reward", name) for name in ("effnet", "mnasnet_hard")),
    *(("finals", name) for name in ("full", "off")),
    ("data", "fashion_mnist"),
}
"""The shipped documents that exist for values which are not the defaults."""


@pytest.mark.parametrize("group", GROUPS[1:])
def test_a_shipped_document_states_the_defaults_of_its_class_unless_it_is_a_preset(group):
    for name in documents.names(group):
        document = documents.read(group, name)
        fields = (_MODELS.get(group) or _KINDS[group][document[KIND[group]]]).model_fields
        defaults = {key: fields[key].default for key in document if key != KIND.get(group)}
        values = {key: value for key, value in document.items() if key in defaults}
        assert (values == defaults) == ((group, name) not in PRESETS), name


def test_document_round_trip_through_yaml():
    config = Config.of(parse(["space=effv2_32", "proxy.epochs=3", "trials=7", "limit.params=3e6"]))
    again = Config.of_document(yaml.safe_load(yaml.safe_dump(config.document())))
    assert again == config


def test_values_are_numbers_words_lists_and_nothing():
    settings = parse(["trials=1_000", "reward.w=-7e-2", "proxy.images=null", "space.stages.2.kernel=3,5"])
    assert settings == {
        "trials": 1000,
        "reward.w": -0.07,
        "proxy.images": None,
        "space.stages.2.kernel": [3, 5],
    }
    assert parse(["data.path=a,b.npz"]) == {"data.path": "a,b.npz"}


def test_names_that_look_like_numbers_are_names():
    config = Config.of(parse(["data=folder", "data.path=2024", "run=007", "space=tiny_space"]))
    assert (config.data.path.name, config.settings.run) == ("2024", "007")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5h", 5400), ("1d", 86400)],
)
def test_times(text, expected):
    assert seconds(text) == expected


def test_a_budget_alone_sets_no_number_of_trials():
    assert Config.of({"budget": "30m"}).settings.trials is None
    assert Config.of({"budget": "30m"}).settings.budget == 1800
    both = Config.of({"budget": "30m", "trials": 5}).settings
    assert (both.trials, both.budget) == (5, 1800)


def test_choices_are_pinned_and_widened():
    config = Config.of(parse(["space=effv2", "space.stages.*.op=mb", "space.stages.0.kernel=3,5,7"]))
    assert all(stage.op == "mb" and stage.se == 0.25 for stages in config.space.stages for stage in stages)
    assert {stage.kernel for stage in config.space.stages[0]} == {3, 5, 7}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["spce=effv2"], "Did you mean 'space'?"),
        (["space=effv3"], "Did you mean 'effv2'?"),
        (["space=./none.yaml"], "none.yaml"),
        (["proxy.epoch=3"], "Did you mean 'proxy.epochs'?"),
        (["prox.epochs=3"], "Did you mean 'proxy'?"),
        (["proxy.epochs=0"], "proxy: epochs is 0; only proxy=finetune"),
        (["proxy.epochs=many"], "proxy.epochs=many"),
        (["sampler=gpp"], "Did you mean 'gp'?"),
        (["sampler.sampler=tree"], "Unknown sampler.sampler 'tree'"),
        (["data=npz"], "data.path is missing"),
        (["reward.reference=b9"], "reward.reference=b9"),
        (["reward.w=nan"], "reward.w=nan"),
        (["trials=0"], "trials=0"),
        (["trials.x=0"], "write trials=VALUE"),
        (["trials="], "trials= has no value; trials=null means none."),
        (["limit.params=3X"], "limit.params=3X: '3X' is not a valid count"),
        (["budget=soon"], "budget=soon: a time is written like 90s, 30m or 1h30m"),
        (["seed=-1"], "seed=-1"),
        (["seed=1.5"], "seed=1.5"),
        (["seed=7,v2-b0"], "seed=7,v2-b0: a seed is a number; for networks to try first, write first=v2-b0"),
        (["first=v2b0"], "Unknown network for first 'v2b0'. Did you mean 'v2-b0'?"),
        (["first=r32_i16/mbb_d1_k3_s1_e1_w8/h8_c10"], "Did you mean 'mb'?"),
        (["reward.cost=params"], "weighs the parameters already"),
        (["reward=mnasnet", "reward.target=5ms"], "for a target in milliseconds, set reward.cost=latency"),
        (["latency=5ms"], "for a limit, write limit.latency=5ms"),
        (["reward=mnasnet", "reward.alpha=0.07"], "reward.alpha=0.07"),
        (["reward=mnasnethard"], "Did you mean 'mnasnet_hard'?"),
        (["sampler=nsga"], "Did you mean 'nsga2'?"),
        (["sampler=qmc", "sampler.sequence=sobel"], "'sobol' or 'halton'"),
        (["run=../up"], "run=../up: a name has letters"),
        (["run=a:1"], "run=a:1: a name has letters"),
        (["budget=1.2.3h"], "budget=1.2.3h: a time is written like 90s, 30m or 1h30m"),
        (["budget=.h"], "a time is written like"),
        (["budget=0m"], "greater than 0"),
        (["space.=3"], "space.SETTING=VALUE"),
        (["data.source=[a]"], "Unknown data.source"),
        (["proxy.shift=40"], "proxy: a shift of 40 pixels"),
        (["trials"], "write KEY=VALUE"),
        (["trials=1", "trials=2"], "trials is set twice"),
        (["space.stages.7.kernel=3"], "Unknown number in space.stages.7.kernel: '7'. Permitted: *, 0, 1, 2"),
        (["space.stages.0.kernel=4"], "stages.0: kernel is 4; it must be odd"),
        (["space.stages.0.op=conv"], "Unknown op 'conv'"),
        (["space.head.widht=8"], "Did you mean 'width'?"),
        (["executor.workers=0"], "executor.workers=0"),
        (["finals.top=-1"], "finals.top=-1"),
        (["finals.seed=3"], "Did you mean 'finals.seeds'?"),
        (["finals=of"], "Did you mean 'off'?"),
    ],
)
def test_mistakes_are_told_in_one_line(words, says):
    assert says in refusal(words)


@pytest.mark.parametrize("group", GROUPS)
def test_a_broken_configuration_of_a_run_is_told_in_one_line(group):
    document = Config.of({}).document()
    for broken in ({**document, group: "x"}, {**document, group: None}, {**document, group: {"x": [1]}}):
        with pytest.raises(UserError) as refused:
            Config.of_document(broken)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": "x"}, "space is 'x'; it must be a mapping of settings."),
        ({"space": {"name": "x"}}, "The configuration of the run lacks space.document."),
        ({"proxy": None}, "proxy is None; it must be a mapping of settings."),
        ({"data": 3}, "data is 3; it must be a mapping of settings."),
    ],
)
def test_a_broken_configuration_of_a_run_names_the_place(change, message):
    document = Config.of({}).document()
    with pytest.raises(UserError) as refused:
        Config.of_document({**document, **change})
    assert str(refused.value) == message
    del document["limit"]
    with pytest.raises(UserError, match=r"^The configuration of the run lacks limit\.$"):
        Config.of_document(document)


def test_a_resume_changes_limits_finals_and_executor_only():
    config = Config.of({})
    changed = config.resumed(parse(["trials=100", "executor=serial", "finals.top=7"]))
    assert (changed.settings.trials, changed.executor.executor) == (100, "serial")
    assert (changed.finals.top, changed.finals.seeds) == (7, None)
    assert config.resumed({"finals": "full"}).finals.seeds == 3
    assert config.resumed({}) == replace(config, pruner=config.pruner.decided(config.workload))
    for word in ("proxy.epochs=9", "space=effv1", "seed=3", "reward.w=0", "data.seed=1"):
        with pytest.raises(UserError, match="cannot change"):
            config.resumed(parse([word]))


def test_a_group_can_be_a_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sampler: tpe\nstartup: 3\n")
    assert Config.of({"sampler": str(path)}).sampler.startup == 3


@pytest.mark.parametrize("group", GROUPS)
def test_every_shipped_document_is_valid(group):
    for name in documents.names(group):
        path = {"data.path": "x"} if group == "data" and name not in ("shapes", "digits") else {}
        config = Config.of({group: name} | path)
        assert getattr(config, group)


def test_all_yaml_is_in_a_group():
    root = Path(__file__).parents[2] / "experiments/settings"
    found = {path.parent.name for path in root.rglob("*.yaml") if "results" not in path.parts}
    assert found == {*GROUPS, "launch", "train", "recipe", "compare"}


@pytest.mark.parametrize("group", ["limit", "finals"])
def test_a_default_is_the_same_in_the_class_and_in_yaml(group):
    model, document = _MODELS[group], documents.read(group, documents.read("launch", "default")[group])
    assert model.model_validate(document) == model()


def test_defaults_outside_groups_are_the_same_in_the_class_and_in_yaml():
    document = documents.read("launch", "default")
    values = {key: value for key, value in document.items() if key not in GROUPS}
    assert RunSettings.model_validate(values) == RunSettings()


@pytest.mark.parametrize("group", ["reward", "executor"])
def test_the_first_document_of_a_kind_has_the_defaults_of_its_class(group):
    for name, kind in _KINDS[group].items():
        if name in documents.names(group):
            fields = {key for key, field in kind.model_fields.items() if not field.is_required()}
            document = {key: value for key, value in documents.read(group, name).items() if key in fields}
            needed = {key: value for key, value in documents.read(group, name).items() if key not in fields}
            needed = {k: v if v is not None else "x" for k, v in needed.items()}
            assert kind.model_validate({**needed, **document}) == kind.model_validate(needed), name


def test_targets_are_written_with_letters_too():
    assert Config.of(parse(["reward=mnasnet", "reward.cost=macs", "reward.target=600M"])).reward.target == 6e8


def test_a_group_called_none_is_not_nothing():
    assert Config.of(parse(["pruner=none", "limit=none"])).pruner.pruner == "none"
