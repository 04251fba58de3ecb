"""What a script says of a mistake."""

import pytest


def told(main, words, capsys):
    """The one line that `main(words)` ends with, its status being 2."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    return said
