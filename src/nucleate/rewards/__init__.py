"""What is good: rewards of crystals, from parts that are measured and gates that stop the rest."""

from nucleate.rewards.files import read_reward, reward_of
from nucleate.rewards.gates import Gates
from nucleate.rewards.part import Function, Weighted
from nucleate.rewards.reward import Reward, Scores
from nucleate.rewards.shapes import Shape

__all__ = ["Function", "Gates", "Reward", "Scores", "Shape", "Weighted", "read_reward", "reward_of"]
