"""Pictures of cases: read with suspicion, made anew, kept under names that nobody can guess."""
