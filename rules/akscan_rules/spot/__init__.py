"""Spot capacity and what runs on it."""
