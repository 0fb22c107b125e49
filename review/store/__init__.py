"""Where judgements are kept: a database of SQLite or PostgreSQL. Knows nothing of pages."""
