"""The commands of `takeback`, one file each."""
