"""Defaults of settings that more than one room needs."""

from __future__ import annotations

PRODUCTION = r"(?i)(^|[^a-z])prod(uction)?([^a-z]|$)"  # of ``SSOMagics.production``
