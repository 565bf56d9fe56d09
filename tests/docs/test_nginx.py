"""`nginx.conf` in front of the real server: TLS, redirect, hidden metrics and sign-in."""

import http.cookiejar
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.host import require_programs
from tests.docs.nginx import running_nginx
from tests.rigs.serving import Server, environment, free_port, serving

pytestmark = [pytest.mark.heavy("postgresql"), pytest.mark.thorough]


class Site(NamedTuple):
    """nginx in front of a server."""

    server: Server
    http: int
    https: int
    certificate: Path


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The file of this checkout with other ports and folders, in front of `takeback serve`."""
    require_programs("nginx", "curl", "openssl")
    folder, secure = tmp_path_factory.mktemp("nginx"), free_port()
    settings = {"SITE_URL": f"https://127.0.0.1:{secure}", "TRUSTED_PROXIES": "1"}
    with (
        serving(folder, "--workers", "1", "--migrate", **settings) as server,
        running_nginx(folder, [server.port], secure) as nginx,
    ):
        yield Site(server, *nginx)


def curl(proxy: Site, *arguments: str) -> str:
    """What curl prints; it waits until nginx listens."""
    retry = ["--retry", "20", "--retry-connrefused", "--retry-delay", "1"]
    command = ["curl", "-sS", *retry, "--cacert", str(proxy.certificate), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_requests_reach_the_server_over_http_2(proxy: Site) -> None:
    url = f"https://127.0.0.1:{proxy.https}/health/ready"
    assert curl(proxy, "-w", " HTTP/%{http_version}", url) == '{"status":"ok"} HTTP/2'


def test_metrics_are_hidden(proxy: Site) -> None:
    url = f"https://127.0.0.1:{proxy.https}/metrics"
    assert curl(proxy, "-o", "/dev/null", "-w", "%{http_code}", url) == "404"


def test_plain_http_is_redirected(proxy: Site) -> None:
    url = f"http://127.0.0.1:{proxy.http}/desk/login?next=1"
    output = curl(proxy, "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", url)
    assert output == "301 https://127.0.0.1/desk/login?next=1"


def test_desk_sign_in_works_on_a_port_other_than_443(proxy: Site) -> None:
    folder = proxy.server.folder
    settings = environment(folder, SITE_URL="http://127.0.0.1")
    takeback = shutil.which("takeback") or "takeback"
    arguments = ["add-staff", "ada", "--channel", "1", "--scope", "read"]
    subprocess.run([takeback, "add-channel", "Shop"], env=settings, check=True, capture_output=True)
    added = subprocess.run(
        [takeback, *arguments], env=settings, check=True, capture_output=True, text=True
    )
    browser = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=proxy.certificate)),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    )
    site = f"https://127.0.0.1:{proxy.https}"
    page = browser.open(f"{site}/desk/login").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    fields = {
        "csrfmiddlewaretoken": token[1],
        "username": "ada",
        "password": added.stdout.strip(),
    }
    request = urllib.request.Request(
        f"{site}/desk/login",
        data=urllib.parse.urlencode(fields).encode(),
        headers={"Origin": site, "Referer": f"{site}/desk/login"},
    )
    assert browser.open(request).url == f"{site}/desk/"
