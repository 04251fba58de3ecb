import pytest

from search.report.repeating import command


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        (["/usr/bin/search", "launch", "space=effv2", "run=one"], "search launch space=effv2"),
        (["search", "launch", "run=one", "data.path=my photos"], "search launch 'data.path=my photos'"),
        (["scale", "fit", "--base", "b0", "run=one"], "scale fit --base b0"),
    ],
)
def test_the_command_makes_another_run(words, typed):
    assert command({"command": words}) == typed


def test_a_run_from_python_has_no_command():
    assert command({}).startswith("# started from Python")
