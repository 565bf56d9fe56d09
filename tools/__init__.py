"""What a developer of Takeback runs by hand; nothing here is installed."""
