"""What goes wrong in training, below `domains.errors.EntenteError`.

EntenteError
  x TrainingFailed            training cannot go on
      x NotFinite             a reward, observation or weight is no number
      x NoSamples             no runner has delivered for too long
  x InvalidRequest
      x PlanInvalid           the configuration is not one
  x Refused
      x CheckpointUnusable    not there, cut off, or of something else
"""

from domains.errors import EntenteError, InvalidRequest, Refused


class TrainingFailed(EntenteError):
    reason = "TRAINING_FAILED"


class NotFinite(TrainingFailed):
    reason = "NOT_FINITE"


class NoSamples(TrainingFailed):
    reason = "NO_SAMPLES"


class PlanInvalid(InvalidRequest):
    reason = "PLAN_INVALID"


class CheckpointUnusable(Refused):
    reason = "CHECKPOINT_UNUSABLE"
