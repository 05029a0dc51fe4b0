"""An Identity Center as the user's Python sees it: sessions, roles and their credentials."""
