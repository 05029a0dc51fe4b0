"""Profiles for ~/.aws/config, written from the inventory."""
