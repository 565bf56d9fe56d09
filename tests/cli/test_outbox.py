"""`takeback outbox`."""

import pytest
from typer.testing import CliRunner

from takeback.cli.main import app
from tests.factories import NOW, create_message


def _run(*words: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["outbox", *words], env={"COLUMNS": "120"})
    return result.exit_code, [" ".join(line.split()) for line in result.output.splitlines()]


@pytest.mark.django_db
def test_parked_messages_are_listed_and_replayed() -> None:
    waiting = create_message(key="thing.happened:1")
    parked = create_message(
        key="thing.happened:2", parked_at=NOW, attempts=12, last_error="ConnectionError"
    )
    create_message(topic="other.happened", key="other.happened:3", parked_at=NOW)

    assert _run("list", "--topic", "thing.happened") == (
        0,
        [
            "id message attempts parked at error",
            f"{parked.pk} thing.happened:2 12 2026-03-10 12:00 ConnectionError",
            "2 parked, 1 waiting.",
        ],
    )
    assert _run("replay", str(parked.pk), str(waiting.pk)) == (0, ["1 message to deliver again."])
    assert _run("replay", "--topic", "other.happened") == (0, ["1 message to deliver again."])
    assert _run("list") == (0, ["0 parked, 3 waiting."])
    sentence = "No parked message has these ids or this topic. `takeback outbox list` shows all."
    assert _run("replay", "99") == (1, [f"Error: {sentence}"])


def test_replay_without_ids_and_topic_is_refused() -> None:
    assert _run("replay") == (2, ["Error: Name messages by their ids, or a topic with --topic."])
