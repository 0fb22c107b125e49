"""The mathematics: outcome models, credit, rules and their metrics, as functions on tables."""
