"""Trade-in offers: the customer is asked once, by mail, and answers once."""
