"""The life cycle of a batch, and the results of the objects in it."""

from enum import StrEnum

from takeback.core.state_machine import StateMachine


class BatchStatus(StrEnum):
    INITIALIZED = "initialized"
    COMMIT = "commit"
    SENT_TO_REMOTE = "sent_to_remote"
    ONGOING = "ongoing"
    DONE = "done"
    FAIL = "fail"


class BatchTransition(StrEnum):
    COMMIT = "commit"
    SEND = "send"
    POLL = "poll"
    FINISH = "finish"
    FAIL = "give_up"


LIFE_CYCLE = StateMachine(
    BatchStatus.INITIALIZED,
    {
        (BatchStatus.INITIALIZED, BatchTransition.COMMIT): BatchStatus.COMMIT,
        (BatchStatus.INITIALIZED, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.INITIALIZED, BatchTransition.FAIL): BatchStatus.FAIL,
        (BatchStatus.COMMIT, BatchTransition.SEND): BatchStatus.SENT_TO_REMOTE,
        (BatchStatus.COMMIT, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.COMMIT, BatchTransition.FAIL): BatchStatus.FAIL,
        (BatchStatus.SENT_TO_REMOTE, BatchTransition.POLL): BatchStatus.ONGOING,
        (BatchStatus.SENT_TO_REMOTE, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.SENT_TO_REMOTE, BatchTransition.FAIL): BatchStatus.FAIL,
        (BatchStatus.ONGOING, BatchTransition.FINISH): BatchStatus.DONE,
        (BatchStatus.ONGOING, BatchTransition.FAIL): BatchStatus.FAIL,
    },
)
"""A batch without objects to send goes straight to done."""

TRANSITION_FOR_STATUS = {target: event for _, event, target in LIFE_CYCLE.transitions()}
"""The transition that leads to a status."""


class ActionStatus(StrEnum):
    PROCESSING = "processing"
    SUCCESS = "success"
    ERROR = "error"


class FailedReason(StrEnum):
    """Why sending an object failed: not mapped, rejected by the remote system, or never sent."""

    MAPPING = "mapping"
    REMOTE = "remote"
    CHANNEL_APP = "channel_app"
