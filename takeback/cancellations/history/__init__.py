"""The history of cases: every change of a case has a row in it."""
