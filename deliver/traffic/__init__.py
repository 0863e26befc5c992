"""Routers: plugins that move exposure and prove that it moved."""
