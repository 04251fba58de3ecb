import csv
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.fake_device import latencies_of

from scaling import RULES, resolve, scale
from scaling.cli.curves import curves
from scaling.cli.main import cli, main
from search.models.forms import FORMS
from search.profiles import Predictor
from space import CATALOG, Space, UserError, cost, decode
from space.cost.memory import training_memory


def run(*arguments):
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(capsys, monkeypatch, *arguments):
    """The error message of `main`, which must be one line with exit code 2."""
    monkeypatch.setattr(sys, "argv", ["scale", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capsys.readouterr()
    assert (stopped.value.code, out) == (2, "")
    assert err.startswith("scale: ")
    assert err.count("\n") == 1
    return err


def test_one_network():
    text = run("--phi", "3", "--base", "b0")
    assert "The result of a formula, not taken from a publication." in text
    assert "MACs              8.000     8.426  385,814,752 -> 3,250,916,456 (target: 2^phi)" in text
    assert (
        "stages.5  mb        7       5       2       6  0.25    256      11   6.65M   698M  4 x 192" in text
    )
    assert "Nearest published network: b4" in text
    assert "  stages.5 depth 7 (8 in b4), width 256 (272 in b4)" in text
    assert f"Architecture: {scale('b0', 3).architecture}" in text


def test_phi_0_is_the_published_network():
    assert "Nearest published network: b0, the same network" in run("--phi", "0")


def listed(family):
    return [name for name, row in CATALOG.items() if row.family == family]


def test_published_families_are_listed_by_name():
    rows = json.loads(run("--published", "--family", "shufflenet", "--format", "json"))["rows"]
    assert [row["name"] for row in rows] == listed("shufflenet")
    assert all(row["note"] for row in rows if "v2" in row["name"])
    assert len(run("--published", "--family", "all").splitlines()) == 1 + len(CATALOG)
    rows = json.loads(run("--published", "--base", "mobilenet-v3-large", "--format", "json"))["rows"]
    assert [row["name"] for row in rows] == listed("mobilenet")


def test_an_unknown_family_is_refused():
    with pytest.raises(UserError, match=r"Unknown family 'mobilnet'\. Did you mean 'mobilenet'\? "):
        run("--published", "--family", "mobilnet")
    with pytest.raises(UserError, match=r"^--family mobilenet goes with --published; "):
        run("--family", "mobilenet")


def test_a_family_together_with_the_published_networks():
    rows = json.loads(run("--family", "1..3", "--published", "--format", "json"))
    assert (rows["schema"], rows["version"]) == ("compound-nas.scale", 3)
    formula = [row for row in rows["rows"] if not row["published"]]
    assert [row["phi"] for row in formula] == [1, 2, 3]
    assert [row["params"] for row in formula] == [9109994, 12255408, 16350296]
    assert [row["name"] for row in rows["rows"] if row["published"]] == listed("efficientnet")


def test_published_networks_only():
    lines = run("--published").splitlines()
    assert len(lines) == 1 + len(listed("efficientnet"))
    assert lines[1].split()[:2] == ["b0", "yes"]
    assert "phi" not in lines[0].split()


def test_rules_side_by_side():
    text = run("--base", "v2-b0", "--max-macs", "2e9", "--max-params", "12e6", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["rule"] for row in rows] == list(RULES)
    assert all(int(row["macs"]) <= 2e9 and int(row["params"]) <= 12e6 for row in rows)


def test_limits_on_other_costs():
    rows = json.loads(run("--base", "b0", "--rule", "compound", "--max-size", "10MB", "--json"))["rows"]
    assert cost(decode(rows[0]["architecture"])).size <= 10_000_000
    rows = json.loads(run("--base", "b0", "--rule", "compound", "--max-memory", "2GB", "--json"))["rows"]
    assert training_memory(decode(rows[0]["architecture"]), 32) <= 2_000_000_000


def test_a_rule_without_a_largest_network_is_a_note():
    result = CliRunner().invoke(cli, ["--max-params", "12M"], catch_exceptions=False)
    assert result.stderr == (
        "scale: Rule resolution never exceeds 12M params, even at its highest phi. Lower the limit, or add one on a "
        "cost that the rule changes.\n"
    )
    assert "resolution-phi" not in result.stdout


def test_coefficients(tmp_path):
    path = tmp_path / "fit.yaml"
    path.write_text("{base: b0, alpha: 1.4, beta: 1.05, gamma: 1.1}")
    typed = run("--phi", "1", "--alpha", "1.4", "--beta", "1.05", "--gamma", "1.1")
    assert "alpha 1.4, beta 1.05, gamma 1.1" in typed
    assert run("--phi", "1", "--coefficients", str(path)) == typed
    assert "alpha 1.4, beta 1.1, gamma 1.15" in run("--phi", "1", "--alpha", "1.4")
    assert ": mostly wider: width takes 0.5" in run("--phi", "1", "--rule", "fast", "--share", "0.5")


def test_rounding():
    text = run(
        "--phi",
        "1",
        "--divisor",
        "16",
        "--limit",
        "0",
        "--depth-rounding",
        "round",
        "--resolution-multiple",
        "32",
    )
    assert (
        "Rounding: widths to multiples of 16; depths rounded to the nearest; multiples of 32 pixels." in text
    )
    assert "224 -> 256 pixels" in text


@pytest.mark.parametrize("format_", ["md", "latex", "csv", "json", "html"])
def test_tables_go_to_files(tmp_path, format_):
    out = tmp_path / "new" / "family.txt"
    assert run("--family", "1..2", "--format", format_, "--out", str(out)) == ""
    assert "b0-compound-phi2" in out.read_text()


def test_columns_and_order_of_a_table():
    lines = run("--family", "1..3", "--columns", "name,macs", "--sort", "-macs").splitlines()
    assert lines[0].split() == ["Network", "MACs"]
    assert [line.split()[0][-1] for line in lines[1:]] == ["3", "2", "1"]
    assert run("--phi", "1", "--columns", "params", "--format", "csv").splitlines()[0] == "params"


def test_the_ending_of_a_file_decides_the_format(tmp_path):
    run("--phi", "1", "--out", str(tmp_path / "one.json"))
    assert json.loads((tmp_path / "one.json").read_text())["rows"][0]["published"] is False


def test_files(tmp_path):
    result = CliRunner().invoke(
        cli, ["--family", "0,1", "--save", str(tmp_path), "--figure", str(tmp_path / "f")]
    )
    assert result.stderr.count("Wrote ") == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "b0-compound-phi0",
        "b0-compound-phi1",
        "f-macs-phi.png",
        "f-macs-phi.svg",
        "f-params-macs.png",
        "f-params-macs.svg",
    ]
    assert (tmp_path / "f-macs-phi.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "f-params-macs.svg").read_text()


def test_it_runs_as_a_module_too():
    command = [sys.executable, "-m", "scaling", "--version"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert output.startswith("scale, version ")


def test_help_without_arguments():
    assert run() == run("--help")
    assert "TinyNet" in run("--help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base", "b0"], "Say what to scale to"),
        (["--phi", "1", "--family", "1..2"], "Give only one of --phi, --family"),
        (["--phi", "x"], "Invalid value for '--phi'"),
        (["--phi", "nan"], "phi is nan"),
        (["--phi", "-99"], "phi is -99"),
        (["--phi", "-16"], "phi = -16 leaves images with sides of 24 pixels, fewer than the total stride"),
        (["--phi", "-9", "--rule", "width"], "phi = -9 leaves no channel"),
        (["--phi", "1", "--base", "b00"], "Did you mean 'b0'"),
        (["--phi", "1", "--base", "/no/such.yaml"], "Cannot read /no/such.yaml"),
        (["--phi", "1", "--rule", "compund"], "Did you mean 'compound'"),
        (["--phi", "1", "--alpha", "0.9"], "alpha is 0.9; it must be a number from 1 to 16"),
        (["--phi", "1", "--rule", "depth", "--alpha", "2"], "Rule depth has no coefficients to choose"),
        (["--phi", "1", "--share", "0.5"], "--share belongs to --rule fast"),
        (["--phi", "1", "--coefficients", "/no/such"], "Cannot read /no/such"),
        (["--phi", "1", "--coefficients", "/no/such", "--beta", "1"], "not both"),
        (["--family", "7..1"], "'7..1' is not a range of phi"),
        (["--max-macs", "many"], "macs: 'many' is not a valid count"),
        (["--max-size", "0"], "size: '0' is not a valid size"),
        (["--max-step-ms", "300"], "No such option '--max-step-ms'. (Did you mean"),
        (["--max-params", "1k"], "the smallest, at phi = -14"),
        (["--phi", "1", "--format", "jsn"], "Did you mean 'json'"),
        (["--phi", "1", "--columns", "nme"], "Did you mean 'name'"),
        (["--phi", "1", "--sort", "-mac"], "Did you mean 'macs'"),
        (["--phi", "1", "--out", "table"], "unknown ending"),
        (["--phi", "1", "--out", "/proc/table.csv"], "Cannot write /proc/table.csv"),
        (["--phi", "1", "--save", "/proc/networks"], "Cannot write /proc/networks"),
        (["--divisor", "0", "--phi", "1"], "Invalid value for '--divisor'"),
        (["--phy", "1"], "--phi"),
        (["fitt"], "No such command 'fitt'"),
    ],
)
def test_mistakes_are_one_line(capsys, monkeypatch, arguments, message):
    assert message in refused(capsys, monkeypatch, *arguments)


def test_a_mistake_writes_nothing(capsys, monkeypatch, tmp_path):
    refused(capsys, monkeypatch, "--family", "0..1", "--save", str(tmp_path), "--format", "jsn")
    refused(capsys, monkeypatch, "--family", "-16..1", "--save", str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_range_of_phi_without_a_curve_is_refused(capsys, monkeypatch, tmp_path):
    words = ("--phi", "0", "--rule", "shrink", "--save", str(tmp_path), "--figure", str(tmp_path / "f"))
    assert "No rule can be drawn from phi = 0 to 7" in refused(capsys, monkeypatch, *words)
    assert not list(tmp_path.iterdir())


def test_the_figure_has_the_phi_of_the_networks(tmp_path):
    run("--phi", "-1", "--rule", "shrink", "--save", str(tmp_path), "--figure", str(tmp_path / "f"))
    assert len(list(tmp_path.iterdir())) == 5


def test_what_to_train_next_is_a_saved_network_not_a_figure(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("--base", "b0", "--figure", "f", "--save", "d")
    assert "Next:" not in CliRunner().invoke(cli, words, catch_exceptions=False).stderr
    result = CliRunner().invoke(cli, (*words, "--phi", "1"), catch_exceptions=False)
    (folder,) = Path("d").iterdir()
    assert f"Next: search train {folder} " in result.stderr


def test_a_page_leaves_out_a_rule_where_it_cannot_scale_the_base(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("--base", "b0", "--family", "-7..0", "--report", "f.html")
    assert Path("f.html").exists()
    base, ends = resolve("b0"), (-7.0, 0.0)
    variants = [{"rule": rule} for rule in RULES.values()]
    drawn = curves(base, ends, variants)
    assert {name for name, models in drawn.items() if len(models) == 60} >= {"compound"}
    assert any(0 < len(models) < 60 for models in drawn.values())


def test_a_saved_network_can_be_a_base(tmp_path):
    model = scale("v2-b0", 0.5, rule="v2")
    arguments = ["--base", "v2-b0", "--phi", "0.5", "--rule", "v2", "--save", str(tmp_path)]
    assert CliRunner().invoke(cli, arguments, catch_exceptions=False).exit_code == 0
    (folder,) = tmp_path.iterdir()
    assert folder.name == model.name == "v2-b0-v2-phi0.5"
    assert resolve(str(folder / "architecture.json")).architecture == model.architecture
    assert decode((folder / "architecture.txt").read_text()) == model.architecture
    assert "model.safetensors" not in {path.name for path in folder.iterdir()}


def test_executable_forms_are_saved_on_request(tmp_path, monkeypatch):
    for key in ("onnx", "program"):
        monkeypatch.setitem(FORMS._ours, key, replace(FORMS[key], make=lambda name, model: b"made"))
    small = ["--base", "r17_i8_x1/mb_d2_k5_s2_e6_w24_se0.25/h40_c5", "--phi", "0", "--save", str(tmp_path)]
    assert CliRunner().invoke(cli, [*small, "--onnx"], catch_exceptions=False).exit_code == 0
    (folder,) = tmp_path.iterdir()
    assert {"model.safetensors", "network.onnx", "network.pt2"} <= {path.name for path in folder.iterdir()}


def test_a_page_is_an_html_file(capsys, monkeypatch):
    output = refused(capsys, monkeypatch, "--phi", "1", "--report", "page.png")
    assert output == "scale: --report page.png: a page is a .html file.\n"


def test_onnx_goes_with_save(capsys, monkeypatch):
    assert "--onnx goes with --save DIR" in refused(
        capsys, monkeypatch, "--base", "b0", "--phi", "0", "--onnx"
    )


def test_coefficients_of_another_base_are_refused(capsys, monkeypatch, tmp_path):
    path = tmp_path / "fit.yaml"
    path.write_text("{base: b0, alpha: 1.4, beta: 1.05, gamma: 1.1}")
    assert "was fitted to another base" in refused(
        capsys, monkeypatch, "--phi", "1", "--base", "b1", "--coefficients", str(path)
    )


@pytest.mark.parametrize("arguments", [["--phi", "3", "--base", "b0"], ["--help"], ["--published"]])
def test_quick_answers_need_no_heavy_imports(arguments):
    program = (
        "import sys\n"
        "from scaling.cli.main import main\n"
        f"sys.argv = ['scale', *{arguments!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as stopped:\n    assert not stopped.code\n"
        "heavy = {'torch', 'pandas', 'numpy', 'matplotlib', 'optuna', 'ray', 'pydantic', 'scipy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_full_disk_and_a_closed_pipe():
    program = "from scaling.cli.main import main; import sys; sys.argv = ['scale', '--published']; main()"
    command = [sys.executable, "-c", program]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "scale: No space left on device.\n")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_subcommands_can_join_the_group():
    @cli.command("later")
    def later() -> None:
        raise UserError("a subcommand ran")

    try:
        with pytest.raises(UserError, match="a subcommand ran"):
            CliRunner().invoke(cli, ["later"], catch_exceptions=False)
    finally:
        del cli.commands["later"]


def test_the_largest_network_within_a_latency_and_a_size(tmp_path):
    profile = latencies_of(Space.load("tiny_space"))
    profile.save(tmp_path / "phone.json")
    limit = Predictor(profile)(CATALOG["b0"].architecture).ms * 1.5
    words = ("--base", "b0", "--rule", "compound", "--profile", str(tmp_path / "phone.json"), "--json")
    (by_time,) = json.loads(run(*words, "--max-latency", f"{limit}ms"))["rows"]
    assert by_time["latency_ms"] == Predictor(profile)(decode(by_time["architecture"])).ms <= limit
    assert by_time["phi"] > 0
    (by_both,) = json.loads(run(*words, "--max-latency", f"{limit / 1e3} s", "--max-size", "21 MB"))["rows"]
    assert cost(decode(by_both["architecture"])).size <= 21e6
    assert by_both["phi"] < by_time["phi"]
