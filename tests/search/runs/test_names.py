"""The names of runs, as the command line has them."""

from search.runs.names import CONFIG, find, is_run


def test_a_path_to_a_run_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / CONFIG).write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("~/elsewhere") == tmp_path / "elsewhere"
    assert not is_run("~/nowhere")
