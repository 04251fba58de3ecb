"""The metrics agree with scikit-learn's."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from search.evaluation.metrics import BINS, CLASSES, TRUE, Evaluation
from search.evaluation.output import files

NAMES = tuple("abcdefg")


def evaluation(seed, images=50, classes=7, sharp=2.0):
    """An evaluation with random probabilities, in which some classes may have no image."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, images)
    logits = rng.normal(size=(images, classes)) * sharp
    logits[np.arange(images), labels] += 1
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return Evaluation("m", "npz", "test", NAMES[:classes], labels, shares.astype(np.float32))


@settings(max_examples=15)
@given(st.integers(0, 1000), st.integers(1, 60), st.integers(2, 7))
def test_agrees_with_scikit_learn(seed, images, classes):
    ours = evaluation(seed, images, classes)
    true, labels, every = ours.labels, ours.predicted, list(range(classes))
    assert ours.accuracy == pytest.approx(reference.accuracy_score(true, labels))
    np.testing.assert_array_equal(ours.confusion, reference.confusion_matrix(true, labels, labels=every))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Labels that no image has are not counted, as here.
        assert ours.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(true, labels))
    exact = ours.probabilities.astype(np.float64)
    expected = reference.log_loss(true, exact / exact.sum(1, keepdims=True), labels=every)
    assert ours.loss == pytest.approx(expected, rel=1e-5)
    if classes > 5:
        expected = reference.top_k_accuracy_score(true, ours.probabilities, k=5, labels=every)
        assert ours.top5 == pytest.approx(expected)
    else:
        assert ours.top5 is None
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        true, labels, labels=every, zero_division=np.nan
    )
    rows = {row["class"]: row for row in ours.per_class()}
    assert set(rows) == {NAMES[number] for number in set(true.tolist())}
    for number in set(true.tolist()):
        row = rows[NAMES[number]]
        assert row.keys() == {column.key for column in CLASSES}
        assert row["images"] == support[number]
        assert row["accuracy"] == pytest.approx(recall[number])
        assert (row["precision"] is None) == bool(np.isnan(precision[number]))
        assert row["precision"] in (None, pytest.approx(precision[number]))
        assert row["f1"] == pytest.approx(f1[number])
        assert 0 <= row["low"] <= row["accuracy"] <= row["high"] <= 1


def test_a_perfectly_calibrated_classifier_has_no_calibration_error():
    """Of 100 images with confidence 0.8, 80 are right; of 10 with confidence 0.6, 6 are right."""
    labels = np.array([0] * 80 + [1] * 20 + [0] * 6 + [1] * 4)
    shares = np.array([[0.8, 0.2]] * 100 + [[0.6, 0.4]] * 10, dtype=np.float32)
    made = Evaluation("m", "npz", "test", ("a", "b"), labels, shares)
    assert made.calibration_error == pytest.approx(0, abs=1e-6)
    assert made.confidence == pytest.approx(made.accuracy)
    rows = [row for row in made.calibration() if row["images"]]
    assert [(row["images"], pytest.approx(row["confidence"])) for row in rows] == [(10, 0.6), (100, 0.8)]
    assert rows[0].keys() == {column.key for column in BINS}
    sure = Evaluation("m", "npz", "test", ("a", "b"), labels, np.array([[1.0, 0.0]] * 110, np.float32))
    assert sure.calibration_error == pytest.approx(1 - 86 / 110)


def test_the_interval_is_wilsons():
    from scipy.stats import binomtest

    made = evaluation(1)
    right = int((made.predicted == made.labels).sum())
    expected = binomtest(right, 50).proportion_ci(method="wilson")
    assert made.interval == pytest.approx((expected.low, expected.high))


def test_values_are_json_and_the_text_is_short():
    made = evaluation(2)
    values = json.loads(json.dumps(made.values(), allow_nan=False))
    assert values["confusion"]["counts"] == made.confusion.tolist()
    assert values["accuracy"] == made.accuracy
    assert repr(made).startswith("<m on 50 images (npz, test): accuracy 0.")
    assert len(repr(made)) < 120


def test_classes_of_one_name_have_a_column_each():
    names = ("crane", "hen", "crane")
    shares = np.eye(3, dtype=np.float32)[[0, 0, 2, 1]]
    made = Evaluation("m", "npz", "test", names, np.array([0, 0, 2, 1]), shares)
    assert made.confusion_rows() == [
        {TRUE: "crane (0)", "crane (0)": 2, "hen": 0, "crane (2)": 0},
        {TRUE: "hen", "crane (0)": 0, "hen": 1, "crane (2)": 0},
        {TRUE: "crane (2)", "crane (0)": 0, "hen": 0, "crane (2)": 1},
    ]
    assert files(made)["confusion.csv"].splitlines() == [
        "true / label,crane (0),hen,crane (2)", "crane (0),2,0,0", "hen,0,1,0", "crane (2),0,0,1",
    ]  # fmt: skip


def test_a_class_may_have_the_name_of_a_column():
    made = Evaluation("m", "npz", "test", ("class", "b"), np.array([0]), np.array([[0.9, 0.1]], np.float32))
    assert made.confusion_rows() == [
        {TRUE: "class", "class": 1, "b": 0},
        {TRUE: "b", "class": 0, "b": 0},
    ]
