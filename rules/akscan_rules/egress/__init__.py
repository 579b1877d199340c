"""The ways out of a cluster."""
