"""Trade-in offers: mailed to the customer, who accepts or rejects each once."""
