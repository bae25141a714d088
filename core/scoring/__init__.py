"""Batch scoring: a snapshot of any size scored in parts that outlive a kill, joined into one Parquet file."""
