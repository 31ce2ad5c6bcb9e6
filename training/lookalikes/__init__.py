"""Labelled pictures for learning to tell the same thing from one that only looks like it: `python -m lookalikes -h`."""
