"""Running the service: its health, its figures, its chores, its check-up."""
