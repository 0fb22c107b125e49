"""The page on which partner managers judge flagged moments; knows features, not models."""
