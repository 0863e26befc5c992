"""The public plugin interface: what a strategy, a router, a metric provider or a check must offer, and how they are found."""
