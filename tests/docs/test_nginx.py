"""`nginx.conf` in front of the real server: TLS, redirect, hidden metrics and sign-in."""

import http.cookiejar
import re
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
from tests.rigs.serving import TAKEBACK, Server, environment, free_port, serving

pytestmark = [pytest.mark.heavy("postgresql"), pytest.mark.thorough]


class Site(NamedTuple):
    """nginx in front of a server."""

    server: Server
    http: int
    https: int
    certificate: Path
    logs: Path


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


def test_logs_contain_no_query_string_and_no_referer(proxy: Site, tmp_path: Path) -> None:
    site, address = f"https://127.0.0.1:{proxy.https}", "find.me%40example.com"
    path = f"/api/v1/channel/1/customers/?email={address}"
    referer = ("-H", f"Referer: {site}/desk/?email={address}")
    curl(proxy, *referer, f"{site}{path}")
    curl(proxy, *referer, f"http://127.0.0.1:{proxy.http}/desk/?email={address}")
    with running_nginx(tmp_path, [free_port()], free_port()) as dead:
        failed = proxy._replace(https=dead.https, certificate=dead.certificate)
        url = f"https://127.0.0.1:{dead.https}{path}"
        write = ("--retry", "0", "-o", "/dev/null", "-w", "%{http_code}")
        output = curl(failed, *referer, *write, url)
        assert output == "502"
        texts = [file.read_text() for file in dead.logs.iterdir()]

    texts += [file.read_text() for file in proxy.logs.iterdir()]
    lines = "".join(texts).splitlines()
    shown = [line for line in lines if '"GET /api/v1/channel/1/customers/ HTTP/' in line]
    assert [re.search(r'" (\d+) ', line)[1] for line in shown] == ["502", "401"]  # type: ignore[index]
    assert any('"GET /desk/ HTTP/1.1" 301 ' in line for line in lines)
    assert not [line for line in lines if "find.me" in line or "?" in line]


def test_desk_sign_in_works_on_a_port_other_than_443(proxy: Site) -> None:
    folder = proxy.server.folder
    settings = environment(folder, SITE_URL="http://127.0.0.1")
    arguments = ["add-staff", "ada", "--channel", "1", "--scope", "read"]
    subprocess.run(
        [*TAKEBACK, "add-channel", "Shop"], env=settings, check=True, capture_output=True
    )
    added = subprocess.run(
        [*TAKEBACK, *arguments], env=settings, check=True, capture_output=True, text=True
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
