"""Device profiles: how long the blocks of a space take on a device, and what a network made of them takes."""

from search.profiles.predictor import Prediction, Predictor
from search.profiles.profile import Profile

__all__ = ["Prediction", "Predictor", "Profile"]
