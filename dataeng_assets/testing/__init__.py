"""What tests of the platform, ours and those of users, are run with: real servers as pytest fixtures."""
