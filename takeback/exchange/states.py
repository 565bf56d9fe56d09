"""The life of a batch (domain C.17), and what becomes of the objects in it."""

from enum import StrEnum

from takeback.core.machine import Machine


class BatchStatus(StrEnum):
    """How far a batch is."""

    INITIALIZED = "initialized"
    COMMIT = "commit"
    SENT_TO_REMOTE = "sent_to_remote"
    ONGOING = "ongoing"
    DONE = "done"
    FAIL = "fail"


class Event(StrEnum):
    """What a channel's system reports."""

    COMMIT = "commit"
    SEND = "send"
    POLL = "poll"
    FINISH = "finish"
    GIVE_UP = "give_up"


LIFE_CYCLE = Machine(
    BatchStatus.INITIALIZED,
    {
        (BatchStatus.INITIALIZED, Event.COMMIT): BatchStatus.COMMIT,
        (BatchStatus.INITIALIZED, Event.FINISH): BatchStatus.DONE,
        (BatchStatus.INITIALIZED, Event.GIVE_UP): BatchStatus.FAIL,
        (BatchStatus.COMMIT, Event.SEND): BatchStatus.SENT_TO_REMOTE,
        (BatchStatus.COMMIT, Event.FINISH): BatchStatus.DONE,
        (BatchStatus.COMMIT, Event.GIVE_UP): BatchStatus.FAIL,
        (BatchStatus.SENT_TO_REMOTE, Event.POLL): BatchStatus.ONGOING,
        (BatchStatus.SENT_TO_REMOTE, Event.FINISH): BatchStatus.DONE,
        (BatchStatus.SENT_TO_REMOTE, Event.GIVE_UP): BatchStatus.FAIL,
        (BatchStatus.ONGOING, Event.FINISH): BatchStatus.DONE,
        (BatchStatus.ONGOING, Event.GIVE_UP): BatchStatus.FAIL,
    },
)
"""Which step follows which; a run that finds nothing to do is done at once."""

LEADS_TO = {target: event for _, event, target in LIFE_CYCLE.steps()}
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
