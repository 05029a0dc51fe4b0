"""The role in use in this process: environment, renewal, endpoint, and the libraries that hold credentials."""
