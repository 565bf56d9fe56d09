"""A client generated from our document has exact types and runs a whole story.

The dependency group `clients` installs the generator; CI always has it.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from pytest_django import Settings

from takeback.api import openapi
from tests import factories
from tests.channel import shop
from tests.conftest import CI
from tests.rigs.serving import database_url, serving

pytestmark = [pytest.mark.timeout(300), pytest.mark.thorough]

STORY = Path(__file__).with_name("generated_client.py")
CONFIG = """
post_hooks: []
content_type_overrides: {"image/*": application/octet-stream}
package_name_override: takeback_client
"""


def _run(*command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the generated package; the generator warns of nothing."""
    if find_spec("openapi_python_client") is None:
        missing = "openapi-python-client is not installed: uv sync --group clients"
        pytest.fail(missing) if CI else pytest.skip(missing)
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.yml").write_text(CONFIG)
    (folder / "openapi.json").write_text(json.dumps(openapi.document(), default=str))
    options = ["--path", "openapi.json", "--config", "config.yml", "--meta", "none"]
    output = ["--output-path", "takeback_client", "--fail-on-warning"]
    done = _run("-m", "openapi_python_client", "generate", *options, *output, folder=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return folder


def test_every_operation_is_in_the_generated_client(package: Path) -> None:
    names = {
        operation["operationId"]
        for operations in openapi.document()["paths"].values()
        for operation in operations.values()
    }
    files = {file.stem for file in (package / "takeback_client" / "api").glob("*/*.py")}
    assert len(names) > 120
    assert names - files == set()


@pytest.mark.thorough
def test_types_of_the_generated_client_are_exact(package: Path) -> None:
    (package / "story.py").write_text(STORY.read_text())
    strict = ["--strict", "--config-file=", "takeback_client", "story.py"]
    done = _run("-m", "mypy", *strict, folder=package)
    assert done.stdout.startswith("Success"), done.stdout[-3000:] + done.stderr


@pytest.mark.django_db(transaction=True)
def test_generated_client_runs_the_whole_story(
    package: Path, tmp_path: Path, settings: Settings
) -> None:
    # The server uses the real password hasher.
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
    factories.create_order(number="1000100")
    customer = factories.create_customer(password=make_password(factories.PASSWORD))
    factories.create_order(customer=customer, number="1000101")
    with serving(tmp_path, DATABASE_URL=database_url()) as running:
        story = {
            "url": running.url,
            "channel": shop.SHOP,
            "key": shop.key(scopes=["read", "decide", "money"]),
            "number": "1000100",
            "guest": factories.GUEST,
            "reason": factories.create_reason().pk,
            "customer": customer.email,
            "password": factories.PASSWORD,
        }
        done = _run(str(STORY), folder=package, STORY=json.dumps(story))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "guest": {
            "number": "1000100",
            "statuses": [201, 400],
            "code": "cancellation_request_100_1",
        },
        "channel": {"count": 1, "statuses": ["waiting", "confirmed", "approved"]},
        "customer": ["1000101"],
    }
