"""Work on a Dask cluster that runs already, named by the address of its scheduler."""
