"""One format per language for dates and one for times; Django reads these modules."""
