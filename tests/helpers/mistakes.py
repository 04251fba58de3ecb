"""The message of a script after a user's mistake."""

import pytest


def told(main, words, capsys):
    """Return the one line that `main(words)` ends with, after checking that the exit code is 2."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    return said
