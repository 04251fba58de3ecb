"""The script that measures the CPU time of proposals."""

from experiments.benchmarks.samplers.proposal_cpu import main


def test_a_row_for_each_space_and_number_of_results(capsys):
    words = ["--spaces", "tiny_space", "--results", "10", "12", "--proposals", "2"]
    main(words)
    first = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[:2] for row in first[2:]] == [["| tiny_space", "10"], ["| tiny_space", "12"]]
    main(words)
    again = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[-1] for row in first] == [row.split(" | ")[-1] for row in again]
