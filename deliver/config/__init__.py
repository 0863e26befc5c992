"""deliver.yaml: strict loader, models, JSON Schema; flag > environment > file > default."""
