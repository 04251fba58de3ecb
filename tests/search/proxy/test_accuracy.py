import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.proxy.accuracy import accuracy, ranks

LOGITS = st.lists(st.lists(st.integers(-2, 2), min_size=7, max_size=7), min_size=1, max_size=9)


@given(LOGITS, st.integers(0, 6))
def test_the_rank_is_the_place_among_the_likeliest(rows, label):
    """With ties, of which small integers have many: the first class comes first, as for argmax."""
    logits, labels = torch.tensor(rows, dtype=torch.float32), torch.full((len(rows),), label)
    order = logits.argsort(dim=1, descending=True, stable=True)
    assert torch.equal(order.gather(1, ranks(logits, labels).unsqueeze(1)).flatten(), labels)
    assert torch.equal(ranks(logits, labels) == 0, logits.argmax(1) == labels)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=30))
def test_balanced_accuracy_is_the_mean_of_the_classes_own(images):
    right, labels = torch.tensor([hit for hit, _ in images]), torch.tensor([label for _, label in images])
    own = [right[labels == label].double().mean().item() for label in set(labels.tolist())]
    assert accuracy(right, labels, balanced=True) == pytest.approx(sum(own) / len(own))
    assert accuracy(right, labels, balanced=False) == sum(hit for hit, _ in images) / len(images)
