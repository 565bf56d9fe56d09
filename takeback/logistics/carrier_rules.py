"""The rules of carriers: which countries and categories of products a carrier serves."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from django.utils.text import slugify

from takeback.logistics import errors

MAX_CATEGORIES: Final = 200
CATEGORY_MAX: Final = 255
SLUG_MAX: Final = 64

# ISO 3166-1 alpha-2, and XK, which is in use for Kosovo.
_COUNTRIES: Final = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRIES: Final = frozenset(_COUNTRIES.split())

_SLUG = re.compile(rf"[A-Za-z0-9_-]{{1,{SLUG_MAX}}}", re.ASCII)


class InvalidRule(ValueError):
    """A rule that no carrier can have; the text is a sentence for the person who sent it."""


def country_codes(texts: Iterable[str]) -> list[str]:
    """These countries in upper case, each once and in order; InvalidRule for an unknown one."""
    codes = sorted({text.strip().upper(): None for text in texts})
    for code in codes:
        if code not in COUNTRIES:
            raise InvalidRule(str(errors.UNKNOWN_COUNTRY).format(country=code[:20]))
    return codes


def categories(texts: Iterable[str]) -> list[str]:
    """These categories without surrounding spaces, each once; InvalidRule beyond the limits."""
    names = list({text.strip(): None for text in texts})
    if len(names) > MAX_CATEGORIES:
        raise InvalidRule(str(errors.TOO_MANY_CATEGORIES).format(max=MAX_CATEGORIES))
    if not all(0 < len(name) <= CATEGORY_MAX for name in names):
        raise InvalidRule(str(errors.CATEGORY_LENGTH).format(max=CATEGORY_MAX))
    return names


def slug(text: str) -> str:
    """The carrier's short name in other systems; InvalidRule unless it is a slug."""
    if not _SLUG.fullmatch(text):
        raise InvalidRule(str(errors.INVALID_SLUG).format(max=SLUG_MAX))
    return text


def slug_of(name: str) -> str:
    """A short name made from a name in any script."""
    return slugify(name)[:SLUG_MAX] or "carrier"


def serves(
    countries: Collection[str],
    served_categories: Collection[str],
    *,
    country: str,
    product_categories: Collection[str],
) -> bool:
    """Whether a carrier with these rules takes a product back from this country.

    No countries, or no categories, means all of them; case does not matter.
    """
    if countries and country.upper() not in countries:
        return False
    names = {name.casefold() for name in served_categories}
    return not names or any(name.casefold() in names for name in product_categories)
