"""The commands as a user types them, on real trainings of seconds."""

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner

from scaling.cli.main import cli as scaling_command
from search import open_run
from search.cli import main as cli
from search.settings.words import GROUPS

TINY = ["space=tiny_space", "proxy=tiny", "data.images=400", "data.test_images=20", "executor.workers=2"]
TINY += ["step=measured"]
TRAINS = {"launch", "resume"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a finished run `done` of four trials in it."""
    folder = tmp_path_factory.mktemp("home")
    result = run(folder, "launch", *TINY, "trials=4", "run=done")
    assert result.returncode == 0, result.stderr
    return folder


def environment(folder):
    paths = os.pathsep.join(filter(None, sys.path))
    return os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(folder / "cache")}


def start(folder, *words, **options):
    command = [sys.executable, "-m", "search", *words]
    return subprocess.Popen(
        command,
        # A shell's background jobs ignore Ctrl-C, and so would what these tests start if they run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        cwd=folder,
        env=environment(folder),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def run(folder, *words):
    """Run a command: one that trains in a process of its own, others as `answered`."""
    if words[0] not in TRAINS:
        return answered(folder, *words)
    process = start(folder, *words)
    out, err = process.communicate(timeout=200)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def answered(folder, *words):
    """Run a command in this process, which saves seconds of imports."""
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, environment(folder)),
        mock.patch.object(sys, "argv", ["search", *words]),
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
        pytest.raises(SystemExit) as ended,
    ):
        cli.main()
    return subprocess.CompletedProcess(words, ended.value.code, out.getvalue(), err.getvalue())


def refused(folder, *words):
    """Exit code 2 and one line on standard error."""
    result = answered(folder, *words)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_launch_ends_with_a_table_and_the_next_command(home):
    result = run(home, "launch", *TINY, "trials=2", "run=other", "sampler=random")
    assert result.returncode == 0
    assert "Reward" in result.stdout
    assert "Next: search show other:" in result.stdout
    assert result.stderr.count("trial ") >= 2


def test_a_run_folder_says_how_it_was_made(home):
    folder = home / "runs/done"
    assert {path.name for path in folder.iterdir()} >= {"config.yaml", "environment.json", "trials.sqlite"}
    found = json.loads((folder / "environment.json").read_text())
    assert found["versions"]["torch"]
    assert found["data"]["classes"]


@pytest.mark.parametrize("command", [cli.search, scaling_command])
def test_the_version_is_told_also_where_the_package_is_not_installed(command, monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    for told in ("version ", "version unknown"):
        result = CliRunner().invoke(command, ["--version"], catch_exceptions=False)
        assert result.exit_code == 0
        assert told in result.output
        monkeypatch.setattr("importlib.metadata.version", missing)


def test_show_and_status(home):
    best = run(home, "show", "done").stdout
    assert "4 complete" in best
    trial = run(home, "show", "done:0").stdout
    assert "reward" in trial
    assert "agree on every part" in trial
    assert "runs/done" in run(home, "status").stdout
    assert "4 complete" in run(home, "status", "runs/done").stdout


@pytest.mark.parametrize("form", ["csv", "json", "md", "latex", "html"])
def test_export(home, form, tmp_path):
    result = run(home, "export", "done", "--format", form)
    assert result.returncode == 0
    assert run(home, "export", "done", "--format", form, "--out", str(tmp_path / "t")).stdout == ""
    assert (tmp_path / "t").read_text() == result.stdout


def test_export_is_exact(home, monkeypatch):
    monkeypatch.chdir(home)
    trials = open_run("done").trials
    rows = list(csv.DictReader(io.StringIO(run(home, "export", "done").stdout)))
    document = json.loads(run(home, "export", "done", "--format", "json").stdout)
    for trial, row, entry in zip(trials, rows, document["rows"], strict=True):
        assert float(row["reward"]) == entry["reward"] == trial.terms.reward
        assert int(row["params"]) == entry["params"] == trial.cost.params
        assert row["architecture"] == entry["architecture"] == str(trial.architecture)
        assert entry["accuracy"] * entry["step_term"] * entry["params_term"] == pytest.approx(entry["reward"])
        assert entry["macs_term"] is entry["memory_term"] is None
    assert (document["schema"], document["version"]) == ("compound-nas.trials", 8)


@pytest.fixture
def uneven(tmp_path):
    """A .npz file in which one class has ten times as many images as the other."""
    labels = np.repeat([0, 1], [100, 10])
    images = np.random.default_rng(0).integers(0, 256, (110, 8, 8, 4), dtype=np.uint8)
    np.savez(tmp_path / "uneven.npz", train_x=images, train_y=labels, classes=["ant", "bee"])
    return tmp_path


def test_show_data_tells_what_was_found(uneven):
    result = run(
        uneven, "show", "data=npz", "data.path=uneven.npz", "proxy.resolution=16", "--sheet", "s.png"
    )
    lines = result.stdout.splitlines()
    assert lines[1] == "2 classes; images: 70 train, 18 validation, 22 test"
    assert "images 8 high, 8 wide, resized to 16 x 16" in lines[2]
    assert "class 'ant' has 10.7 times as many training images as 'bee' (64 and 6)" in lines[4]
    assert any(line.split() == ["bee", "6", "2", "2"] for line in lines)
    assert (uneven / "s.png").read_bytes().startswith(b"\x89PNG")


def test_mistakes_are_one_line_and_write_nothing(home, tmp_path):
    assert "Did you mean 'space'?" in refused(tmp_path, "launch", "spce=effv2")
    assert "Did you mean 'effv2'?" in refused(tmp_path, "launch", "space=effv3")
    assert "data.path" in refused(tmp_path, "launch", "data=npz", "data.path=none.npz")
    assert "none.yaml" in refused(tmp_path, "launch", "space=./none.yaml")
    assert "Did you mean 'digits'?" in refused(tmp_path, "show", "data=digit")
    assert "not a setting of data" in refused(tmp_path, "show", "data=digits", "space=effv2")
    assert "--sheet needs data" in refused(tmp_path, "show", "b0", "--sheet", "x.png")
    assert "no run" in refused(tmp_path, "resume", "nothing")
    assert "Did you mean 'launch'?" in refused(tmp_path, "lanch")
    assert not list(tmp_path.glob("runs"))
    assert "Did you mean 'done'?" in refused(home, "status", "dome")
    assert "no trial 99" in refused(home, "show", "done:99")
    assert "Did you mean 'json'?" in refused(home, "export", "done", "--format", "jsn")
    assert "search resume done" in refused(home, "launch", *TINY, "run=done")
    assert "cannot change" in refused(home, "resume", "done", "proxy.epochs=2")
    assert "Did you mean 'v2-s'?" in refused(home, "show", "v2s")
    assert "Unknown op" in refused(home, "show", "r32_i8/mbb_d1_k3_s1_e1_w8/h8_c10")


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    result = run(tmp_path, "launch", *TINY, "trials=1", "run=x")
    assert result.returncode == 2
    assert "Cannot create runs" in result.stderr.splitlines()[-1]


def test_the_configuration_can_be_printed_without_a_search(tmp_path):
    result = run(tmp_path, "launch", "space=effv2", "trials=7", "--print-config")
    assert "trials: 7" in result.stdout
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_estimates_and_searches_nothing(tmp_path):
    result = run(tmp_path, "launch", *TINY, "trials=7", "reward.w=0", "--dry-run")
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
        "80 validation images",
        "a trial",
        "7 trials, 2 at a time",
        "Params",
        "memory",
        "disk",
    ]
    assert not (tmp_path / "runs").exists()


def test_a_run_in_which_nothing_was_trained_is_a_failure(tmp_path):
    result = run(tmp_path, "launch", *TINY, "budget=0.001", "run=short")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].endswith("Continue with: search resume short budget=30m")
    result = run(tmp_path, "launch", *TINY, "trials=1", "executor.threads=1000000000000", "run=failed")
    assert result.returncode == 1
    assert "No trial is complete; the last failed: " in result.stderr.splitlines()[-1]


PINNED = [f"space.stages.*.{choice}" for choice in ("op=mb", "expand=4", "kernel=3", "depth=1")]
"""The settings that leave one network of tiny_space."""


def test_a_space_whose_networks_have_all_failed_is_a_failure_that_no_resume_mends(tmp_path):
    result = run(tmp_path, "launch", *TINY, *PINNED, "trials=5", "executor.threads=1000000000000", "run=one")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "has been tried; none is complete, the last failed: " in last
    assert "search resume" not in last + run(tmp_path, "status", "one").stdout


def test_a_space_that_is_exhausted_shows_its_best(tmp_path):
    result = run(tmp_path, "launch", *TINY, *PINNED, "trials=5", "run=one")
    assert result.returncode == 0
    assert "every network of the space" in result.stderr.splitlines()[-1]
    assert "1 complete of " in result.stdout
    for command in ("status", "show"):
        told = run(tmp_path, command, "one").stdout
        assert "the search has ended: every network of the space" in told
        assert "not running" not in told
    run(tmp_path, "report", "one", "--out", "page.html")
    assert "The search is finished: 1 complete" in (tmp_path / "page.html").read_text()


def test_status_of_all_runs_tells_which_cannot_be_read(home, tmp_path):
    shutil.copytree(home / "runs/done", tmp_path / "runs/done")
    shutil.copytree(home / "runs/done", tmp_path / "runs/torn")
    (tmp_path / "runs/torn/trials.sqlite").write_text("no ledger" * 1000)
    (tmp_path / "runs/lost").mkdir()
    shutil.copy(home / "runs/done/config.yaml", tmp_path / "runs/lost")
    lines = run(tmp_path, "status").stdout
    assert "4 complete of 4 trials" in lines
    assert "runs/torn: " in lines
    assert "runs/lost: runs/lost/trials.sqlite is missing" in " ".join(lines.split())
    assert "cannot be used as a ledger" in refused(tmp_path, "status", "torn")


def test_a_run_can_be_in_a_folder_of_any_name(home, tmp_path):
    shutil.copytree(home / "runs/done", tmp_path / "my_project/a/done")
    assert "4 complete" in run(tmp_path, "show", "my_project/a/done").stdout
    assert "trial 1" in run(tmp_path, "show", "my_project/a/done:1").stdout
    resumed = run(tmp_path, "resume", "my_project/a/done", "trials=4")
    assert "Next: search show my_project/a/done:" in resumed.stdout


def test_an_output_that_is_full_or_closed_is_no_traceback(home):
    for words in (["show", "done"], ["launch", "--print-config"], ["export", "done"]):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "search", *words]
            result = subprocess.run(
                command, cwd=home, env=environment(home), stdout=full, stderr=subprocess.PIPE, text=True
            )
        assert result.returncode in (1, 2)
        assert "No space left on device" in result.stderr
        assert result.stderr.count("\n") == 1
        with start(home, *words) as process:
            process.stdout.close()
            assert process.stderr.read() == ""


def test_a_network_that_no_memory_holds_is_refused(home):
    assert "too large" in refused(home, "show", "r32_i16/mb_d1_k3_s1_e1_w10000000000/h64_c10")


def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(home):
    process = start(home, "launch", *TINY, "trials=500", "run=long")
    for line in process.stderr:
        if line.startswith("trial "):
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1].endswith("Continue with: search resume long")
    assert "Traceback" not in err
    states = {line.split(",")[1] for line in run(home, "export", "long").stdout.splitlines()[1:]}
    assert "running" not in states


@pytest.mark.parametrize("delay", [0.1, 0.8, 1.6])
def test_ctrl_c_while_workers_are_being_started(home, delay):
    """A terminal sends it to every process at once, the fork server that still imports torch among them."""
    process = start(home, "launch", *TINY, "trials=500", f"run=early-{delay}", start_new_session=True)
    first = next(line for line in process.stderr if line.startswith("runs/"))
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, first + err
    assert "Traceback" not in err
    assert err.splitlines()[-1].endswith(f"Continue with: search resume early-{delay}")


def test_kill_9_and_resume(home):
    process = start(home, "launch", *TINY, "trials=4", "run=killed")
    for line in process.stderr:
        if line.startswith("trial "):
            break
    process.kill()
    process.communicate()
    time.sleep(0.5)
    assert "not running; continue with: search resume killed" in run(home, "status", "killed").stdout
    assert run(home, "resume", "killed").returncode == 0
    rows = list(csv.DictReader(io.StringIO(run(home, "export", "killed").stdout)))
    complete = [row for row in rows if row["state"] == "complete"]
    assert len(complete) == len({row["digest"] for row in complete}) == 4


def test_a_second_driver_is_refused(home):
    process = start(home, "launch", *TINY, "trials=500", "run=busy")
    for line in process.stderr:
        if line.startswith("trial "):
            break
    assert f"process {process.pid} on " in refused(home, "resume", "busy")
    assert f"running: process {process.pid} on " in run(home, "status", "busy").stdout
    process.kill()
    process.communicate()


@pytest.mark.parametrize("words", [["--help"], ["launch", "--help"], ["status"], ["show", "space=effv2"]])
def test_what_needs_no_torch_imports_none(words, tmp_path):
    code = (
        "import sys; from search.cli import main as cli; sys.argv = ['search', *sys.argv[1:]]\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'optuna', 'ray', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    command = [sys.executable, "-c", code, *words]
    subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), check=True, capture_output=True)


def test_help_names_every_command_and_group():
    text = CliRunner().invoke(cli.search, ["--help"]).output
    assert all(
        name in text for name in ("launch", "resume", "status", "show", "export", "profile", "measure")
    )
    assert CliRunner().invoke(cli.search, []).output == text
    assert "..." not in text.partition("Commands:")[2], "a summary is too long for its line"
    launch = CliRunner().invoke(cli.search, ["launch", "--help"]).output
    assert all(f"{group}=" in launch for group in GROUPS)


def test_folders_called_as_our_packages_are_no_packages(tmp_path):
    """In a clone, say, `search` runs what is installed, and its workers do so too."""
    script = tmp_path / "bin" / "search"
    script.parent.mkdir()
    script.write_text("from search.cli.main import main\n\nif __name__ == '__main__':\n    main()\n")
    for name in ("search", "space"):
        (tmp_path / "clone" / name).mkdir(parents=True)
        (tmp_path / "clone" / name / "__init__.py").touch()
    paths = os.pathsep.join(path for path in sys.path if path and path != os.getcwd())
    root = str(Path(cli.__file__).parents[2])
    result = subprocess.run(
        [sys.executable, str(script), "launch", *TINY, "trials=1", "run=r"],
        cwd=tmp_path / "clone",
        env=environment(tmp_path) | {"PYTHONPATH": os.pathsep.join([root, paths])},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stderr
