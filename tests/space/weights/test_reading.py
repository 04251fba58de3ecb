import argparse
import json
import pickle
import struct

import pytest
import torch
from safetensors.torch import save_file

from space.refusal import UserError
from space.weights.reading import read_tensors

TENSORS = {"stem.weight": torch.arange(6.0).reshape(2, 3), "stem.num_batches_tracked": torch.tensor(3)}


def saved(folder, value, name="weights.pth"):
    torch.save(value, folder / name)
    return folder / name


def same(tensors):
    assert tensors.keys() == TENSORS.keys()
    return all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize(
    "name", ["a.pt", "a.bin", "model_best.pth.tar", "last.ckpt", "b0.model", "no ending", "a.safetensors"]
)
def test_state_dicts_are_read(tmp_path, name):
    read = read_tensors(saved(tmp_path, TENSORS, name))
    assert same(read.tensors)
    assert (read.metadata, read.within) == ({}, "")


def test_safetensors_are_read_with_their_header(tmp_path):
    save_file(TENSORS, tmp_path / "a.safetensors", {"architecture": "b0"})
    read = read_tensors(tmp_path / "a.safetensors")
    assert same(read.tensors)
    assert read.metadata == {"architecture": "b0"}
    save_file(TENSORS, tmp_path / "b.safetensors")
    assert read_tensors(tmp_path / "b.safetensors").metadata == {}


@pytest.mark.parametrize(
    ("value", "within"),
    [
        ({"n_averaged": torch.tensor(9)} | TENSORS, ""),
        (TENSORS | {"total_ops": torch.zeros(1), "stem.total_params": torch.zeros(1)}, ""),
        ({"net": TENSORS, "epoch": 3}, "net"),
        ({"generator": TENSORS, "optimizer": {"state": {0: {"step": torch.zeros(1)}}}}, "generator"),
        ({"checkpoint": {"state_dict": TENSORS}, "state_dict": None, "weights": TENSORS}, "weights"),
        ({"state_dict": TENSORS, "epoch": 3, "args": argparse.Namespace(lr=0.1)}, "state_dict"),
        ({"model": TENSORS, "optimizer": {"state": {}}}, "model"),
        ({"model": {"state_dict": TENSORS}}, "model.state_dict"),
        # Averaged weights are those that were evaluated.
        ({"state_dict": {}, "state_dict_ema": TENSORS}, "state_dict_ema"),
        ({"model": {}, "model_ema": {"n_averaged": torch.tensor(9)} | TENSORS}, "model_ema"),
        ({"state_dict": TENSORS, "state_dict_ema": None}, "state_dict"),
        ({"model": TENSORS, "ema": {"decay": 0.9, "shadow_params": list(TENSORS.values())}}, "model"),
        ({"model": TENSORS, "ema": {"decay": 0.9, "shadow": TENSORS}}, "ema.shadow"),
        ({"checkpoint": {"net": TENSORS, "epoch": 3}}, "checkpoint.net"),
        ({"a": {"b": {"c": TENSORS}}}, "a.b.c"),
    ],
)
def test_wrappers_are_taken_off(tmp_path, value, within):
    read = read_tensors(saved(tmp_path, value))
    assert same(read.tensors)
    assert read.within == within


def test_a_prefix_that_only_some_bear_is_a_name(tmp_path):
    tensors = {"module.weight": torch.zeros(1), "weight": torch.zeros(1)}
    assert read_tensors(saved(tmp_path, tensors)).tensors.keys() == tensors.keys()


def refusal(path):
    with pytest.raises(UserError) as refused:
        read_tensors(path)
    assert "\n" not in str(refused.value)
    return str(refused.value).replace(str(path.parent), "HERE")


class Planted:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return (open, ("planted.txt", "w"))


def test_pickles_that_could_run_code_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for value, name in ((Planted(), "open"), ({"a": Planted()}, "open")):
        said = refusal(saved(tmp_path, value))
        assert "holds more than tensors" in said and name in said
    said = refusal(saved(tmp_path, torch.nn.Linear(1, 1)))
    assert said == (
        "HERE/weights.pth holds more than tensors (torch.nn.modules.linear.Linear); reading that could run code."
        " Save the network's state_dict() instead."
    )
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Planted()))
    refusal(tmp_path / "plain.pt")
    assert not (tmp_path / "planted.txt").exists()


def test_files_that_are_cut_short_are_refused(tmp_path):
    whole = saved(tmp_path, TENSORS).read_bytes()
    save_file(TENSORS, tmp_path / "a.safetensors")
    safe = (tmp_path / "a.safetensors").read_bytes()
    for part in (0.0, 0.3, 0.6, 0.99):
        (tmp_path / "cut.pth").write_bytes(whole[: int(part * len(whole))])
        assert refusal(tmp_path / "cut.pth") == (
            "HERE/cut.pth is not a complete file of torch.save or safetensors: it is of another kind, damaged or"
            " incomplete."
        )
        (tmp_path / "cut.safetensors").write_bytes(safe[: int(part * len(safe))])
        assert "is not a complete" in refusal(tmp_path / "cut.safetensors")


@pytest.mark.parametrize("content", [b"<html>Not found</html>", b"\x89PNG\r\n\x1a\n", bytes(range(256))])
def test_other_files_are_refused(tmp_path, content):
    for name in ("a.pth", "a.safetensors"):
        (tmp_path / name).write_bytes(content)
        assert "is not a complete file of torch.save or safetensors" in refusal(tmp_path / name)


def test_a_header_that_claims_too_much_is_refused(tmp_path):
    header = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert "is not a complete safetensors file" in refusal(tmp_path / "a.safetensors")


def test_what_is_no_state_dict_is_refused(tmp_path):
    assert (
        refusal(saved(tmp_path, torch.zeros(1)))
        == "HERE/weights.pth holds a Tensor, which is not a state dict."
    )
    assert refusal(saved(tmp_path, [1])) == "HERE/weights.pth holds a list, which is not a state dict."
    assert refusal(saved(tmp_path, {"a": 1})) == "HERE/weights.pth holds no tensors; its keys: 'a'."


def test_missing_files_and_other_kinds_are_refused(tmp_path):
    saved(tmp_path, TENSORS, "b0.pth")
    assert refusal(tmp_path / "bo.pth").startswith(
        "Unknown file 'HERE/bo.pth'. Did you mean 'HERE/b0.pth'? Permitted: HERE/b0.pth."
    )
    assert refusal(tmp_path / "nowhere/bo.pth").startswith("Unknown file")
    for name in ("folder.pt", "folder.safetensors"):
        (tmp_path / name).mkdir()
        assert refusal(tmp_path / name).startswith(f"Cannot read HERE/{name}: ")


def test_several_state_dicts_are_listed(tmp_path):
    value = {"generator": TENSORS, "critic": TENSORS, "epoch": 3}
    assert refusal(saved(tmp_path, value)) == (
        "HERE/weights.pth holds several state dicts: 'generator', 'critic'. Save one of them alone."
    )


def test_a_safetensors_file_may_have_any_ending(tmp_path):
    save_file(TENSORS, tmp_path / "model.bin")
    assert same(read_tensors(tmp_path / "model.bin").tensors)
