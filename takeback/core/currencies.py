"""The decimals of every currency: our own ISO 4217 table, which no library changes.

Stored amounts are whole minor units, so another number of decimals changes what they are worth.
Libraries do change it: CLDR follows what people use, not ISO 4217. The decimals of a code
change only together with a migration that converts the stored amounts; a test pins the table to
the migration (`docs/decisions/0042-own-currency-table.md`). A new code needs none.
"""

from collections.abc import Mapping
from typing import Final

# ISO 4217 List One of 1 January 2026. Codes without a minor unit (gold, testing, no currency)
# are no money.
_ACTIVE: Final = {
    0: "bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf",
    2: """
        aed afn all amd aoa ars aud awg azn bam bbd bdt bmd bnd bob bov brl bsd btn bwp byn bzd
        cad cdf che chf chw cny cop cou crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp
        gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr irr jmd kes kgs khr kpw kyd kzt lak
        lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn mxv myr mzn nad ngn nio
        nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd shp sle sos
        srd ssp stn svc syp szl thb tjs tmt top try ttd twd tzs uah usd usn uyu uzs ved ves wst
        xad xcd xcg yer zar zmw zwg
    """,
    3: "bhd iqd jod kwd lyd omr tnd",
    4: "clf uyw",
}
# Currencies that have ended, for orders of the past, and the offshore yuan. List Three has no
# decimals: these are those that ISO 4217 had at the end, or two.
_OTHERS: Final = {
    0: "adp bef byb byr esp grd itl luf mgf pte tpe trl",
    2: """
        afa alk ang aok aon aor ara arl arm arp ats azm bad ban bec bel bgl bgm bgn bgo bol bop
        brb brc bre brn brr brz buk cle cnh cnx csd csk cuc cyp ddm dem ecs ecv eek esa esb fim
        frf gek ghc gns gqe gwe gwp hrd hrk iep ilp ilr isj krh kro ltl ltt luc lul lvl lvr maf
        mcf mdc mkn mlf mro mtl mtp mvp mxp mze mzm nic nlg pei pes plz rhd rol rur sdd sdp sit
        skk sll srg std sur tjr tmm uak ugs uss uyp veb vef vnn ydd yud yum yun yur zal zmk zrn
        zrz zwd zwl zwr
    """,
}

DECIMALS: Final[Mapping[str, int]] = {
    code: decimals
    for group in (_ACTIVE, _OTHERS)
    for decimals, codes in group.items()
    for code in codes.split()
}
"""The number of decimals by the code of the currency in lower case."""
