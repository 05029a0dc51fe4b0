"""What this kernel sends to the front end of its notebook.

identity_comm    the comm: which role is in use
identity_record  which roles each cell ran as; also writes the pin
offer            the button beside a cell's error
pin              what a pin is, and reading it from the notebook's file; `sso_magic.magics.pinned` acts on it
"""
