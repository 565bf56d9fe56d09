"""Measurements: `./dev bench`. Only ratios count, of things measured side by side in one run."""
