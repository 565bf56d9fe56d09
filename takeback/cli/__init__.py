"""The command line: `takeback ...`."""
