"""Getting the goods back."""
