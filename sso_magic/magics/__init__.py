"""The magics: reading a line, one module for each family of magics, completion, and the command."""
