"""Running the service: health, metrics, periodic tasks and the check-up."""
