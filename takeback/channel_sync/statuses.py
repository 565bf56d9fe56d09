"""The life of a batch (domain C.17), and what becomes of the objects in it."""

from enum import StrEnum

from takeback.core.state_machine import StateMachine


class BatchStatus(StrEnum):
    """How far a batch is."""

    INITIALIZED = "initialized"
    COMMIT = "commit"
    SENT_TO_REMOTE = "sent_to_remote"
    ONGOING = "ongoing"
    DONE = "done"
    FAIL = "fail"


class BatchTransition(StrEnum):
    """What a channel's system reports."""

    COMMIT = "commit"
    SEND = "send"
    POLL = "poll"
    FINISH = "finish"
    GIVE_UP = "give_up"


LIFE_CYCLE = StateMachine(
    BatchStatus.INITIALIZED,
    {
        (BatchStatus.INITIALIZED, BatchTransition.COMMIT): BatchStatus.COMMIT,
        (BatchStatus.INITIALIZED, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.INITIALIZED, BatchTransition.GIVE_UP): BatchStatus.FAIL,
        (BatchStatus.COMMIT, BatchTransition.SEND): BatchStatus.SENT_TO_REMOTE,
        (BatchStatus.COMMIT, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.COMMIT, BatchTransition.GIVE_UP): BatchStatus.FAIL,
        (BatchStatus.SENT_TO_REMOTE, BatchTransition.POLL): BatchStatus.ONGOING,
        (BatchStatus.SENT_TO_REMOTE, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.SENT_TO_REMOTE, BatchTransition.GIVE_UP): BatchStatus.FAIL,
        (BatchStatus.ONGOING, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.ONGOING, BatchTransition.GIVE_UP): BatchStatus.FAIL,
    },
)
"""Which step follows which; a run that finds nothing to do is done at once."""

EVENT_FOR_STATUS = {target: event for _, event, target in LIFE_CYCLE.transitions()}
"""The event that a wanted status stands for."""


class ActionStatus(StrEnum):
    """What has become of an object that was handed over."""

    PROCESSING = "processing"
    SUCCESS = "success"
    ERROR = "error"


class FailedReason(StrEnum):
    """Why an object was not taken over: not mapped, refused by the other side, or never sent."""

    MAPPING = "mapping"
    REMOTE = "remote"
    CHANNEL_APP = "channel_app"
