"""What the API takes and gives, as pydantic models: the shapes, their limits, and nothing else."""
