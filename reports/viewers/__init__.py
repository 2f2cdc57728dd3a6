"""Viewers of plans that a report may carry along; each folder holds one with its licences."""
