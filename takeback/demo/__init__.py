"""A made-up shop to click through; nothing here serves a real one."""
