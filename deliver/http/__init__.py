"""One bounded HTTP client for health checks, flag servers and webhooks. No other package imports httpx."""
