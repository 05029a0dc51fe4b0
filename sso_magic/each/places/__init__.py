"""Where the tasks of `%%sso_each` run: threads, processes, and the workers of a Dask cluster."""
