"""Hosts of one database have the same keys: another host refuses to start."""

import base64
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from typer.testing import CliRunner, Result

from takeback.accounts.models import KeyFingerprint
from takeback.bank_accounts.bank_account import BankAccount
from takeback.cancellations.models import CancellationRequestImage
from takeback.cli.main import app
from takeback.core import clock
from takeback.operations import doctor, host_keys
from takeback.operations.findings import Severity
from tests import factories
from tests.cancellations.factories import open_case
from tests.channel import shop
from tests.desk.agents import agent
from tests.rigs.serving import TAKEBACK, database_url, environment, free_port

pytestmark = pytest.mark.django_db

ACCOUNT = BankAccount("TR330006100519786457841326", "Ayla Ray")
MISSING_PARTS = [
    "SECRET_KEY is not the key of this database",
    "Key 1 of DATA_KEYS is not the key 1",
]


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def register() -> list[str]:
    return host_keys.register_keys(clock.now())


def finding(subject: str) -> tuple[Severity, str]:
    findings = doctor.examine(every_order=False, progress=lambda done, total: None)
    return next(result[1:] for result in findings if result.subject == subject)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_first_start_stores_fingerprints_and_no_key(settings: Settings) -> None:
    assert register() == []
    assert register() == []

    stored = dict(KeyFingerprint.objects.values_list("name", "fingerprint"))
    assert sorted(stored) == ["DATA_KEYS 1", "SECRET_KEY"]
    assert {len(fingerprint) for fingerprint in stored.values()} == {64}
    assert settings.SECRET_KEY not in str(stored)
    assert settings.DATA_KEYS["1"] not in str(stored)


@pytest.mark.parametrize("command", [["serve"], ["worker", "--once"], ["migrate"]])
def test_host_with_other_keys_refuses_to_start(settings: Settings, command: list[str]) -> None:
    register()
    settings.SECRET_KEY, settings.DATA_KEYS = "y" * 50, {"1": new_key()}

    port = ["--port", str(free_port())] if command == ["serve"] else []
    result = run(*command, *port)

    assert result.exit_code == 2
    assert all(part in result.output.replace("\n", " ") for part in MISSING_PARTS)
    assert KeyFingerprint.objects.count() == 2


def test_doctor_names_each_wrong_key(settings: Settings) -> None:
    assert finding("shared keys") == (
        Severity.FINE,
        "SECRET_KEY and DATA_KEYS are those of the database.",
    )
    register()
    settings.DATA_KEYS = {"1": new_key()}
    severity, message = finding("shared keys")
    assert (severity, message[:45]) == (
        Severity.FAILURE,
        "Key 1 of DATA_KEYS is not the key 1 of this d",
    )
    assert "SECRET_KEY is" not in message

    settings.SECRET_KEY = "y" * 50
    assert "SECRET_KEY is not the key of this database: copy" in finding("shared keys")[1]


def test_host_without_any_known_data_key_is_refused(settings: Settings) -> None:
    register()
    settings.DATA_KEYS = {"7": new_key()}

    (problem,) = register()
    assert problem.startswith("DATA_KEYS has none of the keys that this database knows (1): copy")


def test_documented_rotation_of_a_data_key_adds_its_fingerprint(settings: Settings) -> None:
    register()
    first = settings.DATA_KEYS
    second = {"2": new_key()}

    settings.DATA_KEYS = second | first
    assert run("rotate-data-key").exit_code == 0
    names = KeyFingerprint.objects.order_by("name").values_list("name", flat=True)
    assert list(names) == ["DATA_KEYS 1", "DATA_KEYS 2", "SECRET_KEY"]

    settings.DATA_KEYS = second
    assert register() == []
    settings.DATA_KEYS = {"2": new_key()} | first
    assert [problem[:18] for problem in register()] == ["Key 2 of DATA_KEYS"]


def test_number_of_a_key_in_use_cannot_be_reused(settings: Settings) -> None:
    register()
    _case_with_account()
    settings.DATA_KEYS = {"1": new_key()}

    result = run("rotate-data-key")

    assert result.exit_code == 2
    assert "Key 1 of DATA_KEYS is not the key 1" in result.output.replace("\n", " ")


def test_number_of_a_key_without_texts_can_be_reused(settings: Settings) -> None:
    register()
    settings.DATA_KEYS = {"1": new_key()}

    assert run("rotate-data-key").exit_code == 0
    assert register() == []


def test_secret_key_is_rotated_by_its_command_only(settings: Settings) -> None:
    register()
    settings.SECRET_KEY = "y" * 50
    assert run("worker", "--once").exit_code == 2

    result = run("rotate-secret-key")
    assert result.exit_code == 0
    assert "All sessions and mailed links end" in result.output.replace("\n", " ")
    assert register() == []
    assert run("rotate-secret-key").output.startswith("This SECRET_KEY is already the key")


def test_second_host_with_a_data_folder_of_its_own_refuses_to_start(
    tmp_path: Path, transactional_db: None
) -> None:
    hosts = [environment(tmp_path / name, DATABASE_URL=database_url()) for name in ("a", "b")]
    results = [
        subprocess.run(
            [*TAKEBACK, "worker", "--once"],
            env=host,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        for host in hosts
    ]

    assert [result.returncode for result in results] == [0, 2]
    assert all(part in results[1].stderr.replace("\n", " ") for part in MISSING_PARTS)


def _case_with_account() -> Any:
    items = [factories.item_input(remote_id=str(number)) for number in range(2)]
    user = factories.create_customer()
    order = factories.create_order(items=items, payment_type="funds_transfer", customer=user)
    case = open_case(factories.items_of(order)[0], bank_account=ACCOUNT)
    return user, order, case


def test_doctor_names_a_restored_key_that_decrypts_nothing(settings: Settings) -> None:
    _case_with_account()
    assert finding("data keys")[0] is Severity.FINE

    settings.DATA_KEYS = {"1": new_key()}
    severity, message = finding("data keys")
    assert severity is Severity.FAILURE
    assert message.startswith("Key 1 of DATA_KEYS does not decrypt the newest texts. Copy")


@pytest.mark.allow_repeated_queries("sends several requests")
@pytest.mark.parametrize("number", ["1", "2"])
def test_requests_that_need_a_wrong_or_missing_key_are_unavailable(
    settings: Settings, number: str
) -> None:
    user, order, case = _case_with_account()
    customer, system, desk = factories.client_of(user), shop.client(), agent()
    settings.DATA_KEYS = {number: new_key()}

    channel = f"/api/v1/channel/{shop.SHOP}"
    needed = [
        (system, f"{channel}/cancellation_requests/"),
        (system, f"{channel}/cancellation_requests/{case}/"),
        (system, f"{channel}/cancellation_requests/updates/"),
        (customer, "/users/orders/"),
        (customer, f"/users/orders/{order.pk}/"),
        (customer, "/users/orders/cancellation_requests/"),
        (desk, f"/desk/cases/{case}"),
    ]
    responses = [(path, client.get(path)) for client, path in needed]
    assert [(path, response.status_code) for path, response in responses] == [
        (path, 503) for _, path in needed
    ]
    assert Client().get("/health/live").status_code == 200
    assert desk.get("/desk/").status_code == 200


def test_doctor_names_images_that_are_not_in_the_media_folder(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    _, _, case = _case_with_account()
    for name in ("cases/aa/1.jpg", "cases/aa/2.jpg"):
        CancellationRequestImage.objects.create(cancellation_request_id=case, image=name)
    (tmp_path / "cases/aa").mkdir(parents=True)
    (tmp_path / "cases/aa/1.jpg").touch()

    severity, message = finding("images")
    assert severity is Severity.FAILURE
    assert message.startswith(f"1 of the newest 2 images are not in {tmp_path}. Share this folder")

    (tmp_path / "cases/aa/2.jpg").touch()
    assert finding("images")[0] is Severity.FINE
