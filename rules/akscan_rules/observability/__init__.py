"""Logs, metrics, alerts and their destinations."""
