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

from tests.docs.host import NGINX, require_programs
from tests.docs.shell import localize
from tests.rigs.serving import Server, environment, free_port, serving
from tests.test_architecture import ROOT

pytestmark = [pytest.mark.heavy("postgresql"), pytest.mark.thorough]


class Proxy(NamedTuple):
    """nginx in front of a server, with a certificate for 127.0.0.1."""

    server: Server
    http: int
    https: int
    certificate: Path


def _certificate(folder: Path) -> Path:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return folder / "certificate.pem"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The file of this checkout with other ports and folders, in front of `takeback serve`."""
    require_programs("nginx", "curl", "openssl")
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
    folder = tmp_path_factory.mktemp("nginx")
    plain, secure, tls = free_port(), free_port(), folder / "etc/nginx/tls"
    tls.mkdir(parents=True)
    (folder / "etc/nginx/conf.d").mkdir()
    site = f"https://127.0.0.1:{secure}"
    settings = {"SITE_URL": site, "TRUSTED_PROXIES": "1"}
    with serving(folder, "--workers", "1", "--migrate", **settings) as server:
        texts = {
            "listen 443": f"listen 127.0.0.1:{secure}",
            "listen 80": f"listen 127.0.0.1:{plain}",
            "/etc/nginx": f"{folder}/etc/nginx",
        }
        certificate = _certificate(tls)
        text = (ROOT / "nginx.conf").read_text().replace("web:8000", f"127.0.0.1:{server.port}")
        (folder / "etc/nginx/conf.d/site.conf").write_text(localize(text, texts))
        (folder / "nginx.conf").write_text(NGINX.format(root=folder, user=""))
        command = [nginx, "-e", "stderr", "-c", str(folder / "nginx.conf")]
        check = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert check.returncode == 0, check.stderr
        process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
        try:
            yield Proxy(server, plain, secure, certificate)
        finally:
            process.terminate()
            process.wait(timeout=30)


def curl(proxy: Proxy, *arguments: str) -> str:
    """What curl prints; it waits until nginx listens."""
    retry = ["--retry", "20", "--retry-connrefused", "--retry-delay", "1"]
    command = ["curl", "-sS", *retry, "--cacert", str(proxy.certificate), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_requests_reach_the_server_over_http_2(proxy: Proxy) -> None:
    url = f"https://127.0.0.1:{proxy.https}/health/ready"
    assert curl(proxy, "-w", " HTTP/%{http_version}", url) == '{"status":"ok"} HTTP/2'


def test_metrics_are_hidden(proxy: Proxy) -> None:
    url = f"https://127.0.0.1:{proxy.https}/metrics"
    assert curl(proxy, "-o", "/dev/null", "-w", "%{http_code}", url) == "404"


def test_plain_http_is_redirected(proxy: Proxy) -> None:
    url = f"http://127.0.0.1:{proxy.http}/desk/login?next=1"
    output = curl(proxy, "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", url)
    assert output == "301 https://127.0.0.1/desk/login?next=1"


def test_desk_sign_in_works_on_a_port_other_than_443(proxy: Proxy) -> None:
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
