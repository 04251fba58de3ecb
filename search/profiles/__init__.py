"""Device profiles: the time of a space's blocks on a device, and step times of networks predicted from them."""

from search.profiles.predictor import Prediction, Predictor
from search.profiles.profile import Profile

__all__ = ["Prediction", "Predictor", "Profile"]
