"""Assist moments in conversations: partners, words and syntax of what was said."""
