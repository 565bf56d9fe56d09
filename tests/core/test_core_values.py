"""Client addresses, e-mail keys, encryption and page parameters."""

from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from takeback.core import errors
from takeback.core.client_ip import client_address, client_network, is_within
from takeback.core.encryption import decrypt, encrypt
from takeback.core.errors import Refused
from takeback.core.normalize import email_key, has_mixed_digits, number_key
from takeback.core.paging import Page

IBAN = "TR330006100519786457841326"


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("Jane.Doe@Example.COM", "jane.doe@example.com"),
        ("  a@b.co ", "a@b.co"),
        ("\u212aate@x.y", "\u212aate@x.y"),
        ("\u0130@x.y", "\u0130@x.y"),
        ("a@b.co\n", "a@b.co\n"),
    ],
)
def test_email_key_lower_cases_ascii_letters_only(email: str, key: str) -> None:
    assert email_key(email) == key


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("Jane@M\u00dcNCHEN.example", "jane@xn--mnchen-3ya.example"),
        ("jane@m\u00fcnchen.example", "jane@xn--mnchen-3ya.example"),
        ("jane@mu\u0308nchen.example", "jane@xn--mnchen-3ya.example"),
        ("jane@XN--MNCHEN-3YA.example", "jane@xn--mnchen-3ya.example"),
        ("\u00d6@\uff45xample\u3002com", "\u00d6@example.com"),
        ("a@stra\u00dfe.de", "a@xn--strae-oqa.de"),
        ("\u0130@x.y", "\u0130@x.y"),
        # Domains without an IDNA form, and forms that are too long, stay as they are.
        ("A@\u00dc_.de", "a@\u00dc_.de"),
        ("a@\u00fc..de", "a@\u00fc..de"),
        ("a@-\u00fc.de", "a@-\u00fc.de"),
        ("a@" + "\u00fc" * 64 + ".de", "a@" + "\u00fc" * 64 + ".de"),
        ("a@" + "\u00fc." * 200 + "de", "a@" + "\u00fc." * 200 + "de"),
        ("x" * 64 + "@" + "\u00fc." * 40 + "de", "x" * 64 + "@" + "\u00fc." * 40 + "de"),
        ("\u00fc", "\u00fc"),
        ("a@\ud800.de", "a@\ud800.de"),
    ],
)
def test_email_key_has_the_domain_in_its_idna_form(email: str, key: str) -> None:
    assert email_key(email) == key
    assert email_key(key) == key


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("1001", "1001"),
        ("#1001", "1001"),
        (" # 1001 ", "1001"),
        ("no 1001", "1001"),
        ("No.1001", "1001"),
        ("NO. #1001", "1001"),
        ("\u2116 1001", "1001"),
        ("\uff03\uff11\uff10\uff10\uff11", "1001"),
        ("100 200\u00a0306", "100200306"),
        ("\u202a1001\u202c\ufeff", "1001"),
        ("10\u200b0\u00ad1\ufe0f", "1001"),
        ("\t1001\r\n", "1001"),
        ("1\x0001", "101"),
        ("ABC-77X", "abc-77x"),
        ("\u0661\u0660\u0660\u0661", "1001"),
        ("\u06f1\u06f0\u06f0\u06f1", "1001"),
        ("\u212a-1", "k-1"),
        ("\u0130-1", "\u0130-1"),
        ("\u00c4-1", "\u00c4-1"),
        ("A\u0308-1", "\u00c4-1"),
        # A genuine number that begins with a prefix, and numbers that are nothing else.
        ("NO1234", "1234"),
        ("Nora-1", "ra-1"),
        ("n5", "n5"),
        ("#", "#"),
        ("No.", "no."),
        ("", ""),
        # Longer than its column: as it is.
        ("\ufdfa" * 20, "\ufdfa" * 20),
        ("A" * 129, "a" * 129),
    ],
)
def test_number_key_is_equal_for_all_notations(number: str, key: str) -> None:
    assert number_key(number) == key
    assert number_key(key) == key


@given(st.text(max_size=40))
def test_number_key_of_any_text_fits_its_column(text: str) -> None:
    key = number_key(text)

    assert len(key) <= 128
    assert "\x00" not in key


@pytest.mark.parametrize(
    ("text", "is_mixed"),
    [
        ("#1001", False),
        ("\u0661\u0660", False),
        ("A\uff11-1", False),
        ("1\u2075", False),
        ("100\u0664", True),
        ("\u0661\u06f1", True),
        ("\u0967\u0661", True),
        ("\u1369-1", True),
    ],
)
def test_digits_of_two_scripts_are_mixed(text: str, is_mixed: bool) -> None:
    assert has_mixed_digits(text) is is_mixed


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "192.0.2.1"),
        (0, "198.51.100.7", "192.0.2.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1, 198.51.100.7", "198.51.100.7"),
        (2, "10.0.0.1, 198.51.100.7, 172.16.0.1", "198.51.100.7"),
        (2, "198.51.100.7", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, " , ", "192.0.2.1"),
        (1, "nonsense", ""),
        (1, "::ffff:198.51.100.7", "198.51.100.7"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "fe80::1%eth0", "fe80::1"),
    ],
)
def test_client_address_comes_from_the_last_trusted_proxy(
    settings: Any, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get(
        "/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded}
    )

    assert client_address(request) == address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_client_network_is_an_ipv4_address_or_a_64_network(address: str, network: str) -> None:
    assert client_network(address) == network


def test_is_within_matches_addresses_of_the_networks_only() -> None:
    networks = ["192.0.2.0/28", "2001:db8::/32", "198.51.100.7"]

    inside = ["192.0.2.15", "2001:db8::1", "198.51.100.7"]
    outside = ["192.0.2.16", "2001:db9::1", "198.51.100.8", "", "nonsense"]
    assert [is_within(address, networks) for address in inside] == [True] * 3
    assert [is_within(address, networks) for address in outside] == [False] * 5


def test_encrypted_text_decrypts_with_its_own_context_only() -> None:
    encrypted = encrypt(IBAN, "row-1")

    assert IBAN not in encrypted
    assert decrypt(encrypted, "row-1") == IBAN
    assert encrypt(IBAN, "row-1") != encrypted
    with pytest.raises(Refused):
        decrypt(encrypted, "row-2")


def test_newest_key_encrypts_and_older_keys_still_decrypt(settings: Any) -> None:
    old = encrypt(IBAN, "row")
    settings.DATA_KEYS = {"2": "QUJD" * 10 + "QUI="} | settings.DATA_KEYS

    assert decrypt(old, "row") == IBAN
    assert encrypt(IBAN, "row").startswith("2:")


def test_text_of_a_missing_key_is_refused_as_unavailable(settings: Any) -> None:
    old = encrypt(IBAN, "row")
    settings.DATA_KEYS = {"2": settings.DATA_KEYS["1"]}

    with pytest.raises(Refused) as refused:
        decrypt(old, "row")

    assert refused.value.problem is errors.UNAVAILABLE
    assert refused.value.context == {"missing_data_key": "1"}


def test_text_of_another_key_with_the_same_number_is_unavailable(settings: Any) -> None:
    old = encrypt(IBAN, "row")
    settings.DATA_KEYS = {"1": "REVG" * 10 + "REU="}

    with pytest.raises(Refused) as refused:
        decrypt(old, "row")

    assert refused.value.problem is errors.UNAVAILABLE
    assert refused.value.context == {"wrong_data_key": "1"}


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, Page(1, 10)),
        ({"page": "2", "limit": "12"}, Page(2, 12)),
        ({"page": " 3 ", "limit": "12 "}, Page(3, 12)),
        ({"page_size": "7"}, Page(1, 7)),
        ({"limit": "5", "page_size": "7"}, Page(1, 5)),
        ({"limit": "1000"}, Page(1, 100)),
        ({"limit": "x"}, Page(1, 10)),
        ({"page": "1000000"}, Page(1_000_000, 10)),
    ],
)
def test_page_is_read_from_the_query(query: dict[str, str], page: Page) -> None:
    assert Page.of(query) == page
    assert page.offset == (page.number - 1) * page.limit


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "1000001", "1" * 19, "\u0661"])
def test_invalid_page_number_is_refused(number: str) -> None:
    with pytest.raises(Refused) as refused:
        Page.of({"page": number})

    assert refused.value.problem.code == "not_found"
