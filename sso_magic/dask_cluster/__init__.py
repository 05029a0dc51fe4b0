"""A role in use on a Dask cluster: on the client's side, and on the workers'."""
