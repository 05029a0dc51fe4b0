"""What this kernel tells the front end of its notebook."""
