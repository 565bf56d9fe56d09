"""Who a shopper is: guest look-up, guest access, sign-in."""
