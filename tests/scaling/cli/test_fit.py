"""The command `scale fit`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from scaling.cli.main import cli, main
from scaling.fitting import fit as fitting
from search.engine.driving import Stopped
from search.testing import looked_up
from search.trials.ledger import LedgerFailed

BASE = (
    "r16_i8_s1/fused_d1_k3_s1_e1_w16/fused_d2_k3_s2_e2_w24/mb_d2_k3_s1_e3_w32_se0.25"
    "/mb_d2_k5_s1_e3_w40/mb_d3_k3_s2_e3_w56_se0.25/mb_d1_k3_s1_e3_w80/h64_c10"
)
SMALL = ("data.images=100", "data.test_images=20", "executor=serial", "proxy.epochs=1", "proxy.batch=4")
COARSE = ("--step", "0.1", "--divisor", "4", "--depth-rounding", "round")


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("begin", "resume"):
        monkeypatch.setattr(fitting, name, untrained(getattr(fitting, name)))


def untrained(function):
    return lambda *args, **named: function(*args, **{**named, "evaluate": looked_up})


def run(*arguments):
    result = CliRunner().invoke(cli, ["fit", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def refused(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["scale", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capsys.readouterr()
    assert (stopped.value.code, out) == (2, "")
    assert err.startswith("scale: ")
    assert err.count("\n") == 1
    return err


def test_a_dry_run_prints_candidates_counts_and_time(tmp_path):
    result = run("--base", BASE, *SMALL, *COARSE, "--dry-run", "--compare")
    assert "23 triples on the grid, 23 within the bound on real multiply-adds, 18 distinct" in result.stderr
    assert "18 trainings with the first seed, at most 32 with all 3 seeds (of" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split()[:4] == ["Candidate", "alpha", "beta", "gamma"]
    assert sum(" yes " in line for line in lines[1:19]) == 1
    assert "Estimate: " in lines[-1]
    assert "a step of the base of " in lines[-1]
    assert not (tmp_path / "runs").exists()


def test_scale_reads_the_coefficients_of_a_fit():
    result = run("--base", BASE, *SMALL, *COARSE, "--compare", "run=f")
    assert "winner" in result.stdout
    assert "runs/f/coefficients.yaml" in result.stdout
    coefficients = yaml.safe_load(open_("runs/f/coefficients.yaml"))
    scaled = CliRunner().invoke(
        cli, ["--base", BASE, "--coefficients", "runs/f/coefficients.yaml", "--phi", "1"]
    )
    assert f"alpha {coefficients['alpha']:.4g}, beta {coefficients['beta']:.4g}" in scaled.stdout
    assert "multiples of 4" in scaled.stdout
    candidates = open_("runs/f/candidates.csv").splitlines()
    (architecture,) = [line.rsplit(",", 1)[1] for line in candidates if ",winner," in line]
    assert f"Architecture: {architecture}" in scaled.stdout


def open_(path):
    with open(path) as file:
        return file.read()


def test_resuming_a_finished_fit_prints_it_again():
    first = run("--base", BASE, *SMALL, *COARSE, "run=f")
    assert run("--resume", "f").stdout == first.stdout


@pytest.mark.parametrize(("path", "name"), [(fitting.RUNS / "f", "f"), (Path("elsewhere/f"), "elsewhere/f")])
def test_a_fit_that_ends_early_says_how_to_continue(monkeypatch, path, name):
    def stopped(planned, *, display):
        display.path = path
        raise Stopped("The budget is spent.")

    monkeypatch.setattr(fitting, "begin", stopped)
    result = CliRunner().invoke(cli, ["fit", "--base", BASE, *SMALL])
    assert result.exit_code == 1
    assert "scale: The budget is spent. Continue with: scale fit --resume " + name + "\n" in result.stderr


def test_the_end_of_a_fit_is_one_sentence_without_control_characters(monkeypatch):
    def stopped(planned, *, display):
        display.path = fitting.RUNS / "f"
        raise LedgerFailed("cannot write \x1b[2Jf: disk full")

    monkeypatch.setattr(fitting, "begin", stopped)
    result = CliRunner().invoke(cli, ["fit", "--base", BASE, *SMALL])
    assert result.exit_code == 1
    told = r"scale: cannot write \x1b[2Jf: disk full. Continue with: scale fit --resume f"
    assert result.stderr.splitlines()[-1] == told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit",), "Give the network to fit"),
        (("fit", "--base", "b00"), "Did you mean 'b0'"),
        (("fit", "--base", BASE, "--rule", "compond"), "Did you mean 'compound'"),
        (("fit", "--base", BASE, "--rule", "depth"), "has no coefficients to choose"),
        (("fit", "--base", BASE, "--step", "0"), "--step is 0"),
        (("fit", "--base", BASE, "--seeds", "0"), "--seeds is 0"),
        (("fit", "--base", BASE, "--seeds", "x"), "is not a valid integer"),
        (("fit", "--base", BASE, "proxy.width=0.5"), "at its own resolution"),
        (("fit", "--base", BASE, "trails=3"), "trails is not a setting of a fit"),
        (("fit", "--base", BASE, "nonsense"), "'nonsense' is not a setting"),
        (("fit", "--base", BASE, "data=folders"), "Did you mean 'folder'"),
        (("fit", "--base", "runs/none"), "Unknown base 'runs/none'"),
        (("fit", "--resume", "none"), "There is no run 'none'"),
        (("fit", "--resume", "none", "--seeds", "4"), "--resume continues a fit with its own options"),
        (("--base", "b0", "fit"), "write: scale fit --base"),
    ],
)
def test_refuses(arguments, message, capsys, monkeypatch, tmp_path):
    assert message in refused(capsys, monkeypatch, *arguments)
    assert not (tmp_path / "runs").exists()


def test_help_needs_no_torch():
    code = "import sys; from scaling.cli.main import cli; cli(['fit', '--help'], standalone_mode=False)\n"
    code += "assert not {'torch', 'numpy', 'pydantic', 'search.engine.launch'} & set(sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
