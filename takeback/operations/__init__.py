"""Health checks, metrics, periodic tasks and the checks of `takeback doctor`."""
