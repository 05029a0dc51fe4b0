"""The magics: reading a line, one module for each family of magics, completion, and the command.

load         what ``%load_ext`` puts into IPython, and ``%unload_ext`` takes out
magics       the magics: read the line, call, show; family: what the other modules need of that class
line         what the magics have in common; options: their options; parsing: a line becomes arguments
settings     ``%config SSOMagics``
completion   TAB
login        ``%sso_login``, ``%sso_logout``; cli: the same in a terminal
lists        ``%sso_accounts``, ``%sso_roles``, ``%sso_inventory``, ``%sso_profiles``
table        the inventory's table, with a line under it; first_rows: what shows while a long list is fetched
use          ``%sso_use``, ``%%sso_as``; switch_line: their line; pinned: ``--pin``, ``--pinned``
status       ``%sso_status``; ran_as: its ``--notebook``
console      ``%sso_console``
each         ``%%sso_each``; each_text: what it says
"""
