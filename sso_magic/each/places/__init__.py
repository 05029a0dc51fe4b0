"""Where the tasks of `%%sso_each` run: threads, processes, any executor, and the workers of a Dask cluster."""
