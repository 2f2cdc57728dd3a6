"""The embedded server, and what stands on it: plan and cost under a configuration."""
