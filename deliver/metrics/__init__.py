"""Where the numbers come from, and the examiner that turns them and the health checks into verdicts."""
