"""Bank accounts of cases: who says that one is right, and how they are asked."""
