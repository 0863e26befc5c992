"""The built-in strategies, on the public plugin interface alone (deliver.plugins, deliver.model)."""
