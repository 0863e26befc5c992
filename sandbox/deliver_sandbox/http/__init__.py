"""The sandbox's API over HTTP: for kubectl, the official client, and the unmodified deliver process."""
