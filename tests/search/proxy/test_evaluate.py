import json
import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from search.data import source_from
from search.proxy.evaluate import Request, Result, TrialFailed, evaluate
from search.proxy.proxy import Proxy

NETWORK = "r64_i16/fused_d1_k3_s2_e1_w16/mb_d1_k3_s2_e4_w24_se0.25/h64_c1000"
PROXY = Proxy(resolution=8, epochs=2, batch=32, images=64, step_pixels=20_000, device="cpu")
RESULT = Result(
    accuracy=0.625,
    loss=1.1,
    epochs=2,
    images=20_000,
    seconds=41.5,
    images_per_second=611.0,
    curve=(2.1, 1.8),
    step_ms=104.2,
    reference_step_ms=98.1,
    step_ratio=1.06,
    top5=0.93,
)


@pytest.fixture(scope="module")
def request_(tmp_path_factory):
    source = source_from({"source": "shapes", "images": 200, "cache": tmp_path_factory.mktemp("cache")})
    return Request(
        number=3, attempt=1, architecture=NETWORK, proxy=PROXY, source=source, seed=5, reference=NETWORK
    )


class TestEvaluate:
    def test_times_and_trains(self, request_):
        reports = []
        result = evaluate(request_, lambda epoch, loss: reports.append((epoch, loss)))
        assert reports == list(enumerate(result.curve, 1))
        assert (result.epochs, result.images) == (2, 128)
        assert 0 <= result.accuracy <= result.top5 <= 1
        assert result.step_ratio == pytest.approx(1, rel=0.3)
        assert min(result.step_ms, result.reference_step_ms, result.images_per_second, result.loss) > 0

    def test_does_not_time_without_a_reference(self, request_):
        result = evaluate(replace(request_, reference=""))
        assert (result.step_ms, result.reference_step_ms, result.step_ratio) == (None, None, None)

    def test_can_train_and_time_each_network_at_its_own_resolution(self, request_):
        proxy = PROXY.model_copy(update={"resolution": None})
        small, large = (NETWORK.replace("r64", f"r{pixels}") for pixels in (8, 64))
        result = evaluate(replace(request_, architecture=small, reference=large, proxy=proxy))
        alone = evaluate(replace(request_, architecture=small, reference=""))
        assert (result.accuracy, result.curve) == (alone.accuracy, alone.curve)
        assert result.step_ratio < 0.8

    def test_repeats_whether_timed_or_not(self, request_):
        timed, untimed = evaluate(request_), evaluate(replace(request_, reference=""))
        assert (timed.accuracy, timed.loss, timed.curve) == (untimed.accuracy, untimed.loss, untimed.curve)

    def test_lets_the_trials_failure_through(self, request_):
        proxy = PROXY.model_copy(update={"learning_rate": 1e30, "warmup": 0.0})
        with pytest.raises(TrialFailed, match="loss"):
            evaluate(replace(request_, proxy=proxy, reference=""))

    def test_puts_the_threads_back(self, request_):
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(before + 1)
            evaluate(replace(request_, reference="", threads=1))
            assert torch.get_num_threads() == before + 1
        finally:
            torch.set_num_threads(before)


class TestTravel:
    def test_request_survives_pickling(self, request_):
        assert pickle.loads(pickle.dumps(request_)) == request_

    def test_failure_survives_pickling(self):
        assert str(pickle.loads(pickle.dumps(TrialFailed("diverged")))) == "diverged"

    @pytest.mark.parametrize(
        "result", [RESULT, replace(RESULT, step_ms=None, reference_step_ms=None, step_ratio=None)]
    )
    def test_result_survives_json(self, result):
        assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result

    def test_result_reads_those_of_later_versions(self):
        assert Result.from_dict(RESULT.to_dict() | {"energy": 3.0}) == RESULT

    def test_result_reads_those_of_earlier_versions(self):
        earlier = {key: value for key, value in RESULT.to_dict().items() if key != "top5"}
        assert Result.from_dict(earlier) == replace(RESULT, top5=None)

    def test_needs_no_torch(self):
        code = "import search.proxy.evaluate, sys; sys.exit('torch' in sys.modules)"
        assert (
            subprocess.run(
                [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"]
            ).returncode
            == 0
        )
