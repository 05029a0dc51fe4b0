"""Credentials of a role: their cache, and what libraries, the console and AssumeRole make of them."""
