"""Kinds of settings: what each accepts, and that messages hide secrets."""

from base64 import b64encode
from pathlib import Path

import pytest

from takeback.core import env, setting_kinds
from takeback.core.env import DECLARED, WrongSettings
from takeback.core.setting_kinds import Kind

KEY = b64encode(bytes(32)).decode()
INTEGER = setting_kinds.integer(1, 10)
DIALECT = setting_kinds.one_of("classic", "v3")

ALLOWED = [
    (INTEGER, "10", 10),
    (INTEGER, " 1 ", 1),
    (DIALECT, "V3", "v3"),
    (setting_kinds.BOOLEAN, "On", True),
    (setting_kinds.BOOLEAN, "0", False),
    (setting_kinds.TEXT, "a b", "a b"),
    (setting_kinds.TIME_ZONE, "Europe/Istanbul", "Europe/Istanbul"),
    (setting_kinds.NETWORKS, "10.1.2.3/8, ::1,", ["10.1.2.3/8", "::1"]),
    (setting_kinds.NETWORKS, "", []),
    (setting_kinds.HOSTS, "*,.shop.example,[::1],a_b", ["*", ".shop.example", "[::1]", "a_b"]),
    (setting_kinds.WEB_URL, "https://a.example:8443/returns", "https://a.example:8443/returns"),
    (setting_kinds.WEB_URL, "http://[::1]:8000", "http://[::1]:8000"),
    (setting_kinds.ORIGINS, "https://*.a.example", ["https://*.a.example"]),
    (setting_kinds.SENDER, "Shop <a@b.example>", "Shop <a@b.example>"),
    (setting_kinds.CHANNELS_BY_HOST, "A.example=1,b=2", {"a.example": "1", "b": "2"}),
    (setting_kinds.AMOUNTS, "EUR=50000, jpy=0,", {"eur": 50_000, "jpy": 0}),
    (setting_kinds.AMOUNTS, "", {}),
    (setting_kinds.DATA_KEYS, f"2={KEY}", {"2": KEY}),
    (setting_kinds.DATA_KEYS, "", {}),
    (setting_kinds.MAIL_SERVER, "", {}),
]
WRONG = [
    *((INTEGER, text) for text in ("", "0", "11", "1.5", "1_0", "banana", "٣", "9" * 30)),
    *((DIALECT, text) for text in ("", "v2")),
    *((setting_kinds.BOOLEAN, text) for text in ("", "maybe", "2")),
    *((setting_kinds.TEXT, text) for text in ("", " ", "a\nb", "x" * 256)),
    *((setting_kinds.TIME_ZONE, text) for text in ("", "Istanbul", "Europe", "../UTC", "UTC ")),
    *((setting_kinds.NETWORKS, text) for text in ("10.0.0.0/33", "shop.example", "10.0.0.1:80")),
    *((setting_kinds.HOSTS, text) for text in ("https://a", "a:80", "[a]", "a b", "10.0.0.0/8")),
    *((setting_kinds.WEB_URL, text) for text in ("", "shop.example", "ftp://a", "https://")),
    *((setting_kinds.WEB_URL, text) for text in ("https://a:x", "https://u:p@a", "https://a?b")),
    *((setting_kinds.WEB_URL, text) for text in ("https://a:70000", "https://a b", "https://a#b")),
    *((setting_kinds.ORIGINS, text) for text in ("a.example", "https://a/b", "*")),
    *((setting_kinds.COOKIE_NAME, text) for text in ("", "a b", "a;b", "ö")),
    *((setting_kinds.SENDER, text) for text in ("", "shop", "a@b\nc: d")),
    *((setting_kinds.CHANNELS_BY_HOST, text) for text in ("a", "a=", "a=x", "a=0", "a=1,a=2")),
    *((setting_kinds.AMOUNTS, text) for text in ("eur", "eur=", "eur=1.5", "eur=-1", "euro=1")),
    *((setting_kinds.AMOUNTS, text) for text in ("eur=1,EUR=2", "eur=1,eur=1", "1=1")),
    *((setting_kinds.DATA_KEYS, text) for text in ("1", "1=x", "1=QUJD", f"a:b={KEY}")),
    *((setting_kinds.DATABASE, text) for text in ("", "mysql://a/b", "postgres://a", "a.sqlite3")),
    *((setting_kinds.DATABASE, text) for text in ("sqlite://a.db", "sqlite:///", "sqlite://")),
    *((setting_kinds.DATABASE, text) for text in ("postgres://a:x/b", "postgres://a:70000/b")),
    *((setting_kinds.MAIL_SERVER, text) for text in ("a", "http://a", "smtp://", "smtp://a:x")),
]


@pytest.mark.parametrize(("kind", "text", "value"), ALLOWED)
def test_allowed_value_is_read(kind: Kind[object], text: str, value: object) -> None:
    assert kind.parse(text) == value


@pytest.mark.parametrize(("kind", "text"), WRONG)
def test_wrong_value_is_refused(
    kind: Kind[object], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "DECLARED", {})
    monkeypatch.setenv("A_SETTING", text)
    assert env._read(kind, "A_SETTING", None, "A sentence.") is None  # noqa: SLF001 - any kind
    with pytest.raises(WrongSettings) as caught:
        env.require_valid()
    assert [(wrong.name, wrong.allowed) for wrong in caught.value.settings] == [
        ("A_SETTING", kind.allowed)
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql://user:hunter2@db:5432/x", "mysql://***@db:5432/x"),
        ("postgres://u:p/hunter2@db", "postgres://***@db"),
        ("user:hunter2@db", "***@db"),
        ("postgres://db/x?password=hunter2&sslmode=no", "postgres://db/x?password=***&sslmode=no"),
        ("sqlite:///a", "sqlite:///a"),
    ],
)
def test_password_of_a_url_is_hidden(url: str, shown: str) -> None:
    assert setting_kinds.without_password(url) == shown


def test_secret_is_read_from_a_file_without_its_line_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "DECLARED", {})
    (tmp_path / "token").write_text("abc\n")
    monkeypatch.setenv("A_TOKEN", "ignored")
    monkeypatch.setenv("A_TOKEN_FILE", str(tmp_path / "token"))
    assert env.env_str("A_TOKEN", "", "A sentence.", setting_kinds.secret()) == "abc"
    monkeypatch.setenv("A_TOKEN_FILE", "/nowhere")
    env.env_str("A_TOKEN", "", "A sentence.", setting_kinds.secret())
    with pytest.raises(WrongSettings, match=r"A_TOKEN_FILE is '/nowhere'\. Allowed: a file that"):
        env.require_valid()


def test_every_setting_states_what_is_allowed() -> None:
    assert [setting.name for setting in DECLARED.values() if len(setting.allowed) < 5] == []
