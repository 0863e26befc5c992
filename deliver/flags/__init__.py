"""Back ends of feature flags: where the share of users that gets the treatment is read, set, killed and seen to arrive."""
