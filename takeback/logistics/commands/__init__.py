"""Commands of logistics: easy returns, and the carriers that a shop offers for them."""
