"""Measurements of things side by side in one run, since only ratios count: `./dev bench`."""
