"""Where the tasks of `%%sso_each` run: threads, processes, any executor, and the workers of a Dask cluster.

venues     how the work is carried out: on threads, by an executor, in processes, on a cluster
processes  processes, one job at a time each; child: what such a process runs
remote     what runs in another process
socket     how tasks in other processes of this machine get their role's credentials
dask       a Dask cluster
"""
