"""What governs a model: lineage, retirement, and checklists that prove their items."""
