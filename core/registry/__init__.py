"""Model versions: immutable, with their artefact's hash, lineage, stage and card."""
