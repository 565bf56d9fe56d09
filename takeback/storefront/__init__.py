"""The API of guests and shoppers; its wire quirks live here and nowhere else."""
