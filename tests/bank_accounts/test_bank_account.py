"""IBANs and holder names: validation, masking and comparison."""

import pytest
from rest_framework.exceptions import ValidationError
from stdnum.iban import validate

from takeback.api.case_fields import HolderNameField, IbanField
from takeback.bank_accounts.bank_account import NotAnIban, blind_index, mask_iban, normalize_iban

IBAN = "TR330006100519786457841326"

VALID = [
    "AD1200012030200359100100",
    "AE070331234567890123456",
    "AT611904300234573201",
    "BE68539007547034",
    "BG80BNBG96611020345678",
    "CH9300762011623852957",
    "CY17002001280000001200527600",
    "CZ6508000000192000145399",
    "DE89370400440532013000",
    "DK5000400440116243",
    "EE382200221020145685",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "FR1420041010050500013M02606",
    "GB82WEST12345698765432",
    "GR1601101250000000012300695",
    "HR1210010051863000160",
    "HU42117730161111101800000000",
    "IE29AIBK93115212345678",
    "IT60X0542811101000000123456",
    "KW81CBKU0000000000001234560101",
    "LT121000011101001000",
    "LU280019400644750000",
    "MT84MALT011000012345MTLCAST001S",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "PL61109010140000071219812874",
    "PT50000201231234567890154",
    "SA0380000000608010167519",
    "SE4550000000058398257466",
    IBAN,
]


@pytest.mark.parametrize("iban", VALID)
def test_ibans_of_thirty_countries_are_valid_and_a_wrong_digit_is_not(iban: str) -> None:
    assert normalize_iban(iban) == iban
    last = "1" if iban[-1] != "1" else "2"
    with pytest.raises(NotAnIban):
        normalize_iban(iban[:-1] + last)


@pytest.mark.parametrize(
    "text", ["tr33 0006 1005 1978 6457 8413 26", " TR33-0006-1005-1978-6457-8413-26 "]
)
def test_iban_may_contain_spaces_hyphens_and_lower_case_letters(text: str) -> None:
    assert IbanField().run_validation(text) == IBAN


INVALID = [
    "TR340006100519786457841326",
    "TR3300061005197864578413260",
    "TR33000610051978645784132",
    "XX330006100519786457841326",
    "TR00000000000000000000000000",
    "TR000006105197864578410041",
    "TR010006105197864578410023",
    "TR990006105197864578410005",
    "4111111111111111",
    "TR33000610051978645784132\u0666",
    "\u0422R330006100519786457841326",
    "TR33\u200b0006100519786457841326",
    "TR33\n0006100519786457841326",
    "TR33" * 30,
    "test-iban",
    12,
    ["TR33"],
    {"value": IBAN},
    True,
]


@pytest.mark.parametrize("value", INVALID, ids=repr)
def test_invalid_iban_is_refused_with_one_text(value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        IbanField().run_validation(value)
    assert refused.value.detail == ["This is not a valid IBAN."]


def test_digits_of_other_scripts_are_refused() -> None:
    assert validate("TR\u0663\u06630006100519786457841326")
    with pytest.raises(NotAnIban):
        normalize_iban("TR\u0663\u06630006100519786457841326")


BECOMES_ASCII = [
    "\u0131t60x0542811101000000123456",
    "\ufb0121 1234 5600 0007 85",
    "\u017fe4550000000058398257466",
]


@pytest.mark.parametrize("text", BECOMES_ASCII)
def test_letters_that_become_ascii_in_upper_case_are_refused(text: str) -> None:
    assert validate(text.upper())
    with pytest.raises(NotAnIban):
        normalize_iban(text)


def test_second_valid_set_of_check_digits_is_refused() -> None:
    assert normalize_iban("TR970006105197864578410041")
    assert validate("TR000006105197864578410041")
    with pytest.raises(NotAnIban):
        normalize_iban("TR000006105197864578410041")


@pytest.mark.parametrize("name", ["Ayla Ray", "Ōe Kenzaburō", "<b>Jo</b>", "محمد علي", "Li"])
def test_holder_name_is_not_changed(name: str) -> None:
    assert HolderNameField().run_validation(name) == name


@pytest.mark.parametrize("name", ["A", "12345", "😀😀", "a" * 256, "Jo\nRay", "Jo\u202eRay", 5])
def test_invalid_holder_name_is_refused(name: object) -> None:
    with pytest.raises(ValidationError):
        HolderNameField().run_validation(name)


def test_empty_iban_and_holder_name_are_accepted() -> None:
    assert IbanField().run_validation("  ") == ""
    assert HolderNameField().run_validation("") == ""


def test_masked_iban_shows_its_ends_only() -> None:
    assert mask_iban(IBAN) == "TR33 •••• 1326"


def test_blind_index_is_equal_for_equal_accounts_only() -> None:
    assert blind_index(IBAN) == blind_index(IBAN)
    assert len(blind_index(IBAN)) == 64
    assert blind_index(IBAN) != blind_index("DE89370400440532013000")
