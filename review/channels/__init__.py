"""How messages reach people: a file, a mail server, or a chat's webhook."""
