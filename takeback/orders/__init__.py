"""What was bought, as told to us, and what each unit of it is worth."""
