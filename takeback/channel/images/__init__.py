"""Pictures of a channel's cases."""
