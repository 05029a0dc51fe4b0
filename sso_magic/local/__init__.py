"""An Identity Center, and AWS accounts behind it, on this machine."""
