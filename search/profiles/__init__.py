"""Device profiles: the times of a space's blocks on a device, which predict step times or latencies of networks."""

from search.profiles.predictor import Prediction, Predictor
from search.profiles.profile import Profile

__all__ = ["Prediction", "Predictor", "Profile"]
