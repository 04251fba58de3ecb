"""Device profiles: how long the blocks of a space take on a device, and what a network made of them takes."""

from search.profiles.document import Profile
from search.profiles.prediction import Prediction, Predictor

__all__ = ["Prediction", "Predictor", "Profile"]
